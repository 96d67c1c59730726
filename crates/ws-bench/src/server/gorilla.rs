//! Go's gorilla, on one processor: a small program, built where Go and Debian's package of gorilla are.

use std::{
    fs, io,
    path::Path,
    process::{Command, Stdio},
    sync::OnceLock,
};

use super::program;
use crate::{Result, workload::Traffic};

/// The command that serves, ready to be run.
///
/// # Errors
/// When Go or the package is not there.
pub(super) fn command(traffic: Traffic) -> Result<Command> {
    /// Built once a process, or why not.
    static BUILT: OnceLock<Result<(), String>> = OnceLock::new();

    let program = program::cache().join("go/gorilla");
    BUILT.get_or_init(|| build(&program).map_err(|error| error.to_string())).clone()?;
    let mut command = program::told(Command::new(program), traffic);
    command.env("GOMAXPROCS", "1");
    Ok(command)
}

fn build(program: &Path) -> Result<()> {
    let source = program.with_extension("go");
    fs::create_dir_all(program.parent().ok_or("no directory to build in")?)?;
    if !is_there(&source, program)? {
        fs::write(&source, SOURCE)?;
        let status = Command::new("go")
            .args(["build", "-o"])
            .args([program, &source])
            // Without modules Go finds what Debian has installed.
            .envs([("GO111MODULE", "off"), ("GOPATH", "/usr/share/gocode")])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(|error| format!("go: {error}"))?;
        if !status.success() {
            return Err(
                "go does not find gorilla; Debian has it as golang-github-gorilla-websocket-dev".into()
            );
        }
    }
    Ok(())
}

/// Whether this very source has been built.
fn is_there(source: &Path, program: &Path) -> io::Result<bool> {
    Ok(program.try_exists()? && fs::read(source).is_ok_and(|built| built == SOURCE.as_bytes()))
}

const SOURCE: &str = include_str!("gorilla.go");
