//! Backplanes over real servers: `tests/run nodes`.
//!
//! Not among the tests that `cargo test` runs by itself, since they need redis-server and nats-server.

#![cfg(any(feature = "nats", feature = "redis"))]

mod chaos;
mod hubs;
mod server;
mod suite;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;

use ws_hub::backplane::{Backplane, Config};

use self::chaos::Fragile;
use self::server::{Keeps, Program, Server};
use self::suite::Fixture;

#[cfg(feature = "redis")]
mod redis {
    use super::*;

    pub(crate) struct OverRedis(pub(crate) Server);

    impl Fragile for OverRedis {
        const CONFIRMS_WHAT_IT_KEEPS: bool = true;

        fn start(keeps: Keeps) -> Self {
            Self(Server::start(Program::Redis, keeps))
        }

        fn server(&mut self) -> &mut Server {
            &mut self.0
        }
    }

    impl Fixture for OverRedis {
        fn node(&self, config: Config) -> Arc<dyn Backplane> {
            Arc::new(ws_hub::backplane::Redis::new(&self.0.url(), config).unwrap())
        }
    }

    suite::suite!(OverRedis::start(Keeps::Nothing));
    crate::chaos::chaos!(OverRedis);
    crate::hubs::hubs!(OverRedis);
}

#[cfg(feature = "nats")]
mod nats {
    use std::time::Duration;

    use ws_hub::backplane::Event;

    use super::*;
    use crate::suite::{Node, short_lived};

    pub(crate) struct OverNats(pub(crate) Server);

    impl Fragile for OverNats {
        const CONFIRMS_WHAT_IT_KEEPS: bool = false;

        fn start(keeps: Keeps) -> Self {
            Self(Server::start(Program::Nats, keeps))
        }

        fn server(&mut self) -> &mut Server {
            &mut self.0
        }
    }

    impl Fixture for OverNats {
        const BYTES_PER_ROOM: bool = false;

        fn node(&self, config: Config) -> Arc<dyn Backplane> {
            Arc::new(ws_hub::backplane::Nats::new(&self.0.url(), config).unwrap())
        }
    }

    /// The numbers of what was lost are given again, so what is there now must not be taken for the same history.
    #[tokio::test]
    async fn a_server_that_lost_what_it_confirmed_begins_a_new_epoch() {
        let mut server = OverNats::start(Keeps::Everything);
        let mut here = Node::up(server.node(short_lived())).await;
        let before = here.retain("r", "before").await;
        server.0.back_up();
        server.0.restart();
        while here.event().await != (Event::Up { missed: true }) {}
        assert_eq!(
            here.history("r", None, 10).await,
            (true, vec!["before".into()], before),
            "nothing was lost"
        );
        let lost = here.retain("r", "lost").await;
        assert_eq!(lost.epoch, before.epoch);
        server.0.fall_back();
        server.0.restart();
        while here.event().await != (Event::Up { missed: true }) {}
        let mut after = here.retain("r", "after").await;
        while after.offset < lost.offset {
            after = here.retain("r", "after").await;
        }
        assert_ne!(after.epoch, lost.epoch);
        assert_eq!(here.history("r", Some(lost), 10).await, (false, vec![], after));
    }

    /// Even when somebody who did not know has published meanwhile.
    #[tokio::test]
    async fn numbers_that_were_given_again_are_noticed() {
        let mut server = OverNats::start(Keeps::Everything);
        let slow = short_lived().backoff(Duration::from_secs(2), Duration::from_secs(2));
        let mut here = Node::up(server.node(slow)).await;
        here.retain("r", "before").await;
        server.0.back_up();
        server.0.restart();
        while here.event().await != (Event::Up { missed: true }) {}
        let lost = here.retain("r", "lost").await;
        server.0.fall_back();
        server.0.restart();
        let newborn = Node::up(server.node(short_lived())).await;
        let other = newborn.retain("r", "other").await;
        assert_eq!(other, lost, "the same number, in the same epoch");
        while here.event().await != (Event::Up { missed: true }) {}
        let (exact, messages, position) = here.history("r", Some(lost), 10).await;
        assert!(!exact && messages.is_empty() && position.epoch != lost.epoch);
    }

    suite::suite!(OverNats::start(Keeps::Nothing));
    crate::chaos::chaos!(OverNats);
    crate::hubs::hubs!(OverNats);
}
