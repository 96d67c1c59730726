//! What ws-tower's module of this name has for the tracker.

use std::time::Duration;

#[derive(Debug)]
pub(crate) enum Fault {
    ShuttingDown { retry_after: Duration },
}
