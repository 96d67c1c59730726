//! The responder against each client, and against clients that are wrong.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    thread,
};

use super::{CLIENTS, Job};
use crate::{
    Result,
    load::{Limit, Measured, Prepared, Responder},
    workload::{ALL, Traffic, Workload},
};

const CONNECTIONS: usize = 3;

/// Answers whoever `client` is, until so many messages have come.
fn respond(
    workload: &Workload,
    messages: u64,
    client: impl FnOnce(SocketAddr) + Send + 'static,
) -> Result<Measured> {
    respond_prepared(workload, &Prepared::new(workload), messages, client)
}

fn respond_prepared(
    workload: &Workload,
    prepared: &Prepared,
    messages: u64,
    client: impl FnOnce(SocketAddr) + Send + 'static,
) -> Result<Measured> {
    let workload = Workload { connections: CONNECTIONS, ..*workload };
    let mut responder = Responder::new(prepared).unwrap();
    let addr = responder.addr().unwrap();
    thread::spawn(move || client(addr));
    responder.run(&workload, Limit::Messages(messages), std::process::id())
}

#[test]
fn every_client_exchanges_every_workload() {
    let plain = |workload: &&Workload| workload.traffic == Traffic::Echo && workload.deflate.is_none();
    // Masking megabytes takes its time in a debug build.
    for workload in ALL.iter().filter(plain).filter(|workload| workload.size < 1 << 20) {
        let prepared = Prepared::new(workload);
        let messages = if workload.size < 16 << 10 { 90 } else { 9 };
        for client in CLIENTS {
            let measured = respond_prepared(workload, &prepared, messages, move |addr| {
                let job = Arc::new(Job::new(addr, workload).unwrap());
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                // It ends when the responder is dropped.
                let _ = runtime.block_on(async {
                    let connections = (0..CONNECTIONS).map(|_| (client.run)(job.clone()));
                    futures_util::future::try_join_all(connections).await
                });
            });
            let measured = measured.unwrap_or_else(|error| panic!("{client:?} {workload:?}: {error}"));
            assert!(measured.replies.messages >= messages, "{client:?} {workload:?}");
        }
    }
}

#[test]
fn another_message_is_noticed() {
    let workload = Workload::find("t32-d1").unwrap();
    let error = respond(&workload, 1, |addr| {
        let mut stream = TcpStream::connect(addr).unwrap();
        let mut frame = vec![0x81, 0x80 | 32, 0, 0, 0, 0];
        frame.resize(6 + 32, b'x');
        stream.write_all(&frame).unwrap();
        let _ = stream.read(&mut [0; 1]);
    });
    assert!(error.unwrap_err().to_string().contains("message 0 is not the one of the workload"));
}

#[test]
fn unmasked_frame_is_noticed() {
    let workload = Workload::find("t32-d1").unwrap();
    let error = respond(&workload, 1, |addr| {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.write_all(&[0x81, 32]).unwrap();
        let _ = stream.read(&mut [0; 1]);
    });
    assert!(error.unwrap_err().to_string().contains("header"));
}
