//! A room: what one member says, all hear, in the same order. A member that does not keep up is thrown out.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::mpsc;
use ws_client::{Conn, Transport};
use ws_core::{Message, PreparedMessage, ReadHalf, WriteHalf};
use ws_tower::Upgraded;

use crate::{Result, connect, expect, goodbye, say};

const MEMBERS: usize = 3;
const PER_MEMBER: usize = 20;
const QUEUE_LENGTH: usize = 256;

/// The queues of those who are in the room.
#[derive(Clone, Debug, Default)]
pub(crate) struct Room(Arc<Mutex<Vec<mpsc::Sender<PreparedMessage>>>>);

impl Room {
    fn join(&self) -> mpsc::Receiver<PreparedMessage> {
        let (sender, receiver) = mpsc::channel(QUEUE_LENGTH);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        receiver
    }

    /// Everyone gets the same encoded frame. A queue that is full or gone leaves the room.
    fn post(&self, post: &PreparedMessage) {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queues.retain(|queue| queue.try_send(post.clone()).is_ok());
    }
}

pub(crate) async fn serve(mut conn: Conn<Upgraded>, room: &Room) -> Result {
    conn.set_max_message_size(512);
    let (mut read, write) = conn.into_split();
    let writer = tokio::spawn(send(write, room.join()));
    while let Some(message) = read.read_message().await? {
        room.post(&PreparedMessage::new(message)?);
    }
    writer.abort();
    Ok(())
}

async fn send(mut write: WriteHalf<Upgraded>, mut queue: mpsc::Receiver<PreparedMessage>) -> Result {
    let mut ticker = tokio::time::interval(Duration::from_millis(50));
    loop {
        tokio::select! {
            post = queue.recv() => match post {
                Some(post) => write.write_prepared(&post).await?,
                None => return Ok(write.close(None).await?),
            },
            _ = ticker.tick() => write.write_message(Message::Ping(Default::default())).await?,
        }
    }
}

pub(crate) async fn dial(url: &str) -> Result {
    let mut conns = Vec::new();
    for number in 0..MEMBERS {
        conns.push(connect(url).await?);
        // Who reads their own words is in the room; the others read them too.
        let joined = format!("{number} joined");
        conns[number].write_message(joined.as_str()).await?;
        for conn in &mut conns {
            expect(conn.read_message().await?, &joined)?;
        }
    }
    let (reads, writes): (Vec<_>, Vec<_>) = conns.into_iter().map(Conn::into_split).unzip();
    let talk: Vec<_> =
        writes.into_iter().enumerate().map(|(number, write)| tokio::spawn(talk(number, write))).collect();
    let listen: Vec<_> = reads.into_iter().map(|read| tokio::spawn(listen(read))).collect();
    let (mut conns, mut heard) = (Vec::new(), Vec::new());
    for (talk, listen) in talk.into_iter().zip(listen) {
        let (read, posts) = listen.await??;
        conns.push(read.reunite(talk.await??)?);
        heard.push(posts);
    }
    for number in 0..MEMBERS {
        if heard[number] != heard[0] {
            return Err(format!("member {number} and member 0 heard the posts in another order").into());
        }
        let posts = heard[0].iter().filter(|post| post.starts_with(&format!("{number}: ")));
        if !posts.eq(&(0..PER_MEMBER).map(|count| format!("{number}: {count}")).collect::<Vec<_>>()) {
            return Err(format!("the posts of member {number} were not heard as they were sent").into());
        }
    }
    say("heard by each", heard[0].len());
    for conn in conns {
        goodbye(conn).await?;
    }
    Ok(())
}

async fn talk(number: usize, mut write: WriteHalf<Transport>) -> Result<WriteHalf<Transport>> {
    for count in 0..PER_MEMBER {
        write.write_message(format!("{number}: {count}")).await?;
    }
    Ok(write)
}

async fn listen(mut read: ReadHalf<Transport>) -> Result<(ReadHalf<Transport>, Vec<String>)> {
    let mut heard = Vec::new();
    while heard.len() < MEMBERS * PER_MEMBER {
        match read.read_message().await? {
            Some(Message::Text(post)) => heard.push(post.as_str().to_owned()),
            other => return Err(format!("{other:?} instead of a post").into()),
        }
    }
    Ok((read, heard))
}
