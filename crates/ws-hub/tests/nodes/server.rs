//! Redis and NATS as processes of their own, on loopback, which can be killed, frozen and started again.

#![cfg_attr(not(feature = "nats"), allow(dead_code, reason = "for tests over NATS alone"))]

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// What the server keeps over a restart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeps {
    Everything,
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    #[cfg(feature = "nats")]
    Nats,
    #[cfg(feature = "redis")]
    Redis,
}

pub(crate) struct Server {
    program: Program,
    keeps: Keeps,
    port: u16,
    dir: PathBuf,
    child: Child,
}

impl Server {
    /// A server that takes connections.
    pub(crate) fn start(program: Program, keeps: Keeps) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("ws-hub-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = spawn(program, keeps, port, &dir);
        let server = Self { program, keeps, port, dir, child };
        server.wait();
        server
    }

    pub(crate) fn url(&self) -> String {
        let scheme = match self.program {
            #[cfg(feature = "nats")]
            Program::Nats => "nats",
            #[cfg(feature = "redis")]
            Program::Redis => "redis",
        };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it as an operator does, and keeps a copy of its files.
    pub(crate) fn back_up(&mut self) {
        self.signal("-TERM");
        self.child.wait().unwrap();
        copy(&self.dir, &self.copy());
    }

    /// Ends it as a crash does that costs what was written since [`back_up`](Self::back_up).
    pub(crate) fn fall_back(&mut self) {
        self.kill();
        std::fs::remove_dir_all(&self.dir).unwrap();
        copy(&self.copy(), &self.dir);
    }

    fn copy(&self) -> PathBuf {
        self.dir.with_extension("copy")
    }

    /// Starts it again, on the same port and with the same files.
    pub(crate) fn restart(&mut self) {
        if self.keeps == Keeps::Nothing {
            let _ = std::fs::remove_dir_all(&self.dir);
            std::fs::create_dir_all(&self.dir).unwrap();
        }
        self.child = spawn(self.program, self.keeps, self.port, &self.dir);
        self.wait();
    }

    /// Lets it neither run nor end: connections stay, and nothing answers.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "the server does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
        let _ = std::fs::remove_dir_all(self.copy());
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    let status = Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(status.success());
}

fn spawn(program: Program, keeps: Keeps, port: u16, dir: &std::path::Path) -> Child {
    let mut command = match program {
        #[cfg(feature = "nats")]
        Program::Nats => {
            // Streams that a backplane makes are in memory or in files as its configuration says.
            let _ = keeps;
            let mut command = Command::new("nats-server");
            command.args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"]).arg(dir);
            command
        }
        #[cfg(feature = "redis")]
        Program::Redis => {
            let mut command = Command::new("redis-server");
            let append = if keeps == Keeps::Everything { "yes" } else { "no" };
            command.args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                append,
            ]);
            command.args(["--appendfsync", "always", "--dir"]).arg(dir);
            command
        }
    };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the server is installed (Debian: redis-server, nats-server)")
}
