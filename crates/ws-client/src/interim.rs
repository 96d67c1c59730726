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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_two_are_not_too_many() {
        let interim = Interim::default();
        (0..32).for_each(|_| interim.clone().count());
        assert!(!interim.are_too_many());
        interim.count();
        assert!(interim.are_too_many());
    }
}
