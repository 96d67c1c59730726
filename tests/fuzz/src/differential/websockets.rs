//! The verdict of Python's `websockets`, whose sans-IO layer runs in a process beside this one: a line asks, a line answers.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    io::{self, BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use ws_core::{CloseFrame, MessageKind, NegotiatedDeflate, Role};

use super::Verdict;
use crate::endpoint::Told;

/// A process of `tests/fuzz/websockets_verdicts.py`. It ends with this.
#[derive(Debug)]
pub struct Python {
    child: Child,
    ask: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// Starts it with this interpreter, which has the package `websockets`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(interpreter: impl AsRef<OsStr>) -> io::Result<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/websockets_verdicts.py");
        let mut child =
            Command::new(interpreter).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (ask, answers) = (child.stdin.take(), child.stdout.take());
        let answers = BufReader::new(answers.ok_or(io::ErrorKind::BrokenPipe)?);
        Ok(Self { child, ask, answers })
    }

    pub(super) fn verdict(
        &mut self,
        role: Role,
        deflate: Option<&NegotiatedDeflate>,
        pieces: &[&[u8]],
    ) -> io::Result<Verdict> {
        let mut line = String::from(if role == Role::Client { "client" } else { "server" });
        if let Some(agreed) = deflate {
            let server = (agreed.server_no_context_takeover, agreed.server_max_window_bits);
            let client = (agreed.client_no_context_takeover, agreed.client_max_window_bits);
            let (remote, local) = if role == Role::Client { (server, client) } else { (client, server) };
            let number = |(no_takeover, bits): (bool, u8)| format!("{},{bits}", u8::from(no_takeover));
            write!(line, ",{},{}", number(remote), number(local)).expect("a string takes all");
        }
        for piece in pieces {
            line.push(' ');
            piece.iter().for_each(|byte| write!(line, "{byte:02x}").expect("a string takes all"));
        }
        line.push('\n');
        self.ask.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write_all(line.as_bytes())?;
        line.clear();
        self.answers.read_line(&mut line)?;
        parse(&line).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, line))
    }
}

/// `failed` or `-`, and what was told: its kind, a colon, and its bytes; a `~` before a message that was taken though its compressed
/// form is not whole.
fn parse(line: &str) -> Option<Verdict> {
    let mut words = line.split_whitespace();
    let failed = words.next()?;
    let failed = if failed == "-" { None } else { Some(failed.parse().ok()?) };
    let mut odd = None;
    let told = words.enumerate().map(|(number, word)| {
        let word = word.strip_prefix('~').inspect(|_| odd = odd.or(Some(number))).unwrap_or(word);
        let (kind, hex) = word.split_once(':')?;
        let digits = hex.as_bytes().chunks(2).map(|digits| std::str::from_utf8(digits).ok());
        let bytes = digits.map(|digits| u8::from_str_radix(digits?, 16).ok()).collect::<Option<Vec<_>>>()?;
        Some(match kind {
            "text" => Told::Message(MessageKind::Text, bytes),
            "binary" => Told::Message(MessageKind::Binary, bytes),
            "ping" => Told::Ping(bytes),
            "pong" => Told::Pong(bytes),
            "close" => Told::Close(match bytes.split_first_chunk() {
                Some((code, reason)) => {
                    let reason = std::str::from_utf8(reason).ok()?;
                    Some(CloseFrame::new(u16::from_be_bytes(*code), reason))
                }
                None => None,
            }),
            _ => return None,
        })
    });
    let told = told.collect::<Option<_>>()?;
    Some(Verdict { told, failed, odd })
}

impl Drop for Python {
    fn drop(&mut self) {
        // The end of its input is its end.
        self.ask = None;
        let _ = self.child.wait();
    }
}
