//! Standard output, which may be closed before all is said: `ws-bench … | head`.

use std::{
    error::Error,
    fmt,
    io::{self, ErrorKind, Write},
};

use crate::Result;

/// Prints a line, as `println!` does; fails where that panics.
macro_rules! say {
    ($($arg:tt)*) => {
        $crate::out::line(::std::format_args!($($arg)*))
    };
}

pub(crate) use say;

/// Nobody reads standard output any more. Nothing failed: there is no use in going on.
#[derive(Debug)]
pub(crate) struct Closed;

/// What [`say!`] does.
///
/// # Errors
/// [`Closed`], or what else keeps the line from being written.
pub(crate) fn line(text: fmt::Arguments<'_>) -> Result<()> {
    line_to(&mut io::stdout().lock(), text)
}

fn line_to(out: &mut impl Write, text: fmt::Arguments<'_>) -> Result<()> {
    writeln!(out, "{text}").map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Closed.into(),
        _ => format!("standard output: {error}").into(),
    })
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("standard output is closed")
    }
}

impl Error for Closed {}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn closed_output_is_told_from_what_fails() {
        let closed = line_to(&mut Failing(ErrorKind::BrokenPipe), format_args!("a")).unwrap_err();
        assert!(closed.is::<Closed>(), "{closed}");
        let failed = line_to(&mut Failing(ErrorKind::StorageFull), format_args!("a")).unwrap_err();
        assert!(failed.to_string().starts_with("standard output: "), "{failed}");
    }

    #[test]
    fn line_ends() {
        let mut out = Vec::new();
        line_to(&mut out, format_args!("a {}", 1)).unwrap();
        assert_eq!(out, b"a 1\n");
    }
}
