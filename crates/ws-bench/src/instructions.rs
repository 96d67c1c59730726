//! User-space instructions per message: exact where times are noise.
//!
//! The server runs twice under callgrind, with few and with many messages. Start-up, handshakes and
//! checks cost the same in both, so the difference belongs to the messages alone.

use std::{env, fs, process};

use crate::{
    Result,
    args::Args,
    callgrind::{By, Profile},
    child::ServerProcess,
    load::{self, Limit, Prepared},
    server::Server,
    stats::print_table,
    workload::Workload,
};

/// `ws-bench instructions`.
pub(crate) fn main(mut args: Args) -> Result<()> {
    let server = Server::find(&args.option("server", "raw-tokio".to_owned())?)?;
    let workload = Workload::find(&args.option("workload", "t32-d1".to_owned())?)?;
    let connections = args.option("connections", 8)?;
    let top: usize = args.option("top", 15)?;
    args.finish()?;

    let workload = Workload { connections, ..workload };
    let per_round = (connections * workload.depth) as u64;
    // Enough rounds to even out how many connections a wake-up finds ready.
    let few = 20 * per_round;
    let bytes = if workload.deflate.is_some() { BYTES / 16 } else { BYTES };
    let many = few + (bytes / workload.size.max(MIN_SIZE) as u64).next_multiple_of(per_round);

    let (few_messages, baseline) = profile(server, &workload, few)?;
    let (many_messages, full) = profile(server, &workload, many)?;
    let messages = (many_messages - few_messages) as f64;

    let total = full.total() as f64 - baseline.total() as f64;
    println!("{}, {}, {connections} connections, {messages} messages", server.name, workload.name);
    println!("{:.0} instructions per message\n", total / messages);
    for (by, title, rows) in
        [(By::Crate, "crate", usize::MAX), (By::File, "source file", top), (By::Function, "function", top)]
    {
        let rows: Vec<_> = full
            .minus(&baseline, by)
            .into_iter()
            .map(|(name, cost)| (name, cost as f64 / messages))
            .filter(|(_, cost)| *cost >= 0.5)
            .take(rows)
            .map(|(name, cost)| {
                vec![name, format!("{cost:.1}"), format!("{:.1}", cost * messages / total * 100.0)]
            })
            .collect();
        print_table(&[title, "instructions", "%"], &rows);
        println!();
    }
    Ok(())
}

fn profile(server: &Server, workload: &Workload, messages: u64) -> Result<(u64, Profile)> {
    let out = env::temp_dir().join(format!("ws-bench-callgrind-{}", process::id()));
    let prepared = Prepared::new(workload);
    let process = ServerProcess::start_in_callgrind(server, workload.traffic, &out)?;
    let measured = load::run(&process.target, workload, &prepared, Limit::Messages(messages), process.pid())?;
    process.terminate()?;
    let text = fs::read_to_string(&out)?;
    fs::remove_file(&out)?;
    Ok((measured.replies.messages, Profile::parse(&text)))
}

/// Payload bytes in the difference of the two runs, as if no message were smaller than the minimum. Compressed ones take a
/// hundred times as many instructions, so there are fewer.
const BYTES: u64 = 40 << 20;
const MIN_SIZE: usize = 2048;
