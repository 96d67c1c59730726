//! Medians, and tables to show them in.

use crate::{Result, out::say};

/// The middle value; the mean of the middle two if there is an even number; `None` of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 { Some(upper) } else { Some((values[middle - 1] + upper) / 2.0) }
}

/// (max - min) / median: how far apart the rounds were; `None` of a single one, which has nothing to be apart from.
pub(crate) fn spread(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let max = values.iter().copied().max_by(f64::total_cmp)?;
    let min = values.iter().copied().min_by(f64::total_cmp)?;
    Some((max - min) / median(values.iter().copied())?)
}

/// A number for a table, or a dash.
pub(crate) fn show(value: Option<f64>, factor: f64, decimals: usize) -> String {
    value.map_or_else(|| "—".to_owned(), |value| format!("{:.decimals$}", value * factor))
}

/// Prints a Markdown table: the first column to the left, the others to the right.
///
/// # Errors
/// When there is nobody to read it.
pub(crate) fn print_table(header: &[&str], rows: &[Vec<String>]) -> Result<()> {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        // A rule to the right has two characters at the least.
        cells.chain([header[column].chars().count(), 2]).max().unwrap_or(2)
    };
    let widths: Vec<_> = (0..header.len()).map(width).collect();
    let line = |cells: &[&str]| {
        let cells = cells.iter().zip(&widths).enumerate();
        let cells: Vec<_> = cells
            .map(|(column, (cell, &width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        say!("| {} |", cells.join(" | "))
    };
    line(header)?;
    let rules: Vec<_> = widths.iter().enumerate().map(|(column, &width)| rule(column, width)).collect();
    line(&rules.iter().map(String::as_str).collect::<Vec<_>>())?;
    rows.iter().try_for_each(|row| line(&row.iter().map(String::as_str).collect::<Vec<_>>()))
}

fn rule(column: usize, width: usize) -> String {
    if column == 0 { "-".repeat(width) } else { format!("{}:", "-".repeat(width - 1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_odd_even_and_no_values() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([]), None);
    }

    #[test]
    fn rules_say_which_way_a_column_is_aligned() {
        assert_eq!((rule(0, 2), rule(1, 2)), ("--".to_owned(), "-:".to_owned()));
    }

    #[test]
    fn spread_is_relative_to_the_median() {
        assert_eq!(spread(&[8.0, 10.0, 12.0]), Some(0.4));
    }

    #[test]
    fn one_round_has_no_spread() {
        assert_eq!(spread(&[8.0]), None);
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[8.0, 8.0]), Some(0.0));
    }
}
