//! Command line options: `--name VALUE`, `--name=VALUE`, or `--name` alone.

use std::{fmt::Display, str::FromStr};

use crate::Result;

/// The arguments nobody has asked for yet.
#[derive(Debug)]
pub(crate) struct Args {
    rest: Vec<String>,
}

impl Args {
    pub(crate) fn new(args: impl IntoIterator<Item = String>) -> Self {
        Self { rest: args.into_iter().collect() }
    }

    /// Takes the first argument if it is not an option.
    pub(crate) fn positional(&mut self) -> Option<String> {
        let first = self.rest.first()?;
        if first.starts_with("--") { None } else { Some(self.rest.remove(0)) }
    }

    /// Takes `--name`, which has no value. Whether it is there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let at = self.rest.iter().position(|arg| arg.strip_prefix("--") == Some(name));
        at.map(|at| self.rest.remove(at)).is_some()
    }

    /// Takes the value of `--name`, or gives the default.
    ///
    /// # Errors
    /// When the value is missing or does not parse.
    pub(crate) fn option<T>(&mut self, name: &str, default: T) -> Result<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let Some(at) = self.rest.iter().position(|arg| option_name(arg) == Some(name)) else {
            return Ok(default);
        };
        let arg = self.rest.remove(at);
        let value = match arg.split_once('=') {
            Some((_, value)) => value.to_owned(),
            None if at < self.rest.len() => self.rest.remove(at),
            None => return Err(format!("--{name} needs a value").into()),
        };
        value.parse().map_err(|error| format!("--{name} {value}: {error}").into())
    }

    /// Ends the parsing.
    ///
    /// # Errors
    /// When an argument is left that nobody asked for.
    pub(crate) fn finish(self) -> Result<()> {
        match self.rest.first() {
            None => Ok(()),
            Some(unknown) => {
                Err(format!("unknown argument {unknown}; run without arguments for help").into())
            }
        }
    }
}

fn option_name(arg: &str) -> Option<&str> {
    let name = arg.strip_prefix("--")?;
    Some(name.split_once('=').map_or(name, |(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Args {
        Args::new(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn takes_both_spellings_in_any_order() {
        let mut args = args("compare --rounds=3 --core 1");
        assert_eq!(args.positional().as_deref(), Some("compare"));
        assert_eq!(args.option("core", 0).unwrap(), 1);
        assert_eq!(args.option("rounds", 5).unwrap(), 3);
        assert_eq!(args.option("seconds", 1.0).unwrap(), 1.0);
        args.finish().unwrap();
    }

    #[test]
    fn flags_have_no_value() {
        let mut args = args("--check --top 3");
        assert!(args.flag("check") && !args.flag("check"));
        assert_eq!(args.option("top", 15).unwrap(), 3);
        args.finish().unwrap();
    }

    #[test]
    fn refuses_missing_malformed_and_unknown_values() {
        assert!(args("--rounds").option("rounds", 5).is_err());
        assert!(args("--rounds x").option("rounds", 5).is_err());
        assert!(args("--round 5").finish().is_err());
    }
}
