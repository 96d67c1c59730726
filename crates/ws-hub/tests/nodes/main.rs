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
    use super::*;

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

    suite::suite!(OverNats::start(Keeps::Nothing));
    crate::chaos::chaos!(OverNats);
    crate::hubs::hubs!(OverNats);
}
