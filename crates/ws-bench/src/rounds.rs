//! Runs in turns, so that what drifts while they go on favours nobody.

use std::{fmt, time::Duration};

use crate::{
    Result,
    args::Args,
    load::Measured,
    out::say,
    results::{Round, Row},
};

/// How often and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    /// The measured part of a run.
    pub(crate) window: Duration,
}

impl Plan {
    /// Takes `--rounds` and `--seconds`.
    ///
    /// # Errors
    /// When they are out of bounds.
    pub(crate) fn from_args(args: &mut Args) -> Result<Self> {
        let rounds: usize = args.option("rounds", 5)?;
        let seconds: f64 = args.option("seconds", 1.0)?;
        if !(0.05..=60.0).contains(&seconds) || !(1..=100).contains(&rounds) {
            return Err("--seconds must be 0.05 to 60, --rounds 1 to 100".into());
        }
        Ok(Self { rounds, window: Duration::from_secs_f64(seconds) })
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rounds of {} s", self.rounds, self.window.as_secs_f64())
    }
}

/// Runs each of those named once a round: A B C, C B A, and so on.
///
/// One that fails is named with its error and has no row: the others go on.
///
/// # Errors
/// When there is nobody to name it to.
pub(crate) fn interleave(
    names: &[String],
    rounds: usize,
    mut run: impl FnMut(usize) -> Result<Measured>,
) -> Result<Vec<Row>> {
    let mut measured: Vec<Option<Vec<Round>>> = vec![Some(Vec::with_capacity(rounds)); names.len()];
    for round in 0..rounds {
        let mut order: Vec<_> = (0..names.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let Some(rounds) = &mut measured[index] else { continue };
            match run(index) {
                Ok(run) => rounds.push(Round::new(&run)),
                Err(error) => {
                    say!("without {}: {error}", names[index])?;
                    measured[index] = None;
                }
            }
        }
    }
    let rows = names.iter().zip(measured);
    Ok(rows.filter_map(|(name, rounds)| Some(Row { server: name.clone(), rounds: rounds? })).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_turns_around_and_failures_drop_out() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let mut order = String::new();
        let rows = interleave(&names, 3, |index| {
            order += &names[index];
            if order == "ab" { Err("no".into()) } else { Ok(Measured::nothing()) }
        });
        let rows = rows.unwrap();
        assert_eq!(order, "abccaac");
        let rows: Vec<_> = rows.iter().map(|row| (row.server.as_str(), row.rounds.len())).collect();
        assert_eq!(rows, [("a", 3), ("c", 3)]);
    }
}
