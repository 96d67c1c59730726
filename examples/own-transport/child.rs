//! The standard input and output of a child process, as language servers and plugins are spoken to.

use std::{env, process::Stdio};

use tokio::{
    io::{join, stdin, stdout},
    process::Command,
};

use crate::{Result, greet, shout};

/// Makes this program the child.
pub(crate) const ARGUMENT: &str = "serve-stdio";

/// The parent. `ssh host program` would make it a program of another machine.
pub(crate) async fn run() -> Result<String> {
    let mut child = Command::new(env::current_exe()?)
        .arg(ARGUMENT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // A parent that fails leaves nobody behind.
        .kill_on_drop(true)
        .spawn()?;
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("the child has no pipes".into());
    };
    // Reads come from its output, writes go to its input. When the connection is dropped its input ends.
    let answer = greet(join(output, input)).await?;
    child.wait().await?;
    Ok(answer)
}

/// The child. Nothing else may be printed: standard output is the connection, and standard error is for words.
pub(crate) async fn serve() -> Result<()> {
    shout(join(stdin(), stdout())).await?;
    Ok(())
}
