//! What the program does when nobody reads what it prints, as in `ws-bench … | head -1`.

use std::{
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Command, Output, Stdio},
};

fn run_unread(args: &[&str]) -> Output {
    let (unread, theirs) = UnixStream::pair().expect("a pair of sockets");
    drop(unread);
    let mut command = Command::new(env!("CARGO_BIN_EXE_ws-bench"));
    command.args(args).stdout(Stdio::from(OwnedFd::from(theirs))).stderr(Stdio::piped());
    command.spawn().and_then(std::process::Child::wait_with_output).expect("it runs")
}

#[test]
fn list_that_nobody_reads_ends_without_a_word() {
    for args in [&["compare", "--workload", "list"][..], &[]] {
        let output = run_unread(args);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
        assert_eq!(output.status.code(), Some(141), "{args:?}: {}", output.status);
    }
}

#[test]
fn what_is_wrong_is_told_even_so() {
    let output = run_unread(&["compare", "--workload", "none"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("none"));
    assert_eq!(output.status.code(), Some(1));
}
