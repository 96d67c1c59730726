//! A bound on the interim responses that may precede an answer.

use std::{error, fmt};

/// How many interim responses (100 Continue, 103 Early Hints) may precede the answer.
pub(crate) const MAX_INTERIM: u32 = 32;

/// The server sends interim responses without end.
#[derive(Debug)]
pub(crate) struct TooManyInterim;

impl fmt::Display for TooManyInterim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {MAX_INTERIM} interim responses")
    }
}

impl error::Error for TooManyInterim {}
