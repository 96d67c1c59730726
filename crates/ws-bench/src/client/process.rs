//! A client in a process of its own.

use std::{
    env,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{Result, child::callgrind, workload::Workload};

/// A running client; killed when dropped.
#[derive(Debug)]
pub(super) struct ClientProcess(Child);

impl ClientProcess {
    /// # Errors
    /// When this program cannot be started again.
    pub(super) fn start(client: &str, target: SocketAddr, workload: &Workload) -> Result<Self> {
        Self::spawn(Command::new(env::current_exe()?), client, target, workload)
    }

    /// As [`start`](Self::start), under callgrind, which writes its figures to `out` at the end.
    pub(super) fn start_in_callgrind(
        client: &str,
        target: SocketAddr,
        workload: &Workload,
        out: &Path,
    ) -> Result<Self> {
        Self::spawn(callgrind(out)?, client, target, workload)
    }

    fn spawn(mut program: Command, client: &str, target: SocketAddr, workload: &Workload) -> Result<Self> {
        let child = program
            .args(["dial", client, "--workload", workload.name, "--target", &target.to_string()])
            .args(["--connections", &workload.connections.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }

    /// Waits for a client whose connections were closed.
    ///
    /// # Errors
    /// When it has not ended after ten seconds.
    pub(super) fn ended(mut self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.0.try_wait()?.is_none() {
            if Instant::now() > deadline {
                return Err("the client does not end".into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
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
