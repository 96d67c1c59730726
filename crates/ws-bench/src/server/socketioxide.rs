//! socketioxide with its own Socket.IO: a small program (`peers/socketioxide`), built where there are the Rust and the network for it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use super::program;
use crate::{Result, workload::Traffic};

/// The command that serves, ready to be run.
///
/// # Errors
/// When it cannot be built.
pub(super) fn command(traffic: Traffic) -> Result<Command> {
    /// Built once a process, or why not.
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();

    let program = BUILT.get_or_init(|| build().map_err(|error| error.to_string())).clone()?;
    Ok(program::told(Command::new(program), traffic))
}

fn build() -> Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/socketioxide/Cargo.toml");
    let target = program::cache().join("socketioxide");
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--release", "--locked", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if !status.success() {
        return Err("cargo cannot build peers/socketioxide, which needs Rust 1.94".into());
    }
    Ok(target.join("release/ws-bench-socketioxide"))
}
