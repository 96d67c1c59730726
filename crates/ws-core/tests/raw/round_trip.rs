//! Against the protocol of `Conn`: what one level sends the other receives, for both roles, however it is cut.

use bytes::Bytes;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use ws_core::{
    Config, Message, MessageKind, Role,
    frame::Opcode,
    proto::{Event, Receiver, Sender},
    raw::{Frame, FrameReader, FrameWriter, handle_control, random_masking_key, read_message},
};

use crate::stream::{Both, Pieces, Recorder, run};

fn other(role: Role) -> Role {
    match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
    }
}

fn roles() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Client), Just(Role::Server)]
}

/// Messages of up to three buffers, whose text has characters of every length.
fn messages() -> impl Strategy<Value = Vec<Message>> {
    let text = "[a-z\u{80}-\u{10FFFF}]{0,60}".prop_map(Message::from);
    let binary = prop::collection::vec(any::<u8>(), 0..300).prop_map(Message::from);
    prop::collection::vec(prop_oneof![text, binary], 1..5)
}

/// What the receiver makes of the bytes: messages, and the payloads of pings.
fn receive(role: Role, wire: &mut [u8], width: usize) -> (Vec<Message>, Vec<Bytes>) {
    let mut receiver = Receiver::new(role, &Config::new());
    let (mut messages, mut pings, mut gathered) = (Vec::new(), Vec::new(), Vec::new());
    for mut input in wire.chunks_mut(width) {
        while let Some(event) = receiver.receive(&mut input).expect("the frames keep the rules") {
            match event {
                Event::Data { kind, payload, last, .. } => {
                    gathered.extend_from_slice(payload);
                    if last {
                        let payload = std::mem::take(&mut gathered);
                        messages.push(match kind {
                            MessageKind::Text => Message::text(String::from_utf8(payload).unwrap()),
                            MessageKind::Binary => Message::binary(payload),
                        });
                    }
                }
                Event::Ping(payload) => pings.push(payload),
                event => panic!("{event:?}"),
            }
        }
    }
    assert!(gathered.is_empty(), "a message without an end");
    (messages, pings)
}

/// The messages that the reader gives, and the pings between them left out.
fn read_all(role: Role, wire: &[u8], width: usize) -> Vec<Message> {
    let mut reader = FrameReader::new(Pieces::new(wire, width), role);
    let mut messages = Vec::new();
    while let Some(header) = run(reader.next_frame()).expect("the frames keep the rules") {
        let mut payload = Vec::new();
        run(reader.read_to_end(&mut payload)).expect("the message has an end");
        match header.opcode {
            Opcode::TEXT => messages.push(Message::text(String::from_utf8(payload).unwrap())),
            Opcode::BINARY => messages.push(Message::binary(payload)),
            _ => assert!(handle_control(&header, &payload).unwrap().is_some()),
        }
    }
    messages
}

proptest! {
    #[test]
    fn receiver_understands_the_writer(
        role in roles(),
        messages in messages(),
        buffer_size in 1usize..200,
        step in 1usize..100,
        take in 1usize..300,
        vectored in any::<bool>(),
        ping_every in 1usize..5,
        width in 1usize..300,
    ) {
        let stream = Recorder { vectored, ..Recorder::slow(take) };
        let mut writer = FrameWriter::new(stream, role, MessageKind::Text).buffer_size(buffer_size);
        let mut pings = Vec::new();
        for message in &messages {
            writer.reset(message.kind().unwrap()).unwrap();
            for (count, piece) in message.clone().into_data().chunks(step).enumerate() {
                run(writer.write_all(piece)).unwrap();
                if count % ping_every == 0 {
                    pings.push(Bytes::from(count.to_string()));
                    run(writer.write_control(Frame::ping(count.to_string()).unwrap())).unwrap();
                }
            }
            run(writer.finish()).unwrap();
        }
        let mut wire = writer.get_ref().bytes();
        prop_assert_eq!(receive(other(role), &mut wire, width), (messages, pings));
    }

    #[test]
    fn reader_understands_the_sender(
        role in roles(),
        messages in messages(),
        width in 1usize..300,
    ) {
        let mut sender = Sender::new(other(role));
        let mut keys = || random_masking_key().unwrap();
        for message in &messages {
            sender.send(Message::Ping("ping".into()), &mut keys).unwrap();
            sender.send(message.clone(), &mut keys).unwrap();
        }
        let wire = sender.outbox().to_vec();
        prop_assert_eq!(&read_all(role, &wire, width), &messages);

        let mut stream = Both(Pieces::new(&wire, width), Recorder::default());
        for message in messages {
            prop_assert_eq!(run(read_message(&mut stream, role, 1000)).unwrap(), Some(message));
        }
    }

    #[test]
    fn reader_understands_the_writer(
        role in roles(),
        messages in messages(),
        buffer_size in 1usize..200,
        ping in any::<bool>(),
        width in 1usize..300,
    ) {
        let mut writer =
            FrameWriter::new(Recorder::default(), other(role), MessageKind::Text).buffer_size(buffer_size);
        for message in &messages {
            writer.reset(message.kind().unwrap()).unwrap();
            for piece in message.clone().into_data().chunks(50) {
                run(writer.write_all(piece)).unwrap();
                if ping {
                    run(writer.write_control(Frame::ping("between").unwrap())).unwrap();
                }
            }
            run(writer.finish()).unwrap();
        }
        prop_assert_eq!(read_all(role, &writer.get_ref().bytes(), width), messages);
    }
}
