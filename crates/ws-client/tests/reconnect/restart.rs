//! A server on a loopback port that is killed and started again, under load.

use std::net::SocketAddr;

use tokio::{net::TcpListener, task::JoinSet};

use super::*;
use support::PATIENCE;

/// Numbers, in the order they arrived.
type Seen = Arc<Mutex<Vec<u32>>>;

/// Runs a server until its task is aborted, and its connections with it. It counts on where the last one stopped, so that the client
/// sees numbers in order, too.
async fn serve(listener: TcpListener, seen: Seen, counter: Arc<Mutex<u32>>) {
    let mut connections = JoinSet::new();
    loop {
        let (mut io, _) = listener.accept().await.unwrap();
        let (seen, counter) = (Arc::clone(&seen), Arc::clone(&counter));
        connections.spawn(async move {
            accept_handshake(&mut io, "").await;
            let mut conn = Conn::new(io, Role::Server, Config::new(), Negotiated::new());
            while let Ok(Some(Message::Text(text))) = conn.read_message().await {
                if let Ok(number) = text.parse() {
                    seen.lock().unwrap().push(number);
                }
                let answer = {
                    let mut counter = counter.lock().unwrap();
                    *counter += 1;
                    counter.to_string()
                };
                let _ = conn.queue_message(answer).await;
            }
        });
    }
}

async fn bind(addr: SocketAddr) -> TcpListener {
    loop {
        // The system may take a moment to let go of the port.
        match TcpListener::bind(addr).await {
            Ok(listener) => return listener,
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_that_is_killed_and_restarted_under_load_gets_each_message_once_at_most() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let seen = Seen::default();
    let counter = Arc::default();
    let mut server = tokio::spawn(serve(listener, Arc::clone(&seen), Arc::clone(&counter)));

    let backoff = Backoff::new().initial(Duration::from_millis(20)).max(Duration::from_millis(50));
    let mut client = Reconnecting::new(Dialer::new(), format!("ws://{addr}/"))
        .unwrap()
        .backoff(backoff)
        .setup(|mut conn| async move {
            conn.write_message("hello").await?;
            Ok(conn)
        });
    let outbox = client.outbox();
    let load = tokio::spawn(async move {
        let mut number = 0_u32;
        while outbox.send(number.to_string()).await.is_ok() {
            number += 1;
        }
        number
    });

    // Kills the server whenever a few hundred answers have arrived.
    let outbox = client.outbox();
    let (mut ups, mut kills, mut answers, mut last) = (0, 0, 0, 0);
    let drive = async {
        while let Some(event) = client.next().await {
            match event {
                Event::Up { .. } => {
                    ups += 1;
                    answers = 0;
                }
                Event::Message(message) => {
                    let number: u32 = message.to_text().unwrap().parse().unwrap();
                    assert!(number > last, "{number} after {last}");
                    (last, answers) = (number, answers + 1);
                    if answers == 300 && kills < KILLS {
                        kills += 1;
                        server.abort();
                        let _ = (&mut server).await;
                        server =
                            tokio::spawn(serve(bind(addr).await, Arc::clone(&seen), Arc::clone(&counter)));
                    } else if answers == 300 {
                        outbox.close(None).unwrap();
                    }
                }
                Event::Down { cause, retry_in, .. } => {
                    let closed = matches!(cause, Cause::CloseRequested);
                    assert_eq!(closed, retry_in.is_none(), "{cause:?}");
                }
                Event::Failed { retry_in, cause, .. } => assert!(retry_in.is_some(), "{cause:?}"),
                _ => unreachable!(),
            }
        }
    };
    timeout(PATIENCE, drive).await.expect("the client has stalled");
    server.abort();

    assert_eq!((kills, ups), (KILLS, KILLS + 1));
    let sent = load.await.unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen.is_sorted_by(|one, next| one < next), "a message arrived twice or out of order");
    assert!(seen.len() >= 300 * KILLS && seen.last() < Some(&sent));
    // Nothing is left behind by a close that was answered.
    assert_eq!(seen.last(), Some(&(sent - 1)));
    assert_eq!(outbox.queued(), 0);
}

const KILLS: usize = 20;
