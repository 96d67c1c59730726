//! A TCP echo without a runtime: one level-triggered epoll, and a buffer that all connections share.

use std::{
    collections::HashMap,
    io::{ErrorKind, Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, EventData, EventFlags},
    fd::{AsRawFd as _, OwnedFd},
};

use crate::Result;

pub(super) fn serve(listener: &TcpListener) -> Result<()> {
    listener.set_nonblocking(true)?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let key = |fd: i32| EventData::new_u64(fd as u64);
    epoll::add(&epoll, listener, key(listener.as_raw_fd()), EventFlags::IN)?;
    let mut connections = HashMap::new();
    let mut buffer = vec![0; 64 << 10];
    let mut events: Vec<epoll::Event> = Vec::with_capacity(1024);
    loop {
        events.clear();
        match epoll::wait(&epoll, spare_capacity(&mut events), None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            let fd = event.data.u64() as i32;
            if fd == listener.as_raw_fd() {
                let (stream, _) = match listener.accept() {
                    Ok(accepted) => accepted,
                    // It was gone before it was accepted.
                    Err(error) if error.kind() != ErrorKind::InvalidInput => continue,
                    Err(error) => return Err(error.into()),
                };
                stream.set_nodelay(true)?;
                stream.set_nonblocking(true)?;
                let fd = stream.as_raw_fd();
                epoll::add(&epoll, &stream, key(fd), EventFlags::IN)?;
                connections.insert(fd, Connection { stream, unsent: Vec::new() });
            } else if let Some(connection) = connections.get_mut(&fd) {
                // How a connection ends is no news: the generator resets them all. Dropped, it leaves the epoll.
                if !connection.turn(&epoll, key(fd), &mut buffer).unwrap_or(false) {
                    connections.remove(&fd);
                }
            }
        }
    }
}

struct Connection {
    stream: TcpStream,
    /// What the socket has not taken; while there is any, nothing is read.
    unsent: Vec<u8>,
}

impl Connection {
    /// Reads and writes once. Whether the connection goes on.
    fn turn(&mut self, epoll: &OwnedFd, key: EventData, buffer: &mut [u8]) -> Result<bool> {
        if !self.unsent.is_empty() {
            let taken = self.stream.write(&self.unsent)?;
            self.unsent.drain(..taken);
            if self.unsent.is_empty() {
                self.unsent = Vec::new();
                epoll::modify(epoll, &self.stream, key, EventFlags::IN)?;
            }
            return Ok(true);
        }
        let len = self.stream.read(buffer)?;
        if len == 0 {
            return Ok(false);
        }
        let taken = match self.stream.write(&buffer[..len]) {
            Ok(taken) => taken,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error.into()),
        };
        if taken < len {
            self.unsent.extend_from_slice(&buffer[taken..len]);
            epoll::modify(epoll, &self.stream, key, EventFlags::OUT)?;
        }
        Ok(true)
    }
}
