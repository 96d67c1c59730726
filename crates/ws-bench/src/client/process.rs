//! A client in a process of its own.

use std::{
    env,
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use crate::{Result, workload::Workload};

/// A running client; killed when dropped.
#[derive(Debug)]
pub(super) struct ClientProcess(Child);

impl ClientProcess {
    /// # Errors
    /// When this program cannot be started again.
    pub(super) fn start(client: &str, target: SocketAddr, workload: &Workload) -> Result<Self> {
        let child = Command::new(env::current_exe()?)
            .args(["dial", client, "--workload", workload.name, "--target", &target.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }

    pub(super) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for ClientProcess {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to be done about a failure here.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
