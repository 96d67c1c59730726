//! Compares this stack with tungstenite and Python's `websockets`:
//! `differential --python PYTHON [--scripts COUNT] [--seed FIRST]`. It ends with a line `N passed, N failed`.

use std::{env, io, process::ExitCode};

use ws_fuzz::differential::{Comparison, DIFFERENCES, Python};

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<_> = env::args().collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str, default: u64| {
        value(name).map_or(Ok(default), |value| value.parse().map_err(|_| io::ErrorKind::InvalidInput))
    };
    let (scripts, seed) = (number("--scripts", 3000)?, number("--seed", 1)?);
    let mut python = Python::start(value("--python").unwrap_or_else(|| "python3".to_owned()))?;
    let comparison = Comparison::run(seed..seed + scripts, Some(&mut python))?;

    println!("{} scripts, {} verdicts of others", comparison.scripts, comparison.verdicts);
    for ((name, difference), count) in &comparison.differences {
        println!("{count:8} {name}: {difference:?}");
    }
    for (difference, names, _) in DIFFERENCES {
        for name in names.iter().filter(|name| !comparison.differences.contains_key(&(**name, *difference))) {
            println!("    none {name}: {difference:?}");
        }
    }
    for unexplained in comparison.unexplained.iter().take(20) {
        println!("{unexplained}");
    }
    let failed = comparison.unexplained.len();
    println!("{} passed, {failed} failed", comparison.verdicts - failed as u64);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
