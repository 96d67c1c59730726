//! The list of "Stay connected": messages that are acknowledged arrive once each, whatever cuts the connections.

use std::{collections::VecDeque, sync::PoisonError};

use super::*;

#[derive(Clone)]
struct Orders {
    list: Arc<Mutex<List>>,
    outbox: Outbox,
}

#[derive(Default)]
struct List {
    next: u64,
    open: VecDeque<(u64, String)>,
    sent: usize,
}

impl Orders {
    fn place(&self) {
        self.with(|list| {
            list.open.push_back((list.next, list.next.to_string()));
            list.next += 1;
        });
    }

    fn acknowledge(&self, number: u64) {
        self.with(|list| {
            while list.open.front().is_some_and(|(oldest, _)| *oldest <= number) {
                list.open.pop_front();
                list.sent = list.sent.saturating_sub(1);
            }
        });
    }

    fn begin_anew(&self) {
        self.with(|list| list.sent = 0);
    }

    fn with(&self, change: impl FnOnce(&mut List)) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut list);
        while let Some((_, order)) = list.open.get(list.sent) {
            if self.outbox.try_send_now(order.clone()).is_err() {
                break;
            }
            list.sent += 1;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn acknowledged_messages_arrive_once_each_in_order() {
    let (client, mut servers) = connected_through(300);
    let mut client = client.queue_limits(8, 1000);
    let orders = Orders { list: Arc::default(), outbox: client.outbox() };
    // Each server reads some messages, acknowledges most of them, and is gone.
    let arrived = tokio::spawn(async move {
        let mut arrived = Vec::new();
        let mut life = 0_u64;
        while let Some(mut server) = servers.recv().await {
            life += 1;
            for _ in 0..life % 11 * 5 {
                let Ok(Some(message)) = server.read_message().await else { break };
                let number: u64 = message.to_text().unwrap().parse().unwrap();
                let expected = arrived.len() as u64;
                assert!(number <= expected, "{number} while {expected} is due");
                if number == expected {
                    arrived.push(number);
                }
                if (number + life) % 3 > 0 {
                    let _ = server.write_message(number.to_string()).await;
                }
            }
        }
        arrived
    });
    let places = orders.clone();
    tokio::spawn(async move {
        for number in 0..ORDERS {
            places.place();
            if number % 5 == 0 {
                sleep(Duration::from_millis(37)).await;
            }
        }
    });
    // A few connections for each of the lives above; bounded, in case the rest never arrives.
    let done = |orders: &Orders| {
        let list = orders.list.lock().unwrap();
        list.next == ORDERS && list.open.is_empty()
    };
    for _ in 0..100 * ORDERS {
        match next(&mut client).await {
            Event::Up { .. } => orders.with(|_| {}),
            Event::Down { .. } => orders.begin_anew(),
            Event::Message(message) => orders.acknowledge(message.to_text().unwrap().parse().unwrap()),
            _ => {}
        }
        if done(&orders) {
            break;
        }
    }
    drop(client);
    assert_eq!(arrived.await.unwrap(), (0..ORDERS).collect::<Vec<_>>());
}

const ORDERS: u64 = 500;
