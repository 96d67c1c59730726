//! What was measured, as a file that can be kept and drawn.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    Result,
    load::Measured,
    server::REFERENCE,
    stats::{median, spread},
};

/// One workload over all servers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    pub(crate) workload: String,
    /// What the workload is, in words.
    pub(crate) about: String,
    pub(crate) rows: Vec<Row>,
}

/// One server, in one workload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) server: String,
    /// In the order in which they were run: the same index is the same round for all servers.
    pub(crate) rounds: Vec<Round>,
}

/// One run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Round {
    pub(crate) messages: f64,
    pub(crate) wall_ns: f64,
    pub(crate) server_ns: f64,
    pub(crate) generator_ns: f64,
    pub(crate) p50_ns: f64,
    pub(crate) p99_ns: f64,
    /// Bytes that the server sent, and of the same frames uncompressed.
    pub(crate) wire: f64,
    pub(crate) plain: f64,
    /// Messages that came uncompressed where they could have been compressed.
    pub(crate) uncompressed: f64,
}

impl Table {
    /// The ratio of each row to the reference, taken within a round and then as the median over the rounds.
    pub(crate) fn ratio(&self, row: &Row) -> Option<f64> {
        let reference = self.rows.iter().find(|row| row.server == REFERENCE)?;
        median(reference.rounds.iter().zip(&row.rounds).map(|(raw, own)| raw.cost() / own.cost()))
    }
}

impl Row {
    /// The median over the rounds.
    pub(crate) fn median(&self, of: impl Fn(&Round) -> f64) -> Option<f64> {
        median(self.rounds.iter().map(of))
    }

    /// How far apart the costs of the rounds are.
    pub(crate) fn spread(&self) -> Option<f64> {
        spread(&self.rounds.iter().map(Round::cost).collect::<Vec<_>>())
    }
}

impl Round {
    pub(crate) fn new(run: &Measured) -> Self {
        let latency = |percent| run.latency.percentile(percent).as_nanos() as f64;
        Self {
            messages: run.replies.messages as f64,
            wall_ns: run.wall.as_nanos() as f64,
            server_ns: run.server.as_nanos() as f64,
            generator_ns: run.generator.as_nanos() as f64,
            p50_ns: latency(50.0),
            p99_ns: latency(99.0),
            wire: run.replies.wire as f64,
            plain: run.replies.plain as f64,
            uncompressed: run.replies.uncompressed as f64,
        }
    }

    /// CPU nanoseconds of the server per message.
    pub(crate) fn cost(&self) -> f64 {
        self.server_ns / self.messages.max(1.0)
    }

    /// Messages a second.
    pub(crate) fn rate(&self) -> f64 {
        self.messages / self.wall_ns * 1e9
    }

    /// The share of the core that went to neither server nor generator: other programs, or nothing.
    pub(crate) fn others(&self) -> f64 {
        1.0 - (self.server_ns + self.generator_ns) / self.wall_ns
    }

    fn fields(&mut self) -> [(&'static str, &mut f64); 9] {
        [
            ("messages", &mut self.messages),
            ("wall_ns", &mut self.wall_ns),
            ("server_ns", &mut self.server_ns),
            ("generator_ns", &mut self.generator_ns),
            ("p50_ns", &mut self.p50_ns),
            ("p99_ns", &mut self.p99_ns),
            ("wire", &mut self.wire),
            ("plain", &mut self.plain),
            ("uncompressed", &mut self.uncompressed),
        ]
    }
}

/// Writes the tables as JSON.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write(path: &Path, tables: &[Table]) -> Result<()> {
    let mut text = serde_json::to_string_pretty(&to_json(tables))?;
    text.push('\n');
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Reads what [`write()`] has written.
///
/// # Errors
/// When the file cannot be read, or is something else.
pub(crate) fn read(path: &Path) -> Result<Vec<Table>> {
    let tables = || -> Result<_> { from_json(&serde_json::from_slice(&fs::read(path)?)?) };
    tables().map_err(|error| format!("{}: {error}", path.display()).into())
}

fn to_json(tables: &[Table]) -> Value {
    let round = |round: &Round| {
        let mut round = *round;
        Value::Object(
            round.fields().map(|(name, value)| (name.to_owned(), json!(*value))).into_iter().collect(),
        )
    };
    let row = |row: &Row| {
        let rounds: Vec<_> = row.rounds.iter().map(round).collect();
        json!({ "server": row.server, "rounds": rounds })
    };
    let table = |table: &Table| {
        let rows: Vec<_> = table.rows.iter().map(row).collect();
        json!({ "workload": table.workload, "about": table.about, "rows": rows })
    };
    json!({ "tables": tables.iter().map(table).collect::<Vec<_>>() })
}

fn from_json(value: &Value) -> Result<Vec<Table>> {
    let round = |value: &Value| {
        let mut round = Round::default();
        for (name, field) in round.fields() {
            *field = value[name].as_f64().ok_or_else(|| format!("a round without {name}"))?;
        }
        Ok(round)
    };
    let row = |value: &Value| {
        let rounds = list(value, "rounds")?.iter().map(round).collect::<Result<_>>()?;
        Ok(Row { server: text(value, "server")?, rounds })
    };
    let table = |value: &Value| {
        let rows = list(value, "rows")?.iter().map(row).collect::<Result<_>>()?;
        Ok(Table { workload: text(value, "workload")?, about: text(value, "about")?, rows })
    };
    list(value, "tables")?.iter().map(table).collect()
}

fn list<'a>(value: &'a Value, name: &str) -> Result<&'a [Value]> {
    value[name].as_array().map(Vec::as_slice).ok_or_else(|| format!("no {name}").into())
}

fn text(value: &Value, name: &str) -> Result<String> {
    value[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name}").into())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A row that takes this many nanoseconds a message in each of its rounds.
    pub(crate) fn row(server: &str, costs: &[f64]) -> Row {
        let round = |&cost: &f64| Round { messages: 10.0, server_ns: 10.0 * cost, ..Round::default() };
        Row { server: server.to_owned(), rounds: costs.iter().map(round).collect() }
    }

    fn table() -> Table {
        Table {
            workload: "t32-d1".to_owned(),
            about: "32 B".to_owned(),
            rows: vec![row(REFERENCE, &[100.0, 200.0, 300.0]), row("other", &[200.0, 200.0, 1200.0])],
        }
    }

    #[test]
    fn ratio_is_the_median_of_those_within_a_round() {
        let table = table();
        assert_eq!(table.ratio(&table.rows[1]), Some(0.5));
        assert_eq!(table.ratio(&table.rows[0]), Some(1.0));
        assert_eq!(table.rows[1].spread(), Some(5.0));
    }

    #[test]
    fn there_is_no_ratio_without_the_reference() {
        let mut table = table();
        table.rows.remove(0);
        assert_eq!(table.ratio(&table.rows[0]), None);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let tables = [table(), Table { rows: Vec::new(), ..table() }];
        assert_eq!(from_json(&to_json(&tables)).unwrap(), tables);
    }

    #[test]
    fn says_what_is_missing() {
        let mut value = to_json(&[table()]);
        value["tables"][0]["rows"][0]["rounds"][0]["p99_ns"] = Value::Null;
        assert_eq!(from_json(&value).unwrap_err().to_string(), "a round without p99_ns");
        assert_eq!(from_json(&json!([])).unwrap_err().to_string(), "no tables");
    }
}
