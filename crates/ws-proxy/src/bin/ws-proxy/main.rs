//! `ws-proxy`: the reverse proxy as a program. `--help` says how to start it.

#![forbid(unsafe_code)]

mod args;
mod check;
mod config;
mod log;
mod routes;
mod serve;
mod stats;
mod tls;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use tokio::{net::TcpListener, task::JoinSet};
use ws_proxy::{Tunnels, ws_core::CloseFrame};

use crate::{
    args::Command,
    config::{Config, Listen},
    log::{Log, say},
    routes::{Common, Routes},
    serve::{Certificate, Listener, admin},
    stats::Stats,
};

fn main() -> ExitCode {
    let done = args::parse(std::env::args_os().skip(1)).and_then(|command| match command {
        Command::Help => {
            print!("{}", include_str!("help.txt"));
            Ok(())
        }
        Command::Version => {
            println!("ws-proxy {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        Command::File { path, check } => {
            Config::read(&path).and_then(|config| start(config, Some(path), check))
        }
        Command::Flags { config, check } => start(*config, None, check),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(error);
            ExitCode::from(2)
        }
    }
}

fn start(mut config: Config, file: Option<PathBuf>, check: bool) -> Result<(), String> {
    if config.listen.is_empty() {
        config.listen.push(Listen::at("127.0.0.1:8080".into()));
    }
    let frame = CloseFrame::new(config.drain.code, config.drain.reason.as_str());
    if frame.check_sendable().is_err() {
        return Err("drain: no close frame may have this code, or a reason of more than 123 bytes".into());
    }
    for time in [config.drain.stagger, config.drain.timeout] {
        Duration::try_from_secs_f64(time).map_err(|error| format!("drain: {time} seconds: {error}"))?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("the runtime cannot be started: {error}"))?;
    runtime.block_on(async {
        let common = Common {
            tunnels: Tunnels::new(),
            stats: Stats::default(),
            log: config.access_log.then(Log::start),
        };
        let routes = Routes::new(&config, &common)?;
        if check {
            check::addresses(&config)?;
            for listen in &config.listen {
                tls::acceptor(listen)?;
            }
            println!("the configuration can be used");
            return Ok(());
        }
        run(&config, file, common, routes).await
    })
}

async fn run(config: &Config, file: Option<PathBuf>, common: Common, routes: Routes) -> Result<(), String> {
    let mut serving = JoinSet::new();
    let mut certificates = Vec::new();
    for listen in &config.listen {
        let listener = Listener::bind(listen).await?;
        let scheme = if listener.is_tls() { "wss" } else { "ws" };
        let addr = listener.local_addr().map_err(|error| error.to_string())?;
        say(format_args!("listening on {scheme}://{addr}"));
        certificates.push(listener.certificate());
        serving.spawn(listener.serve(routes.clone()));
    }
    if let Some(address) = &config.admin {
        let listener =
            TcpListener::bind(address).await.map_err(|error| format!("admin: {address}: {error}"))?;
        if let Ok(addr) = listener.local_addr() {
            say(format_args!("metrics on http://{addr}/metrics"));
        }
        serving.spawn(admin(listener, common.clone(), routes.clone()));
    }
    let mut signals = Signals::new()?;
    while signals.next().await == Signal::Reload {
        reload(file.as_ref(), &certificates, &common, &routes);
    }
    // Nobody is accepted any more; what was accepted is served on.
    drop(serving);
    let open = common.tunnels.len();
    say(format_args!("draining {open} connections"));
    let seconds = |time| Duration::try_from_secs_f64(time).unwrap_or_default();
    let drain = common
        .tunnels
        .drain()
        .close_frame(CloseFrame::new(config.drain.code, config.drain.reason.as_str()))
        .stagger(seconds(config.drain.stagger))
        .timeout(seconds(config.drain.timeout));
    tokio::select! {
        summary = drain.into_future() => {
            say(format_args!("{} closed, {} cut off", summary.closed, summary.aborted));
            // What is still to be written to the log.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        () = signals.end() => say("ended at once"),
    }
    Ok(())
}

/// Reads the configuration anew. What is wrong with it is said, and all stays as it is.
fn reload(file: Option<&PathBuf>, certificates: &[Certificate], common: &Common, routes: &Routes) {
    let Some(path) = file else {
        say("there is no file to read again");
        return;
    };
    let reloaded = Config::read(path).and_then(|config| {
        let read: Result<Vec<_>, _> = certificates.iter().map(|held| held.read(&config.listen)).collect();
        // All of it is right, or nothing is taken.
        let read = read?;
        routes.replace(&config, common)?;
        certificates.iter().zip(read).for_each(|(held, read)| held.replace(read));
        Ok(())
    });
    match reloaded {
        Ok(()) => say(format_args!("{} read again", path.display())),
        Err(error) => say(format_args!("not read again: {error}")),
    }
}

#[derive(PartialEq)]
enum Signal {
    Reload,
    End,
}

#[cfg(unix)]
struct Signals {
    hangup: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Result<Self, String> {
        use tokio::signal::unix::{SignalKind, signal};
        let on = |kind| signal(kind).map_err(|error| error.to_string());
        Ok(Self {
            hangup: on(SignalKind::hangup())?,
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.hangup.recv() => Signal::Reload,
            () = async { tokio::select! { _ = self.terminate.recv() => {}, _ = self.interrupt.recv() => {} } } => Signal::End,
        }
    }

    async fn end(&mut self) {
        while self.next().await == Signal::Reload {}
    }
}

/// Elsewhere there is Ctrl-C, and nothing to reload by.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "as where it can fail")]
    fn new() -> Result<Self, String> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        let _ = tokio::signal::ctrl_c().await;
        Signal::End
    }

    async fn end(&mut self) {
        self.next().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reload_takes_all_of_a_file_or_nothing() {
        let file = std::env::temp_dir().join(format!("ws-proxy-reload-{}.toml", std::process::id()));
        let common = Common { tunnels: Tunnels::new(), stats: Stats::default(), log: None };
        let at = |backend: &str, more: &str| {
            format!("[[listen]]\naddress = \"127.0.0.1:0\"\n{more}\n[[route]]\nbackends = [\"{backend}\"]\n")
        };
        std::fs::write(&file, at("ws://a", "")).unwrap();
        let config = Config::read(&file).unwrap();
        let routes = Routes::new(&config, &common).unwrap();
        let certificates = [Listener::bind(&config.listen[0]).await.unwrap().certificate()];
        let mut seen = Vec::new();
        for text in [at("ws://b", "certificate = \"/nowhere\"\nkey = \"/nowhere\""), at("ws://c", "")] {
            std::fs::write(&file, text).unwrap();
            reload(Some(&file), &certificates, &common, &routes);
            seen.push(routes.backends()[0].status()[0].uri.to_string());
        }
        std::fs::remove_file(&file).unwrap();
        assert_eq!(seen, ["ws://a/", "ws://c/"]);
    }
}
