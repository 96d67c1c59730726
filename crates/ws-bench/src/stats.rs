//! Medians, and tables to show them in.

/// The middle value; the mean of the middle two if there is an even number; `None` of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 { Some(upper) } else { Some((values[middle - 1] + upper) / 2.0) }
}

/// (max - min) / median: how far apart the rounds were.
pub(crate) fn spread(values: &[f64]) -> Option<f64> {
    let max = values.iter().copied().max_by(f64::total_cmp)?;
    let min = values.iter().copied().min_by(f64::total_cmp)?;
    Some((max - min) / median(values.iter().copied())?)
}

/// A number for a table, or a dash.
pub(crate) fn show(value: Option<f64>, factor: f64, decimals: usize) -> String {
    value.map_or_else(|| "—".to_owned(), |value| format!("{:.decimals$}", value * factor))
}

/// Prints a Markdown table: the first column to the left, the others to the right.
pub(crate) fn print_table(header: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        // A rule to the right has two characters at the least.
        cells.chain([header[column].chars().count(), 2]).max().unwrap_or(2)
    };
    let widths: Vec<_> = (0..header.len()).map(width).collect();
    let line = |cells: &[&str]| {
        print!("|");
        for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            if column == 0 { print!(" {cell:<width$} |") } else { print!(" {cell:>width$} |") }
        }
        println!();
    };
    line(header);
    let rules: Vec<_> = widths.iter().enumerate().map(|(column, &width)| rule(column, width)).collect();
    line(&rules.iter().map(String::as_str).collect::<Vec<_>>());
    for row in rows {
        line(&row.iter().map(String::as_str).collect::<Vec<_>>());
    }
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
        assert_eq!(spread(&[]), None);
    }
}
