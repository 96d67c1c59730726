//! The I/O traits of futures-io do what tokio's do.

use futures_util::{AsyncReadExt as _, AsyncWriteExt as _};
use ws_core::{MessageKind, frame::Opcode};

use crate::{
    executor::{finish, now, with_timers},
    pipe::conn,
    wire::{ROLES, binary, close, code, frames, text},
};

#[test]
fn byte_stream_is_read_written_and_closed() {
    for role in ROLES {
        let (conn, remote) = conn(role);
        let mut stream = conn.into_byte_stream(MessageKind::Binary);
        now(stream.write_all(b"out")).unwrap().unwrap();
        now(stream.flush()).unwrap().unwrap();
        remote.send([binary(role, b"in"), binary(role, b"coming")].concat());
        let mut bytes = [0; 8];
        now(stream.read_exact(&mut bytes)).unwrap().unwrap();
        assert_eq!(&bytes, b"incoming");
        remote.send(close(role, 1000));
        remote.end();
        with_timers(|| finish(stream.close())).unwrap();
        assert_eq!(now(stream.read(&mut bytes)).unwrap().unwrap(), 0);
        assert_eq!(frames(&remote.take()), [(Opcode::BINARY, b"out".to_vec()), code(1000)], "{role:?}");
    }
}

#[test]
fn messages_are_read_written_and_closed() {
    for role in ROLES {
        let (mut conn, remote) = conn(role);
        remote.send(text(role, "whole"));
        let mut message = now(conn.next_reader()).unwrap().unwrap().unwrap();
        let mut read = String::new();
        now(message.read_to_string(&mut read)).unwrap().unwrap();
        assert_eq!(read, "whole");
        let mut message = now(conn.next_writer(MessageKind::Text)).unwrap().unwrap();
        now(message.write_all(b"answer")).unwrap().unwrap();
        now(message.close()).unwrap().unwrap();
        now(message.finish()).unwrap().unwrap();
        assert_eq!(frames(&remote.take()), [(Opcode::TEXT, b"answer".to_vec())], "{role:?}");
    }
}
