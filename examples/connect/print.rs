//! What goes to the terminal. Nothing of it may control the terminal: the text is somebody else's.

use std::{
    error::Error,
    fmt::Write as _,
    io::{self, IsTerminal as _, Write as _},
    process,
};

use ws_client::Message;

/// Prints a message of data; binary ones as they are if asked to.
pub(crate) fn message(message: &Message, as_it_is: bool) {
    match message {
        Message::Text(data) => text(data),
        Message::Binary(data) if as_it_is => raw(data),
        Message::Binary(data) => binary(data),
        _ => {}
    }
}

/// Prints a text message: as it is into a file or a pipe, without control characters onto a terminal.
fn text(text: &str) {
    if io::stdout().is_terminal() { line(escaped(text).as_bytes()) } else { line(text.as_bytes()) }
}

/// Prints a binary message: as it is into a file or a pipe, its length and first bytes onto a terminal.
fn raw(data: &[u8]) {
    if io::stdout().is_terminal() { binary(data) } else { line(data) }
}

/// Prints the length of a binary message and its first bytes.
fn binary(data: &[u8]) {
    let mut shown = format!("[binary, {} bytes]", data.len());
    for byte in data.iter().take(32) {
        let _ = write!(shown, " {byte:02x}");
    }
    if data.len() > 32 {
        shown.push_str(" …");
    }
    line(shown.as_bytes());
}

/// The text with control characters made visible, but for tabs and line ends.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && !matches!(c, '\t' | '\n') {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// An error and what stands behind it, in one line: `Display` of each tells its own level only.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        // Some wrappers repeat what they wrap.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    escaped(&text)
}

fn line(line: &[u8]) {
    let mut stdout = io::stdout().lock();
    // `println!` would panic when the reader of a pipe has gone, as in `connect … | head`.
    if stdout.write_all(line).and_then(|()| stdout.write_all(b"\n")).is_err() {
        process::exit(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_made_visible() {
        assert_eq!(escaped("a\x1b[31m\tb\n\u{9b}é"), "a\\u{1b}[31m\tb\n\\u{9b}é");
    }

    #[test]
    fn causes_follow_the_error() {
        let cause = io::Error::other("no route");
        let error = io::Error::other(cause);
        assert_eq!(with_causes(&error), "no route");
    }
}
