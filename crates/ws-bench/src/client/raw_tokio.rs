//! A TCP client that sends and takes the bytes that WebSocket clients do: the floor that the ratios stand on.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::job::Job;
use crate::Result;

pub(super) async fn run(job: Arc<Job>) -> Result<()> {
    let mut stream = job.connect().await?;
    let mut buffer = vec![0; 64 << 10];
    let mut variant = 0;
    loop {
        stream.write_all(&job.requests.bytes()[job.requests.batch(variant, job.depth)]).await?;
        let mut left = job.answers.batch(variant, job.depth).len();
        while left > 0 {
            match stream.read(&mut buffer).await? {
                0 => return Err("the server closed a connection".into()),
                len => left = left.checked_sub(len).ok_or("more came back than was sent")?,
            }
        }
        variant += job.depth;
    }
}
