//! What servers that are programs of their own have in common.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::workload::Traffic;

/// Tells the program what to do with messages.
pub(super) fn told(mut command: Command, traffic: Traffic) -> Command {
    command.env("WS_BENCH_TRAFFIC", traffic.name());
    command
}

/// Where this workspace keeps what it has installed and built of others.
pub(super) fn cache() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache")
}
