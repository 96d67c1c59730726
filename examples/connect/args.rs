//! The command line.

use std::{path::PathBuf, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderName, HeaderValue, header};
use ws_core::{CloseCode, CloseFrame};

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Connect(Box<Args>),
    Help,
}

/// Where to connect to, and how.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Args {
    pub(crate) url: String,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) subprotocols: Vec<String>,
    pub(crate) deflate: bool,
    pub(crate) redirects: usize,
    pub(crate) timeout: Option<Duration>,
    pub(crate) proxy: ProxyArg,
    pub(crate) http2: bool,
    pub(crate) unix: Option<PathBuf>,
    pub(crate) tls: TlsArgs,
    pub(crate) reconnect: bool,
    pub(crate) binary: bool,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) ping: Option<Duration>,
    pub(crate) close: Option<CloseFrame>,
    pub(crate) verbose: bool,
}

/// Through which proxy to go.
#[derive(Debug, Default, PartialEq)]
pub(crate) enum ProxyArg {
    #[default]
    Environment,
    Nothing,
    Url(String),
}

/// Whom to trust, and who to be.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct TlsArgs {
    pub(crate) ca: Option<PathBuf>,
    pub(crate) proxy_ca: Option<PathBuf>,
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) insecure: bool,
    pub(crate) webpki_roots: bool,
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
            "--host" => parsed.headers.push((header::HOST, field(&value("a host")?)?)),
            "--origin" => parsed.headers.push((header::ORIGIN, field(&value("an origin")?)?)),
            "--cookie" => {
                parsed.headers.push((header::COOKIE, field(&value("a cookie, such as name=value")?)?))
            }
            "--user" => parsed.headers.push((header::AUTHORIZATION, basic(&value("NAME:PASSWORD")?)?)),
            "--subprotocol" => parsed.subprotocols.push(value("the name of a subprotocol")?),
            "--deflate" => parsed.deflate = true,
            "--redirects" => parsed.redirects = count(&value("a number")?)?,
            "--timeout" => parsed.timeout = Some(seconds(&value("a number of seconds")?)?),

            "--proxy" => parsed.proxy = ProxyArg::Url(value("the URL of a proxy")?),
            "--no-proxy" => parsed.proxy = ProxyArg::Nothing,
            "--proxy-ca" => parsed.tls.proxy_ca = Some(value("a file")?.into()),
            "--http2" => parsed.http2 = true,
            "--unix" => parsed.unix = Some(value("the path of a socket")?.into()),
            "--ca" => parsed.tls.ca = Some(value("a file")?.into()),
            "--cert" => parsed.tls.cert = Some(value("a file")?.into()),
            "--key" => parsed.tls.key = Some(value("a file")?.into()),
            "--insecure" => parsed.tls.insecure = true,
            "--webpki-roots" => parsed.tls.webpki_roots = true,

            "--reconnect" => parsed.reconnect = true,
            "--binary" => parsed.binary = true,
            "--file" => parsed.files.push(value("a file")?.into()),
            "--ping" => parsed.ping = Some(seconds(&value("a number of seconds")?)?),
            "--close" => {
                parsed.close = Some(close(&value("a close code, such as 4000 or \"4000: reason\"")?)?)
            }
            "--verbose" => parsed.verbose = true,

            _ if arg.starts_with('-') => return Err(format!("unknown option {arg}")),
            _ if parsed.url.is_empty() => parsed.url = arg,
            _ => return Err(format!("one URL at a time: {arg:?} is the second")),
        }
    }
    check(&parsed)?;
    Ok(Command::Connect(Box::new(parsed)))
}

/// What no option can tell alone.
fn check(args: &Args) -> Result<(), String> {
    if args.url.is_empty() {
        return Err("a URL is needed, such as ws://127.0.0.1:3000/ws".to_owned());
    }
    if args.unix.is_some() && cfg!(not(unix)) {
        return Err("there are no Unix sockets on this system".to_owned());
    }
    if args.reconnect && args.unix.is_some() {
        return Err("--reconnect dials URLs, not --unix".to_owned());
    }
    if args.http2 && cfg!(not(feature = "http2")) {
        return Err(
            "this program was built without HTTP/2: cargo run --bin connect --features http2 …".to_owned()
        );
    }
    if args.http2 && (args.reconnect || args.unix.is_some()) {
        return Err("--http2 goes neither with --reconnect nor with --unix".to_owned());
    }
    let tls = &args.tls;
    if tls.cert.is_some() != tls.key.is_some() {
        return Err("--cert and --key go together".to_owned());
    }
    if [tls.ca.is_some(), tls.webpki_roots, tls.insecure].iter().filter(|wanted| **wanted).count() > 1 {
        return Err("--ca, --webpki-roots and --insecure contradict each other".to_owned());
    }
    if *tls != TlsArgs::default() {
        if cfg!(not(feature = "tls")) {
            return Err(
                "this program was built without TLS: cargo run --bin connect --features tls …".to_owned()
            );
        }
        if args.unix.is_some() {
            return Err("there is no TLS over --unix".to_owned());
        }
    }
    Ok(())
}

fn header(line: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = line.split_once(':').ok_or_else(|| format!("header {line:?} has no colon"))?;
    let name = name.trim().parse().map_err(|_| format!("{name:?} cannot be the name of a header"))?;
    Ok((name, field(value)?))
}

fn field(value: &str) -> Result<HeaderValue, String> {
    value.trim().parse().map_err(|_| format!("{value:?} cannot be the value of a header"))
}

/// The credentials of RFC 7617.
fn basic(user: &str) -> Result<HeaderValue, String> {
    // The password is not repeated.
    if !user.contains(':') {
        return Err("--user needs NAME:PASSWORD, with a colon".to_owned());
    }
    let mut value = field(&format!("Basic {}", BASE64_STANDARD.encode(user)))?;
    value.set_sensitive(true);
    Ok(value)
}

fn seconds(value: &str) -> Result<Duration, String> {
    let seconds = value.parse().ok().filter(|seconds| *seconds > 0.0);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| format!("{value:?} is no number of seconds"))
}

fn count(value: &str) -> Result<usize, String> {
    value.parse().map_err(|_| format!("{value:?} is no number"))
}

fn close(value: &str) -> Result<CloseFrame, String> {
    let (code, reason) = value.split_once(':').unwrap_or((value, ""));
    let code = code.trim().parse::<u16>().map(CloseCode::from).ok().filter(|code| code.is_sendable());
    let code = code.ok_or_else(|| format!("{value:?} does not begin with a close code that may be sent"))?;
    let reason = reason.trim();
    // A control frame has room for 125 bytes, two of which are the code (RFC 6455, 5.5).
    if reason.len() > 123 {
        return Err("the reason of a close frame has 123 bytes at the most".to_owned());
    }
    Ok(CloseFrame::new(code, reason))
}

pub(crate) const HELP: &str = include_str!("help.txt");

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Command, String> {
        parse(args.iter().map(ToString::to_string))
    }

    fn args(args: &[&str]) -> Args {
        match parsed(args).unwrap() {
            Command::Connect(args) => *args,
            Command::Help => panic!("no help was asked for"),
        }
    }

    #[test]
    fn url_headers_and_subprotocols_are_read() {
        let args =
            args(&["--header", "X-A: b: c", "ws://a/?b=c", "--subprotocol=one", "--subprotocol", "two"]);
        let expected = Args {
            url: "ws://a/?b=c".into(),
            headers: vec![(HeaderName::from_static("x-a"), HeaderValue::from_static("b: c"))],
            subprotocols: vec!["one".into(), "two".into()],
            ..Args::default()
        };
        assert_eq!(args, expected);
        assert_eq!(parsed(&["--help"]), Ok(Command::Help));
    }

    #[test]
    fn short_names_of_headers_are_headers() {
        let args = args(&[
            "ws://a",
            "--host=b",
            "--origin=http://c",
            "--cookie",
            "d=e",
            "--user",
            "Aladdin:open sesame",
        ]);
        let expected = [
            (header::HOST, "b"),
            (header::ORIGIN, "http://c"),
            (header::COOKIE, "d=e"),
            // The example of RFC 7617, 2.
            (header::AUTHORIZATION, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ];
        assert_eq!(args.headers, expected.map(|(name, value)| (name, HeaderValue::from_static(value))));
        assert!(args.headers[3].1.is_sensitive());
    }

    #[test]
    fn times_and_close_frames_are_read() {
        let args = args(&["ws://a", "--timeout=1.5", "--ping=30", "--close=4000: that is all"]);
        assert_eq!(
            (args.timeout, args.ping),
            (Some(Duration::from_millis(1500)), Some(Duration::from_secs(30)))
        );
        assert_eq!(args.close, Some(CloseFrame::new(4000, "that is all")));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (args, part) in [
            (&[][..], "URL"),
            (&["ws://a", "ws://b"], "ws://b"),
            (&["ws://a", "--loud"], "--loud"),
            (&["ws://a", "--header"], "--header needs"),
            (&["ws://a", "--header", "none"], "colon"),
            (&["ws://a", "--header", "a b: c"], "name of a header"),
            (&["ws://a", "--header", "a: \u{1}"], "value of a header"),
            (&["ws://a", "--subprotocol"], "--subprotocol needs"),
            (&["ws://a", "--user", "secret"], "NAME:PASSWORD"),
            (&["ws://a", "--timeout", "soon"], "soon"),
            (&["ws://a", "--timeout", "0"], "seconds"),
            (&["ws://a", "--ping", "-1"], "seconds"),
            (&["ws://a", "--redirects", "many"], "many"),
            (&["ws://a", "--close", "1006"], "1006"),
            (&["ws://a", "--close", "bye"], "bye"),
            (&["ws://a", "--cert", "a.pem"], "--key"),
            (&["ws://a", "--ca", "a.pem", "--insecure"], "contradict"),
        ] {
            let message = parsed(args).unwrap_err();
            assert!(message.contains(part), "{message}");
        }
        assert!(!parsed(&["ws://a", "--user", "secret"]).unwrap_err().contains("secret"));
    }

    #[test]
    fn help_fits_on_a_screen() {
        assert!(HELP.lines().count() <= 50);
        assert!(HELP.lines().all(|line| line.len() <= 120));
    }
}
