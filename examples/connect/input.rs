//! What is sent: files, then the lines of standard input.

use std::{
    fs,
    io::{self, BufRead as _},
    path::PathBuf,
    thread,
};

use tokio::sync::mpsc;
use ws_client::Message;

use crate::{args::Args, status::Failure};

/// The files to send, read whole before anything is opened.
pub(crate) fn files(args: &Args) -> Result<Vec<Message>, Failure> {
    let read = |path: &PathBuf| match fs::read(path) {
        Ok(data) => Ok(Message::Binary(data.into())),
        Err(error) => Err(Failure::Usage(format!("cannot read {}: {error}", path.display()))),
    };
    args.files.iter().map(read).collect()
}

/// The lines of standard input as messages, read by a thread.
///
/// A thread of our own and not `tokio::io::stdin`, whose read cannot be cancelled: the program would wait for one more
/// line after the server has closed. The channel is short, so that a large file is read no faster than it is sent.
pub(crate) fn lines(binary: bool) -> mpsc::Receiver<Message> {
    let (sender, receiver) = mpsc::channel(1);
    thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut line = Vec::new();
        while stdin.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            let end = line.strip_suffix(b"\n").unwrap_or(&line);
            let end = end.strip_suffix(b"\r").unwrap_or(end).len();
            line.truncate(end);
            let message = if binary {
                Message::from(line.clone())
            } else {
                Message::from(String::from_utf8_lossy(&line).into_owned())
            };
            if sender.blocking_send(message).is_err() {
                return;
            }
            line.clear();
        }
    });
    receiver
}
