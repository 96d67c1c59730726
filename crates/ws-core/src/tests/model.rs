//! What RFC 6455 says about a stream of bytes, in the most obvious way: slow, without state between bytes, and written
//! from the text of the RFC.
//!
//! The verdict over a prefix is what an endpoint must have told by then, no less (it fails fast) and no more.

use super::{
    trace::Told,
    wire::{BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, Written},
};
use crate::{
    CloseCode, CloseFrame, MessageKind,
    ProtocolError::{self, *},
    Role, Violation,
};

/// An endpoint, as far as the verdict depends on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Model {
    pub(super) role: Role,
    pub(super) max_frame: u64,
    pub(super) max_message: u64,
    pub(super) max_fragments: u64,
    /// The endpoint's close frame went out before these bytes came in.
    pub(super) close_sent: bool,
}

/// What the endpoint must tell and write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Without the violation.
    pub(super) told: Vec<Told>,
    pub(super) partial: Option<(MessageKind, Vec<u8>)>,
    /// The rules that the bytes break where the connection fails. The RFC ranks none of them, so any may be named.
    pub(super) broken: Vec<Violation>,
    /// The frames that answer, without the close frame for a violation.
    pub(super) answers: Vec<Written>,
}

impl Model {
    pub(super) fn new(role: Role) -> Self {
        Self { role, max_frame: 1 << 20, max_message: 1 << 20, max_fragments: 1 << 14, close_sent: false }
    }

    pub(super) fn verdict(&self, mut bytes: &[u8]) -> Verdict {
        let mut verdict = Verdict::default();
        let (mut fragments, mut announced) = (0, 0);
        while let [first, second, ..] = *bytes {
            let open = verdict.partial.as_ref().map(|(kind, _)| *kind);
            let (fin, opcode) = (first & FIN != 0, first & 0x0F);
            verdict.broken = self.broken_start(first, second, open);
            if !verdict.broken.is_empty() {
                return verdict;
            }

            let extended = match second & 0x7F {
                126 => 2,
                127 => 8,
                _ => 0,
            };
            let Some(number) = bytes.get(2..2 + extended) else { break };
            let number = number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
            let length = if extended == 0 { u64::from(second & 0x7F) } else { number };
            if length >= 1 << 63 {
                verdict.broken.push(LengthOverflow.into());
            }
            if (extended == 2 && length < 126) || (extended == 8 && length < 0x1_0000) {
                verdict.broken.push(NonMinimalLength.into());
            }
            if !verdict.broken.is_empty() {
                return verdict;
            }

            let masked = if second & 0x80 != 0 { 4 } else { 0 };
            let Some(key) = bytes.get(2 + extended..2 + extended + masked) else { break };
            let rest = &bytes[2 + extended + masked..];
            let here = &rest[..rest.len().min(usize::try_from(length).unwrap_or(usize::MAX))];
            let whole = here.len() as u64 == length;
            let payload: Vec<u8> = match key {
                [] => here.to_vec(),
                key => here.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect(),
            };
            bytes = &rest[here.len()..];

            if opcode & 0x8 != 0 {
                if whole && !self.control(opcode, payload, &mut verdict) {
                    return verdict;
                }
                if !whole {
                    break;
                }
                continue;
            }

            if opcode != CONTINUATION {
                (fragments, announced) = (0, 0);
            }
            fragments += 1;
            announced += length;
            verdict.broken = self.broken_limits(length, announced, fragments);
            if !verdict.broken.is_empty() {
                return verdict;
            }
            let kind = if opcode == TEXT { MessageKind::Text } else { MessageKind::Binary };
            let (kind, data) = verdict.partial.get_or_insert((kind, Vec::new()));
            data.extend(payload);
            let last = fin && whole;
            if *kind == MessageKind::Text && !is_text(data, last) {
                verdict.broken.push(InvalidUtf8.into());
                return verdict;
            }
            if last {
                let message = verdict.partial.take().map(|(kind, data)| Told::Message(kind, data));
                verdict.told.extend(message.filter(|_| !self.close_sent));
            }
            if !whole {
                break;
            }
        }
        verdict
    }

    /// The rules that the first two bytes of a frame break.
    pub(super) fn broken_start(&self, first: u8, second: u8, open: Option<MessageKind>) -> Vec<Violation> {
        let (fin, opcode) = (first & FIN != 0, first & 0x0F);
        let masked = second & 0x80 != 0;
        let control = opcode & 0x8 != 0;
        let rules = [
            (first & 0x70 != 0, ReservedBits),
            (![CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG].contains(&opcode), ReservedOpcode),
            (self.role == Role::Server && !masked, UnmaskedFrame),
            (self.role == Role::Client && masked, MaskedFrame),
            (control && !fin, FragmentedControl),
            (control && second & 0x7F > 125, ControlTooLong),
            (opcode == CONTINUATION && open.is_none(), UnexpectedContinuation),
            ([TEXT, BINARY].contains(&opcode) && open.is_some(), ExpectedContinuation),
        ];
        rules.into_iter().filter(|(broken, _)| *broken).map(|(_, rule)| rule.into()).collect()
    }

    fn broken_limits(&self, length: u64, announced: u64, fragments: u64) -> Vec<Violation> {
        let rules = [
            (length > self.max_frame, Violation::TooBig { limit: self.max_frame }),
            (announced > self.max_message, Violation::TooBig { limit: self.max_message }),
            (fragments > self.max_fragments, TooManyFragments.into()),
        ];
        rules.into_iter().filter(|(broken, _)| *broken).map(|(_, violation)| violation).collect()
    }

    /// A whole control frame. Gives whether the stream goes on.
    fn control(&self, opcode: u8, payload: Vec<u8>, verdict: &mut Verdict) -> bool {
        let silent = self.close_sent;
        match opcode {
            PING if silent => true,
            PING => {
                verdict.answers.push((FIN | PONG, payload.clone()));
                verdict.told.push(Told::Ping(payload));
                true
            }
            PONG => {
                verdict.told.extend((!silent).then_some(Told::Pong(payload)));
                true
            }
            _ => {
                match close_frame(&payload) {
                    Ok(frame) => {
                        let code = frame.iter().flat_map(|frame| frame.code.as_u16().to_be_bytes());
                        verdict.answers.extend((!silent).then(|| (FIN | CLOSE, code.collect())));
                        verdict.told.push(Told::Close(frame));
                    }
                    Err(rule) => verdict.broken.push(rule.into()),
                }
                false
            }
        }
    }
}

impl Verdict {
    /// Whether what an endpoint told agrees.
    pub(super) fn agrees(&self, told: &[Told]) -> bool {
        match told.split_last() {
            Some((Told::Failed(violation), rest)) => rest == self.told && self.broken.contains(violation),
            _ => told == self.told && self.broken.is_empty(),
        }
    }
}

/// The payload of a close frame (5.5.1 and 7.4).
pub(super) fn close_frame(payload: &[u8]) -> Result<Option<CloseFrame>, ProtocolError> {
    let (code, reason) = match payload.len() {
        0 => return Ok(None),
        1 => return Err(ClosePayloadTooShort),
        _ => payload.split_at(2),
    };
    let code = u16::from(code[0]) << 8 | u16::from(code[1]);
    if !is_close_code(code) {
        return Err(InvalidCloseCode);
    }
    let reason = std::str::from_utf8(reason).map_err(|_| InvalidCloseReason)?;
    Ok(Some(CloseFrame::new(CloseCode::from(code), reason)))
}

/// The codes that may stand in a close frame: those of the registry but the ones for local use, and 3000 to 4999.
pub(super) fn is_close_code(code: u16) -> bool {
    const REGISTRY: [u16; 12] = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
    REGISTRY.contains(&code) || (3000..5000).contains(&code)
}

/// Whether the bytes are UTF-8, or while the message is not complete, can become it.
fn is_text(data: &[u8], complete: bool) -> bool {
    match std::str::from_utf8(data) {
        Ok(_) => true,
        Err(error) => !complete && error.error_len().is_none(),
    }
}
