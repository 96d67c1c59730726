//! What the machine allows.

use rustix::process::{Resource, getrlimit};

use crate::{Result, out::say};

/// As many of the connections asked for as there may be open files; says so if they are fewer.
///
/// # Errors
/// When there would be none.
pub(crate) fn connections(asked: usize) -> Result<usize> {
    let allowed = getrlimit(Resource::Nofile).current.map_or(usize::MAX, |files| files as usize);
    let connections = asked.min(allowed.saturating_sub(SPARE_FILES));
    if connections == 0 {
        return Err("no connections: --connections is 0 or the limit of open files too low".into());
    }
    if connections < asked {
        say!("{connections} connections, not {asked}: the limit of open files is {allowed}")?;
    }
    Ok(connections)
}

/// Files that are not connections: standard streams, epoll, the listener, /proc.
const SPARE_FILES: usize = 64;
