//! The command line.

use std::{ffi::OsString, path::PathBuf};

use lexopt::prelude::*;

use crate::config::{Balance, Config, Listen, Route};

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Command {
    Help,
    Version,
    /// With the configuration of a file.
    File {
        path: PathBuf,
        check: bool,
    },
    /// With that of the command line.
    Flags {
        config: Box<Config>,
        check: bool,
    },
}

pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    parse_all(args).map_err(|error| error.to_string())
}

fn parse_all(args: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut parser = lexopt::Parser::from_args(args);
    let (mut config, mut route) = (Config::default(), Route::default());
    let (mut file, mut check, mut is_by_flags) = (None, false, false);
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Help),
            Short('V') | Long("version") => return Ok(Command::Version),
            Long("config") => {
                file = Some(PathBuf::from(parser.value()?));
                continue;
            }
            Long("check") => {
                check = true;
                continue;
            }
            _ => is_by_flags = true,
        }
        match arg {
            Long("listen") => config.listen.push(Listen::at(parser.value()?.string()?)),
            Long("relay") => route.relay = true,
            Long("balance") => {
                let rule = parser.value()?.string()?;
                route.balance = Balance::named(&rule).ok_or_else(|| format!("there is no rule {rule}"))?;
            }
            Long("origin") => route.origins.push(parser.value()?.string()?),
            Long("trust") => route.trust.push(parser.value()?.string()?),
            Long("host-of-backend") => route.host = Some("backend".into()),
            Long("strip-prefix") => route.strip_prefix = Some(parser.value()?.string()?),
            Long("http2") => route.http2 = true,
            Long("max-connections") => route.max_connections = Some(parser.value()?.parse()?),
            Long("idle-timeout") => route.idle_timeout = Some(parser.value()?.parse()?),
            Long("access-log") => config.access_log = true,
            Value(backend) => route.backends.push(backend.string()?),
            other => return Err(other.unexpected()),
        }
    }
    match (file, is_by_flags) {
        (Some(_), true) => Err("what --config says is not said on the command line, too".into()),
        (Some(path), false) => Ok(Command::File { path, check }),
        (None, _) if route.backends.is_empty() => Err("a backend is missing; --help says more".into()),
        (None, _) => {
            config.routes.push(route);
            Ok(Command::Flags { config: Box::new(config), check })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn flags_make_one_route() {
        let line =
            "--listen 127.0.0.1:1 --listen=[::1]:2 --balance sticky ws://a ws://b --idle-timeout 0 --relay";
        let Ok(Command::Flags { config, check: false }) = parsed(line) else { panic!("not parsed") };
        assert_eq!(config.listen.len(), 2);
        let [route] = &config.routes[..] else { panic!("not one route") };
        assert_eq!(route.backends, ["ws://a", "ws://b"]);
        assert!(route.relay && route.balance == Balance::Sticky && route.idle_timeout == Some(0.0));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for line in ["", "--listen", "--nonsense ws://a", "--config f ws://a", "--balance no ws://a"] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
