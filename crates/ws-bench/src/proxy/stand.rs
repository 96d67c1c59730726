//! [`Stand`]: a proxy in a process of its own, in front of a backend.

use std::{
    env, fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::Result;

/// A proxy by name, and how it is started: given its own address and the backend's.
#[derive(Clone, Copy)]
pub(crate) struct Proxy {
    pub(crate) name: &'static str,
    command: fn(SocketAddr, SocketAddr) -> Result<Command>,
}

/// The proxies that are compared. Each has one thread.
const PROXIES: &[Proxy] = &[
    Proxy { name: "ours", command: |own, backend| ours(own, backend, "tunnel") },
    Proxy { name: "ours-relay", command: |own, backend| ours(own, backend, "relay") },
    Proxy { name: "nginx", command: nginx },
    Proxy { name: "haproxy", command: haproxy },
];

/// Reads a comma-separated list; an empty one means all.
pub(super) fn list(names: &str) -> Result<Vec<Proxy>> {
    if names.is_empty() {
        return Ok(PROXIES.to_vec());
    }
    let find = |name: &str| {
        let found = PROXIES.iter().find(|proxy| proxy.name == name).copied();
        found.ok_or_else(|| format!("no proxy {name}").into())
    };
    names.split(',').map(find).collect()
}

/// A running proxy; killed when dropped.
pub(super) struct Stand {
    child: Child,
    pub(super) addr: SocketAddr,
}

impl Stand {
    /// Starts a proxy and waits until it listens.
    ///
    /// # Errors
    /// When it is not installed, or does not listen.
    pub(super) fn start(proxy: &Proxy, backend: SocketAddr) -> Result<Self> {
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = (proxy.command)(addr, backend)?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| format!("{}: {error}", proxy.name))?;
        let mut stand = Self { child, addr };
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(addr).is_err() {
            if Instant::now() > deadline || stand.child.try_wait()?.is_some() {
                return Err(format!("{} does not listen", proxy.name).into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(stand)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to be done about a failure here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ours(own: SocketAddr, backend: SocketAddr, mode: &str) -> Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["serve-proxy", "--mode", mode]);
    command.args(["--listen", &own.to_string(), "--backend", &backend.to_string()]);
    Ok(command)
}

/// One process and no master, so that its CPU time is that of the proxy.
fn nginx(own: SocketAddr, backend: SocketAddr) -> Result<Command> {
    let dir = scratch(own)?;
    let temps: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {}/{kind}; ", dir.display()))
        .collect();
    let config = format!(
        "daemon off; master_process off; pid {dir}/pid; error_log stderr crit;
         events {{ worker_connections 19000; }}
         http {{
           access_log off; {temps}
           server {{
             listen {own} backlog=4096;
             location / {{
               proxy_pass http://{backend};
               proxy_http_version 1.1;
               proxy_set_header Host $http_host;
               proxy_set_header Upgrade $http_upgrade;
               proxy_set_header Connection upgrade;
             }}
           }}
         }}",
        dir = dir.display()
    );
    let file = dir.join("nginx.conf");
    fs::write(&file, config)?;
    let mut command = Command::new(installed("nginx")?);
    command.arg("-p").arg(&dir).args(["-e", "stderr", "-c"]).arg(file);
    Ok(command)
}

fn haproxy(own: SocketAddr, backend: SocketAddr) -> Result<Command> {
    let file = scratch(own)?.join("haproxy.cfg");
    let config = format!(
        "global\n  nbthread 1\n  maxconn 9000\ndefaults\n  mode http\n  timeout connect 10s\n  timeout client 60s\n  \
         timeout server 60s\nfrontend front\n  bind {own}\n  default_backend echo\nbackend echo\n  server echo {backend}\n"
    );
    fs::write(&file, config)?;
    let mut command = Command::new(installed("haproxy")?);
    command.args(["-db", "-f"]).arg(file);
    Ok(command)
}

/// Where Debian puts servers, and ordinary users do not look, too.
fn installed(name: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let places = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = places.map(|place| place.join(name)).find(|file| file.is_file());
    found.ok_or_else(|| format!("{name} is not installed (Debian: apt-get install {name})").into())
}

fn scratch(own: SocketAddr) -> Result<PathBuf> {
    let dir = env::temp_dir().join(format!("ws-bench-{}-{}", std::process::id(), own.port()));
    fs::create_dir_all(&dir)?;
    Ok(dir)
}
