//! The proxy that does harm, as a program: put it between any client and any server.

use std::{env, fmt::Display, net::SocketAddr, process::ExitCode, str::FromStr, time::Duration};

use tokio::net::TcpListener;
use ws_tests::fault::{Direction, Fault, FaultProxy, Lane, Plan};

const USAGE: &str = "\
usage: fault-proxy SERVER [OPTIONS]

A TCP proxy in front of SERVER (ADDRESS:PORT) that harms connections. Without options it passes everything on. It prints
where it listens, then a line for each connection that is over: what passed to the server and to the client, and the fault.

  --listen ADDR        default 127.0.0.1:0, any free port
  --seconds S          ends by itself; default 600
  --connections N      ends after so many; default: any number
  --life S             no connection lives longer; default 60
  --random SEED        for each connection a fault at random, the same for the same seed
  --within BYTES       where that is; default 1000

For one direction, DIR is `server` for what goes to the server, or `client`:

  --DIR-cut BYTES         FIN to both ends after so many bytes
  --DIR-half-close BYTES  FIN to the end that DIR names; the other direction goes on
  --DIR-reset BYTES       RST to both ends
  --DIR-stall BYTES       nothing more passes, and the connection stays open
  --DIR-delay MS          each piece waits so long
  --DIR-piece BYTES       no more in one write
  --DIR-rate BYTES        no more a second
";

/// What the command line asks for.
struct Options {
    server: SocketAddr,
    listen: SocketAddr,
    seconds: u64,
    connections: u64,
    life: u64,
    random: Option<u64>,
    within: u64,
    lanes: [Lane; 2],
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = match parse(env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("fault-proxy: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fault-proxy: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> std::io::Result<()> {
    let Options { random, within, lanes, .. } = options;
    let plan = move |connection| match random {
        Some(seed) => Plan::random(seed, connection, within),
        None => Plan::new()
            .lane(Direction::ToServer, lanes[Direction::ToServer as usize])
            .lane(Direction::ToClient, lanes[Direction::ToClient as usize]),
    };
    let listener = TcpListener::bind(options.listen).await?;
    let mut proxy = FaultProxy::on(listener, options.server, Duration::from_secs(options.life), plan)?;
    println!("listening on {}", proxy.addr());
    let reports = async {
        for _ in 0..options.connections {
            let Some(report) = proxy.report().await else { return };
            let [server, client] = report.passed;
            let fault = report.fault.map_or_else(|| "none".to_owned(), |fault| format!("{fault:?}"));
            println!(
                "connection {}: {server} to the server, {client} to the client, fault: {fault}",
                report.connection
            );
        }
    };
    // The time is over, or the connections are.
    let _ = tokio::time::timeout(Duration::from_secs(options.seconds), reports).await;
    Ok(())
}

/// Reads the command line; nothing when it asks for help.
fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut server = None;
    let mut options = Options {
        server: SocketAddr::from(([127, 0, 0, 1], 0)),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        seconds: 600,
        connections: u64::MAX,
        life: 60,
        random: None,
        within: 1000,
        lanes: [Lane::new(); 2],
    };
    while let Some(word) = words.next() {
        let Some(name) = word.strip_prefix("--") else {
            match word.as_str() {
                "-h" => return Ok(None),
                _ => server = Some(number("SERVER", Some(word))?),
            }
            continue;
        };
        if name == "help" {
            return Ok(None);
        }
        let value = words.next();
        match name {
            "listen" => options.listen = number(name, value)?,
            "seconds" => options.seconds = number(name, value)?,
            "connections" => options.connections = number(name, value)?,
            "life" => options.life = number(name, value)?,
            "random" => options.random = Some(number(name, value)?),
            "within" => options.within = number(name, value)?,
            _ => {
                let (direction, what) = match name.split_once('-') {
                    Some(("server", what)) => (Direction::ToServer, what),
                    Some(("client", what)) => (Direction::ToClient, what),
                    _ => return Err(format!("there is no option --{name}")),
                };
                let lane = &mut options.lanes[direction as usize];
                *lane = match what {
                    "delay" => lane.delay(Duration::from_millis(number(name, value)?)),
                    "piece" => lane.piece(number(name, value)?),
                    "rate" => lane.rate(number(name, value)?),
                    _ => {
                        let fault: Fault = what.parse()?;
                        lane.fault(number(name, value)?, fault)
                    }
                };
            }
        }
    }
    match server {
        Some(server) => Ok(Some(Options { server, ..options })),
        None => Err("which server?".to_owned()),
    }
}

fn number<T>(name: &str, value: Option<String>) -> Result<T, String>
where
    T: FromStr,
    T::Err: Display,
{
    let value = value.ok_or_else(|| format!("{name} needs a value"))?;
    value.parse().map_err(|error| format!("{name} {value}: {error}"))
}
