//! Attacks on a server that serves others: what it holds, what it drops, and what the others wait.

mod attacker;
mod honest;
mod shape;

use std::{
    thread,
    time::{Duration, Instant},
};

use self::{
    attacker::Attacker,
    honest::{Honest, Waits},
    shape::Shape,
};
use crate::{
    Result,
    args::Args,
    child::ServerProcess,
    out::say,
    procfs::resident_kib,
    server::Server,
    stats::{print_table, show},
    workload::Traffic,
};

pub(crate) use self::attacker::main as attack_from_here;

/// `ws-bench attack SHAPE`.
pub(crate) fn main(mut args: Args) -> Result<()> {
    let name = args.positional().ok_or_else(|| format!("attack: which shape? {}", Shape::NAMES))?;
    let shape: Shape = name.parse()?;
    let count: usize = args.option("connections", shape.connections())?;
    let seconds: u64 = args.option("seconds", 10)?;
    let server = args.option("server", "ours-axum".to_owned())?;
    let program = args.option("program", String::new())?;
    args.finish()?;
    let window = Duration::from_secs(seconds);

    let shares = shares(count, shape);
    let servers: Vec<_> = shares
        .iter()
        .map(|_| match program.as_str() {
            "" => ServerProcess::start(Server::find(&server)?, Traffic::Echo, 1),
            program => ServerProcess::start_program(program),
        })
        .collect::<Result<_>>()?;
    let first = servers.first().ok_or("no connections: --connections is 0")?;
    say!("{name}: {count} connections to {} servers, {seconds} s\n", servers.len())?;

    let mut honest = Honest::connect(first.target)?;
    let idle = resident(&servers)?;
    let before = honest.talk(window.min(BEFORE), || false)?;

    let start = Instant::now();
    let mut attackers: Vec<_> = shares
        .iter()
        .zip(&servers)
        .map(|(count, server)| Attacker::start(shape, server.target.addr, *count))
        .collect::<Result<_>>()?;
    for attacker in &attackers {
        attacker.wait_until_ready()?;
    }
    say!("the attackers are there after {:.1} s", start.elapsed().as_secs_f64())?;

    let mut peak = resident(&servers)?;
    let mut watched = Instant::now();
    let during = honest.talk(window, || {
        if watched.elapsed() > Duration::from_secs(1) {
            watched = Instant::now();
            peak = peak.max(resident(&servers).unwrap_or(0));
        }
        // Churn ends by itself.
        shape == Shape::Churn && attackers.iter_mut().all(Attacker::has_ended)
    })?;
    peak = peak.max(resident(&servers)?);
    let mut sums = [0; 3];
    for attacker in attackers {
        for (sum, count) in sums.iter_mut().zip(attacker.stop()?) {
            *sum += count;
        }
    }
    thread::sleep(GIVE_BACK);
    let closed = resident(&servers)?;
    let after = honest.talk(window.min(AFTER), || false)?;

    let [opened, ended, sent] = sums;
    say!(
        "{opened} connections were opened, {ended} of them ended by the server, {:.1} MiB sent; {:.2} KiB of memory for each of {count}\n",
        sent as f64 / f64::from(1 << 20),
        peak.saturating_sub(idle) as f64 / count as f64,
    )?;
    let rows = [("before", &before, idle), ("during", &during, peak), ("after", &after, closed)];
    print_table(
        &[
            "",
            "messages",
            "p50 µs",
            "ratio",
            "p99 µs",
            "ratio",
            "handshake p50 µs",
            "p99 µs",
            "lost",
            "server MiB",
        ],
        &rows.map(|(name, waits, kib)| row(name, waits, &before, kib)),
    )?;
    Ok(())
}

fn row(name: &str, waits: &Waits, before: &Waits, kib: u64) -> Vec<String> {
    let message = |waits: &Waits, percent| waits.messages.percentile(percent).as_secs_f64() * 1e6;
    let ratio = |percent| Some(message(waits, percent) / message(before, percent).max(0.001));
    let handshake = |percent| Some(waits.handshakes.percentile(percent).as_secs_f64() * 1e6);
    vec![
        name.to_owned(),
        waits.count.to_string(),
        show(Some(message(waits, 50.0)), 1.0, 0),
        show(ratio(50.0), 1.0, 2),
        show(Some(message(waits, 99.0)), 1.0, 0),
        show(ratio(99.0), 1.0, 2),
        show(handshake(50.0), 1.0, 0),
        show(handshake(99.0), 1.0, 0),
        waits.lost.to_string(),
        show(Some(kib as f64 / 1024.0), 1.0, 1),
    ]
}

/// How many connections each server gets. More than one server is there where one has not files enough.
fn shares(count: usize, shape: Shape) -> Vec<usize> {
    let most = if shape == Shape::Churn { usize::MAX } else { MOST };
    let servers = count.div_ceil(most);
    (0..servers).map(|index| count / servers + usize::from(index < count % servers)).collect()
}

fn resident(servers: &[ServerProcess]) -> Result<u64> {
    servers.iter().map(|server| Ok(resident_kib(server.pid())?)).sum()
}

/// Connections of one process, under a limit of 20,000 open files.
const MOST: usize = 17_000;
/// What a server gives back it gives back in this time.
const GIVE_BACK: Duration = Duration::from_secs(2);
/// How long is looked at how the others fare before, at the longest.
const BEFORE: Duration = Duration::from_secs(30);
/// … and when it is over.
const AFTER: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_get_equal_shares_of_no_more_than_they_can_hold() {
        assert_eq!(shares(100_000, Shape::Idle), [16_667, 16_667, 16_667, 16_667, 16_666, 16_666]);
        assert_eq!(shares(5_000, Shape::Slowloris), [5_000]);
        assert_eq!(shares(1_000_000, Shape::Churn), [1_000_000]);
    }
}
