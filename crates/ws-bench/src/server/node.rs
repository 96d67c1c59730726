//! Node's `ws`: a process of `node` with a small script.

use std::{
    env,
    path::PathBuf,
    process::{Command, Stdio},
};

use super::program;
use crate::{Result, workload::Traffic};

/// The command that serves, ready to be run.
///
/// `ws` is looked for as Node does, in `NODE_PATH`, and where the tests of this workspace install it.
///
/// # Errors
/// When `node` or `ws` is not there.
pub(super) fn command(traffic: Traffic) -> Result<Command> {
    let mut path = env::var_os("NODE_PATH").unwrap_or_default();
    if path.is_empty() {
        path = installed().into_os_string();
    }
    let node = |script: &str| {
        let mut command = Command::new("node");
        command.env("NODE_PATH", &path).args(["-e", script]);
        command
    };
    let has_ws = node("require('ws')").stdin(Stdio::null()).stderr(Stdio::null()).status();
    match has_ws {
        Err(error) => Err(format!("node: {error}").into()),
        Ok(status) if !status.success() => {
            Err("node does not find the package ws; NODE_PATH names the directory it is in".into())
        }
        Ok(_) => Ok(program::told(node(SCRIPT), traffic)),
    }
}

fn installed() -> PathBuf {
    program::cache().join("node/node_modules")
}

const SCRIPT: &str = include_str!("node.cjs");
