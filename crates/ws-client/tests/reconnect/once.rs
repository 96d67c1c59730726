//! At most once, in order, whatever cuts the connections.

use proptest::prelude::*;

use super::*;

/// What a server does with its connection before it is gone.
#[derive(Clone, Debug)]
struct Life {
    /// Bytes that the pipe to it holds.
    capacity: usize,
    /// Messages that it reads.
    reads: usize,
    /// How long it leaves what follows unread.
    sleeps: u64,
    closes: bool,
}

fn life() -> impl Strategy<Value = Life> {
    (1_usize..3000, 0_usize..40, 0_u64..3, any::<bool>()).prop_map(|(capacity, reads, sleeps, closes)| Life {
        capacity,
        reads,
        sleeps,
        closes,
    })
}

/// Sends numbered messages to servers with these lives, and to one that reads to the end; gives what arrived, and how
/// many are still queued.
async fn run(lives: Vec<Life>, sizes: Vec<usize>) -> (Vec<usize>, usize) {
    let arrived = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&arrived);
    let mut lives = lives.into_iter();
    let mut client = Reconnecting::from_fn(move |_attempt| {
        let life = lives.next();
        let (near, far) = tokio::io::duplex(life.as_ref().map_or(1 << 16, |life| life.capacity));
        let (mut server, seen) = (conn(far, Role::Server), Arc::clone(&seen));
        tokio::spawn(async move {
            let reads = life.as_ref().map_or(usize::MAX, |life| life.reads);
            for _ in 0..reads {
                let Ok(Some(message)) = server.read_message().await else { return };
                let text = message.into_text().unwrap();
                let number = text.split(' ').next().unwrap().parse().unwrap();
                seen.lock().unwrap().push(number);
            }
            let Some(life) = life else { return };
            sleep(Duration::from_secs(life.sleeps)).await;
            if life.closes {
                let _ = server.close(CloseFrame::new(CloseCode::SERVICE_RESTART, "")).await;
            }
        });
        async move { Ok((conn(near, Role::Client), Response::new(()))) }
    })
    .queue_limits(16, QUEUE);
    let outbox = client.outbox();
    let sender = outbox.clone();
    tokio::spawn(async move {
        for (number, size) in sizes.iter().enumerate() {
            sender.send(format!("{number} {}", "x".repeat(*size))).await.unwrap();
            if number % 7 == 0 {
                sleep(Duration::from_millis(300)).await;
            }
        }
        sender.close(None).unwrap();
    });
    let drive = async { while client.next().await.is_some() {} };
    timeout(AGES, drive).await.expect("the client has stalled");
    // The last server reads what the close frame came behind.
    sleep(Duration::from_secs(1)).await;
    let arrived = arrived.lock().unwrap().clone();
    (arrived, outbox.queued())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_message_arrives_twice_or_out_of_order(
        lives in prop::collection::vec(life(), 0..6),
        sizes in prop::collection::vec(0_usize..2000, 1..150),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let cuts = lives.len();
        let (arrived, queued) = runtime.block_on(run(lives, sizes.clone()));
        prop_assert!(arrived.is_sorted_by(|one, next| one < next), "{arrived:?}");
        // What is left in the queue is the end of what was sent.
        let handed_over = &sizes[..sizes.len() - queued];
        let lost: Vec<_> = (0..handed_over.len()).filter(|number| !arrived.contains(number)).collect();
        // The connection's own 64 KiB and a message, what a close adds from the queue, and the pipe.
        let most = cuts * ((64 << 10) + 2000 + QUEUE + 3000);
        prop_assert!(lost.iter().map(|number| sizes[*number]).sum::<usize>() <= most, "{lost:?}");
    }
}

/// The bytes that the queue holds.
const QUEUE: usize = 20_000;
