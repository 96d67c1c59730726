//! What the kernel says about a process: CPU time and resident memory.

use std::{fs, io, time::Duration};

/// CPU time of all threads of a process, user and kernel.
///
/// Sums `/proc/PID/task/*/schedstat`, which counts nanoseconds where `stat` counts ticks of 10 ms. What threads have used that
/// are gone is not in it.
///
/// # Errors
/// When the process is gone or the kernel keeps no such figures.
pub(crate) fn cpu_time(pid: u32) -> io::Result<Duration> {
    let mut sum = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = task?.path().join("schedstat");
        let stat = match fs::read_to_string(&path) {
            Ok(stat) => stat,
            // The thread has ended in between.
            Err(error) if is_gone(&error) => continue,
            Err(error) => return Err(error),
        };
        let Some(Ok(nanos)) = stat.split_whitespace().next().map(str::parse) else {
            return Err(io::Error::other(format!("{}: {stat}", path.display())));
        };
        sum += Duration::from_nanos(nanos);
    }
    Ok(sum)
}

fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH)
}

/// Resident memory of a process in KiB, from `/proc/PID/smaps_rollup`: exact, unlike the batched
/// counters behind `status`.
///
/// # Errors
/// When the process is gone.
pub(crate) fn resident_kib(pid: u32) -> io::Result<u64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let rollup = fs::read_to_string(&path)?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
    line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok())
        .ok_or_else(|| io::Error::other(format!("{path}: no Rss")))
}

#[cfg(test)]
mod tests {
    use std::{process::Command, thread, time::Instant};

    use super::*;

    #[test]
    fn cpu_time_grows_with_work() {
        // Not this process, threads of which end at any time.
        let mut busy = Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while cpu_time(busy.id()).unwrap() < Duration::from_millis(1) {
            assert!(Instant::now() < deadline);
            thread::sleep(Duration::from_millis(1));
        }
        busy.kill().unwrap();
        busy.wait().unwrap();
    }

    #[test]
    fn resident_memory_grows_when_pages_are_touched() {
        let pid = std::process::id();
        let before = resident_kib(pid).unwrap();
        let pages = std::hint::black_box(vec![1_u8; 64 << 20]);
        let after = resident_kib(pid).unwrap();
        // Other tests allocate and free at the same time, but not this much.
        assert!(after > before + (32 << 10), "{before} {after} {}", pages.len());
    }
}
