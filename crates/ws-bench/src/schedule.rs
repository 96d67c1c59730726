//! Where and how this process, and the servers it starts, are scheduled.
#![allow(unsafe_code)]

use std::{fs, io, num::NonZero, thread};

use rustix::{
    process::{Signal, set_parent_process_death_signal, setpriority_process, setsid},
    thread::{CpuSet, sched_setaffinity},
};

/// The last core: interrupts and other programs tend to gather on the first.
pub(crate) fn default_core() -> usize {
    cores() - 1
}

/// How many cores this process may use.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Shares one core between this process and its future children, in batches.
///
/// With SCHED_BATCH neither side preempts the other when it is woken, so the server finds all
/// connections ready at once: the saturated case, with nothing in it that depends on wake-up luck.
/// What the kernel does not allow is left out; the notes say so.
///
/// # Errors
/// When the core does not exist or may not be used.
pub(crate) fn share_core(core: usize) -> io::Result<Vec<String>> {
    if core >= CpuSet::MAX_CPU {
        return Err(io::Error::other(format!("there is no core {core}")));
    }
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores)?;

    let mut notes = vec![format!("both sides share core {core}")];
    notes.extend(share());
    Ok(notes)
}

/// As [`share_core`], on all the cores there are.
pub(crate) fn share_cores() -> Vec<String> {
    let mut notes = vec![format!("both sides share {} cores", cores())];
    notes.extend(share());
    notes
}

fn share() -> Vec<String> {
    let mut notes = Vec::new();
    match set_batch() {
        Ok(()) => notes.push("SCHED_BATCH".to_owned()),
        Err(error) => notes.push(format!("without SCHED_BATCH ({error})")),
    }
    // Weight against other programs on the core. Both sides get the same, so neither gains on the other.
    if fs::read_to_string("/proc/sys/kernel/sched_autogroup_enabled").is_ok_and(|on| on.trim() == "1") {
        match own_autogroup() {
            Ok(()) => notes.push(format!("own autogroup, weight {WEIGHT}")),
            Err(error) => notes.push(format!("without an autogroup weight ({error})")),
        }
    } else {
        match setpriority_process(None, WEIGHT) {
            Ok(()) => notes.push(format!("no autogroups, nice {WEIGHT}")),
            Err(error) => notes.push(format!("no autogroups, without nice {WEIGHT} ({error})")),
        }
    }
    notes
}

/// An autogroup belongs to a session, so that takes a session of our own.
fn own_autogroup() -> io::Result<()> {
    setsid()?;
    // The terminal's Ctrl-C no longer comes here, but it ends `cargo run`, our parent.
    set_parent_process_death_signal(Some(Signal::TERM))?;
    fs::write("/proc/self/autogroup", WEIGHT.to_string())
}

fn set_batch() -> io::Result<()> {
    let param = libc::sched_param { sched_priority: 0 };
    // SAFETY: `param` is a valid sched_param that outlives the call, which only reads it; pid 0 is the
    // calling thread.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &param) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

const WEIGHT: i32 = -12;
