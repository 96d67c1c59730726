//! Results as a table on the terminal.

use crate::{
    Result,
    results::{Round, Table},
    stats::{print_table, show},
};

/// Prints the medians over the rounds, a row a server or whatever else `what` is.
///
/// # Errors
/// When there is nobody to read it.
pub(crate) fn print(table: &Table, what: &str) -> Result<()> {
    let rows: Vec<_> = table
        .rows
        .iter()
        .map(|row| {
            vec![
                row.server.clone(),
                show(row.median(Round::cost), 1.0, 0),
                show(table.ratio(row), 1.0, 2),
                show(row.spread(), 100.0, 0),
                show(row.median(|round| round.wire / round.plain.max(1.0)), 1.0, 3),
                show(row.median(|round| round.uncompressed / round.messages.max(1.0)), 100.0, 0),
                show(row.median(Round::rate), 1e-3, 1),
                show(row.median(|round| round.p50_ns).filter(is_known), 1e-3, 0),
                show(row.median(|round| round.p99_ns).filter(is_known), 1e-3, 0),
                show(row.median(Round::others), 100.0, 0),
            ]
        })
        .collect();
    print_table(&[&[what], HEADER].concat(), &rows)
}

/// Clients are not asked how long they wait.
fn is_known(latency: &f64) -> bool {
    *latency > 0.0
}

const HEADER: &[&str] = &[
    "CPU ns/message",
    "ratio",
    "spread %",
    "wire ratio",
    "uncompressed %",
    "kmsg/s",
    "batch p50 µs",
    "batch p99 µs",
    "others %",
];
