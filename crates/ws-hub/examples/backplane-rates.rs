//! How many messages a second go over a backplane: `backplane-rates URL [LISTENERS [MESSAGES [BYTES]]]`.
//!
//! One node publishes to one room as fast as its bounds let it, the listeners count. The URL is `memory:`, `redis://…` or
//! `nats://…`; nothing of the server's is deleted beforehand or afterwards.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use ws_hub::backplane::{Backplane, Config, Event, Events, MemoryBus, Nats, Publication, Redis, Topic};

/// Publications whose answers are awaited.
const WINDOW: usize = 8192;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let url = args.next().ok_or("usage: backplane-rates URL [LISTENERS [MESSAGES [BYTES]]]")?;
    let mut number = |otherwise: usize| args.next().map_or(Ok(otherwise), |arg| arg.parse::<usize>());
    let (listeners, messages, bytes) = (number(1)?, number(200_000)?, number(256)?);
    let bus = MemoryBus::new();
    let node = || -> Result<Arc<dyn Backplane>, Box<dyn Error>> {
        let config = Config::new().prefix("rates").max_events(1 << 20).max_event_bytes(1 << 30);
        Ok(match url.split(':').next() {
            Some("memory") => Arc::new(bus.join(config)),
            Some("nats") => Arc::new(Nats::new(&url, config)?),
            _ => Arc::new(Redis::new(&url, config)?),
        })
    };
    for retained in [false, true] {
        let publisher = node()?;
        let _ = up(&*publisher).await?;
        let mut counting = Vec::new();
        for _ in 0..listeners {
            let listener = node()?;
            let events = up(&*listener).await?;
            listener.subscribe(vec![Topic::room("rates")]).await?;
            counting.push(tokio::spawn(count(listener, events, messages)));
        }
        let began = Instant::now();
        let payload = bytes::Bytes::from(vec![b'x'; bytes]);
        let mut replies = VecDeque::with_capacity(WINDOW);
        for _ in 0..messages {
            if replies.len() == WINDOW {
                if let Some(reply) = replies.pop_front() {
                    reply.await?;
                }
            }
            let publication = Publication::new(Topic::room("rates"), payload.clone());
            replies.push_back(publisher.publish(if retained { publication.retained() } else { publication }));
        }
        for reply in replies {
            reply.await?;
        }
        let published = began.elapsed().as_secs_f64();
        let mut lost = 0;
        for task in counting {
            lost += task.await?;
        }
        let delivered = began.elapsed().as_secs_f64();
        let total = messages * listeners;
        println!(
            "{}: {messages} messages of {bytes} bytes, {listeners} listeners: {:.0} publishes/s, {:.0} deliveries/s, {lost} lost",
            if retained { "retained" } else { "plain" },
            messages as f64 / published,
            (total - lost) as f64 / delivered,
        );
    }
    Ok(())
}

async fn up(plane: &dyn Backplane) -> Result<Events, Box<dyn Error>> {
    let mut events = plane.take_events().ok_or("taken")?;
    match events.next().await {
        Some(Event::Up { .. }) => Ok(events),
        event => Err(format!("{event:?}").into()),
    }
}

/// Counts until all have come or been lost.
async fn count(_plane: Arc<dyn Backplane>, mut events: Events, messages: usize) -> usize {
    let (mut heard, mut lost) = (0, 0);
    while heard + lost < messages {
        match events.next().await {
            Some(Event::Message(_)) => heard += 1,
            Some(Event::Lagged { dropped }) => lost += dropped as usize,
            Some(Event::Down) | None => return messages - heard,
            Some(_) => {}
        }
    }
    lost
}
