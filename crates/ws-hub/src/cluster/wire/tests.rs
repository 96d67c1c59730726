use super::*;

fn address() -> Address {
    let id = |number| SessionId { node: NodeId::from_u128(7 << 100), number };
    Address {
        all: true,
        rooms: vec!["a".into(), "é".into()],
        users: vec!["u".into()],
        sessions: vec![id(1), id(u64::MAX)],
        only: vec!["o".into()],
        except_rooms: vec!["".into()],
        except_users: vec!["x".into(), "y".into()],
        except: vec![id(3)],
    }
}

fn operations() -> Vec<Operation> {
    let close = CloseFrame::new(4001, "bye");
    vec![
        Operation::Send(Envelope::new("text").key("k").volatile()),
        Operation::Send(Envelope::new(vec![0xFF]).overflow(Overflow::Disconnect(close.clone()))),
        Operation::Send(Envelope::new("").overflow(Overflow::Wait(Duration::from_millis(5)))),
        Operation::Send(Envelope::new("").overflow(Overflow::DropOldest)),
        Operation::Send(Envelope::new("").overflow(Overflow::DropNewest)),
        Operation::Join("room".into()),
        Operation::Leave("room".into()),
        Operation::Close(Some(close)),
        Operation::Close(None),
    ]
}

#[test]
fn what_is_sealed_is_opened_as_it_was() {
    for operation in operations() {
        let opened = open(seal(&address(), &operation)).expect("it was sealed here");
        assert_eq!(opened.0, address());
        assert_eq!(format!("{:?}", opened.1), format!("{operation:?}"));
    }
}

#[test]
fn what_is_cut_is_not_opened_nor_panics() {
    for operation in operations() {
        let sealed = seal(&address(), &operation);
        // The payload goes to the end, so cutting it makes another.
        let whole = matches!(operation, Operation::Send(_)).then(|| sealed.len() - 4).unwrap_or(sealed.len());
        for len in 0..whole {
            assert!(open(sealed.slice(..len)).is_none(), "{operation:?} cut at {len}");
        }
    }
}

#[test]
fn a_count_beyond_what_follows_takes_no_memory() {
    let mut bytes = vec![VERSION, 0];
    bytes.extend(u32::MAX.to_be_bytes());
    assert!(open(bytes.into()).is_none());
}
