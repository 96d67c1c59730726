//! [`Log`]: the access log on standard output.

use std::{
    fmt::Display,
    io::{Write, stderr, stdout},
    sync::mpsc::{SyncSender, sync_channel},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use ws_proxy::Access;

/// Writes lines from a thread of its own, so that nobody waits for whoever reads them. What it cannot keep up with is dropped.
#[derive(Clone)]
pub(crate) struct Log(SyncSender<String>);

impl Log {
    pub(crate) fn start() -> Self {
        let (sender, lines) = sync_channel::<String>(LINES);
        thread::spawn(move || {
            let mut out = stdout().lock();
            while let Ok(line) = lines.recv() {
                if writeln!(out, "{line}").is_err() {
                    return;
                }
            }
        });
        Self(sender)
    }

    pub(crate) fn write(&self, access: &Access) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let _ = self.0.try_send(format!("{:.3} {access}", now.as_secs_f64()));
    }
}

/// Says something on standard error, if anybody is there to read it: a program that serves does not end for want of that.
pub(crate) fn say(what: impl Display) {
    let _ = writeln!(stderr(), "ws-proxy: {what}");
}

/// How many lines may wait.
const LINES: usize = 4096;
