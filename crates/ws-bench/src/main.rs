//! Measures WebSocket servers side by side: server CPU time per message against a raw TCP echo.
//!
//! The method, and what the figures can and cannot say, is in `docs/topics/performance.md`.

#[cfg(not(target_os = "linux"))]
compile_error!("ws-bench reads /proc and uses epoll: it runs on Linux only");

mod args;
mod attack;
mod callgrind;
mod child;
mod client;
mod compare;
mod deflate;
mod hub;
mod idle;
mod instructions;
mod limits;
mod load;
mod out;
mod plot;
mod procfs;
mod proxy;
mod report;
mod results;
mod rounds;
mod schedule;
mod server;
mod stats;
mod workers;
mod workload;

use std::{error::Error, process::ExitCode};

use args::Args;
use out::say;

/// What every part of this program fails with: it has one reader, who wants the sentence.
type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

const USAGE: &str = "\
usage: ws-bench COMMAND [OPTIONS]

  attack SHAPE   what others wait while a server is attacked, and its memory; the shapes are
                 churn, fragments, idle, pings, slow-readers and slowloris
                 --connections N   default: as many as docs/topics/security.md has
                 --seconds S       default 10, and as long before; churn ends when all have come and gone, or then
                 --server NAME     default ours-axum
                 --program PATH    another server instead, as the examples are: it takes --listen and prints its address
  compare        server CPU time per message, servers interleaved, as ratios to raw-tokio
                 --workload LIST   default t32-d1,t32-d16,b64k; `list` shows all, `all` runs all
                 --servers LIST    default: all, raw-tokio first
                 --connections N   instead of those of the workload
                 --rounds N        default 5
                 --seconds S       measured window, default 1
                 --core N          core shared by server and generator, default the last one
                 --json FILE       keeps all rounds, for `plot`
  client         CPU time of clients per message, there and back, against a responder without a WebSocket library
                 --workload LIST   default t32-d1,t32-d16,b64k
                 --clients LIST    default: all, raw-tokio first
                 --rounds, --seconds, --core, --json as above
  deflate        compression alone, ours beside zlib-rs: megabytes a second, wire ratio
                 --rounds N        default 7
                 --seconds S       default 0.2, for each direction
  hub            a message to all in a room, ws-hub beside others: CPU time, deliveries a second, time to the last receiver, memory
                 --servers LIST    default: axum-broadcast, which the ratios are made with, socketioxide, ours-axum, ours-hub
                 --connections L   default 1000,10000
                 --deaf N          connections beside them that never read, default 0
                 --size N          bytes of the message, default 256
                 --rounds, --seconds, --core as above
  idle           resident memory per idle connection, and 1 and 5 s after all have closed
                 --servers LIST    default: all
                 --connections N   default 10000
                 --workload NAME   other messages, and with the compression of this workload
                 --messages N      how many of them; default 1, of compressed ones 16
                 --workers N       threads of the servers on tokio, default 1
  instructions   user-space instructions per message, under valgrind --tool=callgrind
                 --server NAME     default raw-tokio
                 --client NAME     a client instead, as those of `client`
                 --workload NAME   default t32-d1
                 --connections N   default 8
                 --top N           functions shown, default 15
                 --check           compares with the counts in instructions.toml, fails above 2 %
                 --record          replaces them
                 --workload LIST, --servers LIST, --file FILE   for these two
  plot FILE...   SVG pages of what `compare --json` or `client --json` has kept
                 --out PREFIX      default ./ratios: ratios-1.svg, ratios-2.svg, ...
  proxy          ws-proxy beside nginx and HAProxy: CPU time of the proxy per message, latency, memory of idle pairs
                 --proxies LIST    default: all; ours, ours-relay, nginx, haproxy
                 --backend NAME    the server behind them, default ours-axum
                 --workload LIST   default t32-d1,t32-d16,b16k,hs
                 --idle N          idle connections, default 2000; 0 for none
                 --rounds, --seconds, --core as above
  workers        servers with several workers beside the same with one: CPU time and messages a second
                 --workers N       default 2
                 --workload, --servers, --connections, --rounds, --seconds as above
  serve NAME     one server, until killed
                 --listen ADDR     default 127.0.0.1:0
                 --traffic KIND    echo (default) or broadcast
                 --workers N       threads of the runtime, default 1";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        // As the shell has it of a program that ends so by the signal that is ignored here.
        Err(error) if error.is::<out::Closed>() => ExitCode::from(141),
        Err(error) => {
            eprintln!("ws-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut args = Args::new(std::env::args().skip(1));
    match args.positional().as_deref() {
        Some("attack") => attack::main(args),
        Some("attack-from-here") => attack::attack_from_here(args),
        Some("client") => client::main(args),
        Some("compare") => compare::main(args),
        Some("deflate") => deflate::main(args),
        Some("dial") => client::dial(args),
        Some("hub") => hub::main(args),
        Some("idle") => idle::main(args),
        Some("instructions") => instructions::main(args),
        Some("plot") => plot::main(args),
        Some("proxy") => proxy::main(args),
        Some("serve") => server::main(args),
        Some("serve-proxy") => proxy::serve(args),
        Some("workers") => workers::main(args),
        _ => say!("{USAGE}"),
    }
}
