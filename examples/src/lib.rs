//! What the examples share: where a server listens, a server with deadlines, and pages from a directory.
//!
//! The listings of the documentation are compiled here too: see `pages!`.
#![forbid(unsafe_code)]

#[cfg(feature = "obs")]
pub mod obs;
mod pages;
mod serve;

use std::{env, io, process};

use tokio::net::TcpListener;

pub use self::{
    pages::pages,
    serve::{accept, serve},
};

/// Listens on the address that the command line names with `--listen`, and prints it as the first line.
///
/// Port 0 stands for any free port; the line says which one it is. What is wrong with the command line or the address
/// is said on standard error, and ends the program.
pub async fn listen() -> TcpListener {
    listen_as("http", &[]).await.0
}

/// As [`listen`], for a server that speaks TLS on it: the line says `https`.
pub async fn listen_tls() -> TcpListener {
    listen_as("https", &[]).await.0
}

/// As [`listen`], for a program that has options of its own: of each its name, a word for its value, and what that is. Gives the values.
///
/// Without such a word it is a flag, whose value is empty.
pub async fn listen_with_options<const N: usize>(
    options: [(&str, &str, &str); N],
) -> (TcpListener, [Option<String>; N]) {
    let extras = options.map(|(name, value, what)| Extra {
        name,
        value: Some(value).filter(|value| !value.is_empty()),
        what,
    });
    let (listener, mut values) = listen_as("http", &extras).await;
    (listener, std::array::from_fn(|at| values[at].take()))
}

/// A flag, or an option with a value, beside those that all have.
#[derive(Clone, Copy)]
struct Extra<'a> {
    name: &'a str,
    value: Option<&'a str>,
    what: &'a str,
}

/// The address to listen on, and the values of options.
type Found = (String, Vec<Option<String>>);

async fn listen_as(scheme: &str, extras: &[Extra<'_>]) -> (TcpListener, Vec<Option<String>>) {
    let mut usage = USAGE.to_owned();
    for Extra { name, value, what } in extras {
        let name = value.map_or_else(|| (*name).to_owned(), |value| format!("{name} {value}"));
        usage.push_str(&format!("\n  {name:<14} {what}"));
    }
    let (address, values) = match address(env::args().skip(1), extras) {
        Ok(Some(found)) => found,
        Ok(None) => {
            println!("{usage}");
            process::exit(0);
        }
        Err(message) => {
            eprintln!("{message}\n{usage}");
            process::exit(1);
        }
    };
    match bind(scheme, &address).await {
        Ok(listener) => (listener, values),
        Err(error) => {
            eprintln!("cannot listen on {address}: {error}");
            process::exit(1);
        }
    }
}

/// Waits for the signal to stop: Ctrl-C or, on Unix, `SIGTERM`, which service managers send.
pub async fn stop_signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // No signal will ever come.
            std::future::pending().await
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

async fn bind(scheme: &str, address: &str) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    println!("listening on {scheme}://{}", listener.local_addr()?);
    Ok(listener)
}

/// The address in the arguments, and the values of the options of one's own, empty for flags; `None` when help is asked for.
fn address(mut args: impl Iterator<Item = String>, extras: &[Extra<'_>]) -> Result<Option<Found>, String> {
    let mut address = String::from("127.0.0.1:3000");
    let mut values = vec![None; extras.len()];
    while let Some(arg) = args.next() {
        let (name, inline) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (arg.as_str(), None),
        };
        let own = extras.iter().position(|extra| extra.name == name);
        match (name, own) {
            ("-h" | "--help", _) if inline.is_none() => return Ok(None),
            ("--listen", _) => {
                let value = inline.or_else(|| args.next());
                address = value.ok_or("--listen needs an address, such as 127.0.0.1:3000")?;
            }
            (_, Some(at)) if extras[at].value.is_some() => {
                let value = inline.or_else(|| args.next());
                values[at] = Some(value.ok_or_else(|| format!("{name} needs a value"))?);
            }
            (_, Some(at)) if inline.is_none() => values[at] = Some(String::new()),
            _ => return Err(format!("unknown argument {arg:?}")),
        }
    }
    Ok(Some((address, values)))
}

const USAGE: &str = "\
options:
  --listen ADDR  where to listen; 127.0.0.1:3000 unless given, port 0 for any free port
  --help         show this";

/// The Rust listings of the pages, as doctests.
macro_rules! pages {
    ($($name:ident $path:literal,)+) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!(concat!("../../", $path))]
            mod $name {}
        )+
    };
}

pages! {
    readme "README.md",
    ws_core_readme "crates/ws-core/README.md",
    ws_tower_readme "crates/ws-tower/README.md",
    ws_client_readme "crates/ws-client/README.md",
    ws_hub_readme "crates/ws-hub/README.md",
    ws_obs_readme "crates/ws-obs/README.md",
    ws_proxy_readme "crates/ws-proxy/README.md",
    ws_wasm_readme "crates/ws-wasm/README.md",
    authenticate "docs/how-to/authenticate.md",
    behind_a_proxy "docs/how-to/behind-a-proxy.md",
    broadcast "docs/how-to/broadcast.md",
    browser "docs/how-to/browser.md",
    byte_stream "docs/how-to/byte-stream.md",
    client_tls "docs/how-to/client-tls.md",
    concurrent_tasks "docs/how-to/concurrent-tasks.md",
    connection_limits "docs/how-to/connection-limits.md",
    cookies_and_redirects "docs/how-to/cookies-and-redirects.md",
    graceful_shutdown "docs/how-to/graceful-shutdown.md",
    http2 "docs/how-to/http2.md",
    hub_limits "docs/how-to/hub-limits.md",
    json "docs/how-to/json.md",
    keep_alive "docs/how-to/keep-alive.md",
    large_messages "docs/how-to/large-messages.md",
    obs_page "docs/how-to/obs.md",
    observe "docs/how-to/observe.md",
    own_transport "docs/how-to/own-transport.md",
    presence "docs/how-to/presence.md",
    proxies "docs/how-to/proxies.md",
    reconnect "docs/how-to/reconnect.md",
    rooms "docs/how-to/rooms.md",
    several_nodes "docs/how-to/several-nodes.md",
    slow_consumers "docs/how-to/slow-consumers.md",
    subprotocols "docs/how-to/subprotocols.md",
    test_handlers "docs/how-to/test-handlers.md",
    timeouts "docs/how-to/timeouts.md",
    tls "docs/how-to/tls.md",
    without_http_server "docs/how-to/without-http-server.md",
    from_axum "docs/migrating/from-axum.md",
    from_gorilla "docs/migrating/from-gorilla.md",
    from_melody "docs/migrating/from-melody.md",
    from_obsws "docs/migrating/from-obsws.md",
    from_tungstenite "docs/migrating/from-tungstenite.md",
    from_websocketproxy "docs/migrating/from-websocketproxy.md",
    errors "docs/reference/errors.md",
    features "docs/reference/features.md",
    hub_protocol "docs/reference/hub-protocol.md",
    architecture "docs/topics/architecture.md",
    backpressure "docs/topics/backpressure.md",
    closing "docs/topics/closing.md",
    compression "docs/topics/compression.md",
    defaults "docs/topics/defaults.md",
    hub "docs/topics/hub.md",
    memory "docs/topics/memory.md",
    performance "docs/topics/performance.md",
    performance_compression "docs/topics/performance-compression.md",
    performance_levers "docs/topics/performance-levers.md",
    proxy "docs/topics/proxy.md",
    sans_io "docs/topics/sans-io.md",
    security "docs/topics/security.md",
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str], has_value: bool) -> Result<Option<(String, Option<String>)>, String> {
        let extra = Extra { name: "--extra", value: has_value.then_some("VALUE"), what: "" };
        let other = Extra { name: "--other", ..extra };
        let found = address(args.iter().map(ToString::to_string), &[extra, other])?;
        Ok(found.map(|(address, mut values)| (address, values.swap_remove(0))))
    }

    #[test]
    fn address_is_read_from_the_arguments() {
        for (args, expected) in [
            (&[][..], "127.0.0.1:3000"),
            (&["--listen", "[::1]:0"], "[::1]:0"),
            (&["--listen=localhost:1"], "localhost:1"),
        ] {
            assert_eq!(parse(args, false), Ok(Some((expected.into(), None))));
        }
        assert_eq!(parse(&["--listen=a:1", "--help"], false), Ok(None));
    }

    #[test]
    fn flag_or_option_of_ones_own_is_found() {
        assert_eq!(
            parse(&["--extra", "--listen", "a:1"], false),
            Ok(Some(("a:1".into(), Some(String::new()))))
        );
        let found = Ok(Some(("a:1".into(), Some("b=c".into()))));
        assert_eq!(parse(&["--extra", "b=c", "--listen", "a:1"], true), found);
        assert_eq!(parse(&["--extra=b=c", "--listen", "a:1"], true), found);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert!(parse(&["--listen"], false).is_err_and(|message| message.contains("needs an address")));
        assert!(parse(&["--extra"], true).is_err_and(|message| message.contains("needs a value")));
        for unknown in ["--port", "--extra=1", "--help=yes"] {
            assert!(parse(&[unknown], false).is_err_and(|message| message.contains(unknown)), "{unknown}");
        }
    }
}
