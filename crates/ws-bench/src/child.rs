//! A server in a process of its own.

use std::{
    env,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Result, load::Target, server::Server, workload::Traffic};

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Child,
    pub(crate) target: Target,
}

impl ServerProcess {
    /// Starts a server, most of which are this program, and waits until it listens. `workers` are the threads of its runtime.
    ///
    /// # Errors
    /// When the server ends before it listens.
    pub(crate) fn start(server: &Server, traffic: Traffic, workers: usize) -> Result<Self> {
        match server.program(traffic)? {
            Some(command) => Self::listening(command, server),
            None => {
                let mut command = Command::new(env::current_exe()?);
                command.args(serve(server, traffic)).args(["--workers", &workers.to_string()]);
                Self::listening(command, server)
            }
        }
    }

    /// Starts a program that takes `--listen` and prints the URL of where it listens, as the examples do.
    ///
    /// # Errors
    /// When it does not.
    pub(crate) fn start_program(program: &str) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["--listen", "127.0.0.1:0"]).stderr(Stdio::null());
        Self::ready(command, true, |line| line.trim().rsplit("//").next()?.trim_end_matches('/').parse().ok())
    }

    /// As [`start`](Self::start), under callgrind, which writes its figures to `out` at the end.
    pub(crate) fn start_in_callgrind(server: &Server, traffic: Traffic, out: &Path) -> Result<Self> {
        if server.program(traffic)?.is_some() {
            return Err(
                format!("{} is another program: its instructions are not counted", server.name).into()
            );
        }
        let mut command = callgrind(out)?;
        command.args(serve(server, traffic));
        Self::listening(command, server)
    }

    fn listening(command: Command, server: &Server) -> Result<Self> {
        let address = |line: &str| line.strip_prefix("listening on ")?.trim().parse().ok();
        Self::ready(command, server.is_websocket(), address)
    }

    /// Waits for the line that has the address.
    fn ready(
        mut command: Command,
        websocket: bool,
        address: impl Fn(&str) -> Option<SocketAddr>,
    ) -> Result<Self> {
        // Programs of others end when the pipe to them does, so that they do not outlive this one.
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let program = command.get_program().to_owned();
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", program.to_string_lossy()))?;
        let stdout = child.stdout.take().ok_or("no pipe from the server")?;
        // From here on an early return kills the child.
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut process = Self { child, target: Target { addr: unknown, websocket } };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        process.target.addr =
            address(&line).ok_or_else(|| format!("{}: {line:?}", program.to_string_lossy()))?;
        Ok(process)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks the server to end, so that callgrind writes its figures, and waits for it.
    ///
    /// # Errors
    /// When it has not ended after ten seconds.
    pub(crate) fn terminate(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                return Err("the server does not end".into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

/// This program under callgrind, which writes its figures to `out` at the end.
pub(crate) fn callgrind(out: &Path) -> Result<Command> {
    let mut command = Command::new("valgrind");
    command
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env::current_exe()?)
        .stderr(Stdio::null());
    Ok(command)
}

fn serve(server: &Server, traffic: Traffic) -> [&'static str; 4] {
    ["serve", server.name, "--traffic", traffic.name()]
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to be done about a failure here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
