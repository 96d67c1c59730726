//! A TCP echo: the floor that the ratios stand on.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::Result;

pub(super) async fn echo(mut stream: TcpStream) -> Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let len = stream.read(&mut buffer).await?;
        if len == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..len]).await?;
    }
}
