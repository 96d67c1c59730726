//! The command line.

use http::{HeaderName, HeaderValue};

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Connect(Args),
    Help,
}

/// Where to connect to, and how.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Args {
    pub(crate) url: String,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) subprotocols: Vec<String>,
}

/// Reads the arguments behind the program's name.
pub(crate) fn parse(args: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut parsed = Args::default();
    // `--name=value` means the same as `--name value`.
    let mut args = args.flat_map(|arg| match arg.split_once('=') {
        Some((name, value)) if name.starts_with("--") => vec![name.to_owned(), value.to_owned()],
        _ => vec![arg],
    });
    while let Some(arg) = args.next() {
        let mut value = |what: &str| args.next().ok_or_else(|| format!("{arg} needs {what}"));
        match arg.as_str() {
            "-h" | "--help" => return Ok(Command::Help),
            "--header" => parsed.headers.push(header(&value("a header, such as \"Name: value\"")?)?),
            "--subprotocol" => parsed.subprotocols.push(value("the name of a subprotocol")?),
            _ if arg.starts_with('-') => return Err(format!("unknown option {arg}")),
            _ if parsed.url.is_empty() => parsed.url = arg,
            _ => return Err(format!("one URL at a time: {arg:?} is the second")),
        }
    }
    if parsed.url.is_empty() {
        return Err("a URL is needed, such as ws://127.0.0.1:3000/ws".to_owned());
    }
    Ok(Command::Connect(parsed))
}

fn header(line: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = line.split_once(':').ok_or_else(|| format!("header {line:?} has no colon"))?;
    let name = name.trim().parse().map_err(|_| format!("{name:?} cannot be the name of a header"))?;
    let value = value.trim().parse().map_err(|_| format!("{value:?} cannot be the value of a header"))?;
    Ok((name, value))
}

pub(crate) const HELP: &str = "\
connect URL [options]: talks to a WebSocket server

Lines from standard input are sent as text messages, messages are printed. The end of the input (Ctrl-D) closes the
connection with 1000.

  URL                      ws://host[:port]/path, or wss:// when built with --features tls
  --header \"Name: value\"   a header of the opening handshake; may be repeated
  --subprotocol NAME       a subprotocol to offer, the preferred one first; may be repeated
  --help                   show this

The exit status is 0 after a normal close (1000, 1001 or no code) and 1 otherwise.";

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Command, String> {
        parse(args.iter().map(ToString::to_string))
    }

    #[test]
    fn url_headers_and_subprotocols_are_read() {
        let args = ["--header", "X-A: b: c", "ws://a/?b=c", "--subprotocol=one", "--subprotocol", "two"];
        let expected = Args {
            url: "ws://a/?b=c".into(),
            headers: vec![(HeaderName::from_static("x-a"), HeaderValue::from_static("b: c"))],
            subprotocols: vec!["one".into(), "two".into()],
        };
        assert_eq!(parsed(&args), Ok(Command::Connect(expected)));
        assert_eq!(parsed(&["--help"]), Ok(Command::Help));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (args, part) in [
            (&[][..], "URL"),
            (&["ws://a", "ws://b"], "ws://b"),
            (&["ws://a", "--verbose"], "--verbose"),
            (&["ws://a", "--header"], "--header needs"),
            (&["ws://a", "--header", "none"], "colon"),
            (&["ws://a", "--header", "a b: c"], "name of a header"),
            (&["ws://a", "--header", "a: \u{1}"], "value of a header"),
            (&["ws://a", "--subprotocol"], "--subprotocol needs"),
        ] {
            let message = parsed(args).unwrap_err();
            assert!(message.contains(part), "{message}");
        }
    }
}
