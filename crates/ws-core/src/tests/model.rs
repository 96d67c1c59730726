//! What RFC 6455 says about a stream of bytes, in the most obvious way: slow, without state between bytes, and written
//! from the text of the RFC.
//!
//! The verdict over a prefix is what an endpoint must have told by then, no less (it fails fast) and no more.

use super::{
    inflate::{End, inflate},
    trace::Told,
    wire::{BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, RSV1, TEXT, Written},
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
    /// permessage-deflate was negotiated.
    pub(super) deflate: bool,
}

/// What the endpoint must tell and write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Without the violation.
    pub(super) told: Vec<Told>,
    pub(super) partial: Option<(MessageKind, Vec<u8>)>,
    /// The rules that the bytes break where the connection fails. The RFC ranks none of them, so any may be named.
    pub(super) broken: Vec<Violation>,
    /// A rule that a compressed message breaks already. It may be named now, or when the message is complete.
    pub(super) foreseen: Option<Violation>,
    /// The frames that answer, without the close frame for a violation.
    pub(super) answers: Vec<Written>,
}

impl Model {
    pub(super) fn new(role: Role) -> Self {
        Self {
            role,
            max_frame: 1 << 20,
            max_message: 1 << 20,
            max_fragments: 1 << 14,
            close_sent: false,
            deflate: false,
        }
    }

    pub(super) fn verdict(&self, mut bytes: &[u8]) -> Verdict {
        let mut verdict = Verdict::default();
        let (mut fragments, mut announced, mut compressed) = (0, 0, false);
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
                (fragments, announced, compressed) = (0, 0, first & RSV1 != 0);
            }
            fragments += 1;
            announced += length;
            verdict.broken = self.broken_limits(length, announced, fragments, compressed);
            if !verdict.broken.is_empty() {
                return verdict;
            }
            let kind = if opcode == TEXT { MessageKind::Text } else { MessageKind::Binary };
            let (kind, data) = verdict.partial.get_or_insert((kind, Vec::new()));
            data.extend(payload);
            let last = fin && whole;
            // Of what cannot be decompressed, what comes before the fault is judged first.
            let (data, fault) = if compressed { inflated(data, last) } else { (data.clone(), None) };
            let data = match (*kind, fault) {
                (MessageKind::Text, _) if !is_text(&data, last && fault.is_none()) => Err(InvalidUtf8),
                (_, Some(fault)) => Err(fault),
                (_, None) => Ok(data),
            };
            match data {
                Err(rule) if compressed && !last => verdict.foreseen = Some(rule.into()),
                Err(rule) => {
                    verdict.broken.push(rule.into());
                    return verdict;
                }
                Ok(data) if last => {
                    let message = Told::Message(*kind, data);
                    verdict.told.extend((!self.close_sent).then_some(message));
                    verdict.partial = None;
                }
                Ok(_) => {}
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
        // RFC 7692, 6: RSV1 is for the first frame of a message.
        let defined =
            if self.deflate && open.is_none() && [TEXT, BINARY].contains(&opcode) { RSV1 } else { 0 };
        let rules = [
            (first & 0x70 & !defined != 0, ReservedBits),
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

    fn broken_limits(&self, length: u64, announced: u64, fragments: u64, compressed: bool) -> Vec<Violation> {
        // Ours: the limit is for what is decompressed. Compression done badly may add an eighth and a little.
        let on_wire = |limit: u64| if compressed { limit + limit / 8 + 64 } else { limit };
        let rules = [
            (length > on_wire(self.max_frame), Violation::TooBig { limit: self.max_frame }),
            (announced > on_wire(self.max_message), Violation::TooBig { limit: self.max_message }),
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
            Some((Told::Failed(violation), rest)) => {
                rest == self.told && (self.broken.contains(violation) || self.foreseen == Some(*violation))
            }
            _ => told == self.told && self.broken.is_empty(),
        }
    }
}

/// The close code that fails the connection for a rule, by the words of 7.4.1; the most general one where it has none.
pub(super) fn close_code(rule: Violation) -> u16 {
    match rule {
        // "received data within a message that was not consistent with the type of the message"
        Violation::Protocol(InvalidUtf8 | InvalidCloseReason | InvalidDeflate) => 1007,
        // "received a message that violates its policy"
        Violation::Protocol(TooManyFragments) => 1008,
        // "received a message that is too big for it to process"
        Violation::TooBig { .. } => 1009,
        _ => 1002,
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

/// What a compressed message comes to, as far as it has arrived, and what is wrong behind that (RFC 7692, 7.2.2).
fn inflated(data: &[u8], complete: bool) -> (Vec<u8>, Option<ProtocolError>) {
    // Laxer, for the sake of some senders: an empty message that was not compressed at all, and one that ends right
    // behind a final block.
    let lax = complete && inflate(data).end == End::Final;
    let whole = if !complete || lax || data.is_empty() {
        data.to_vec()
    } else {
        [data, &[0, 0, 0xFF, 0xFF]].concat()
    };
    let inflated = inflate(&whole);
    let fault = match inflated.end {
        End::Block | End::Final => None,
        End::Inside if !complete => None,
        End::Inside | End::Invalid => Some(InvalidDeflate),
    };
    (inflated.output, fault)
}

/// Whether the bytes are UTF-8, or while the message is not complete, can become it.
fn is_text(data: &[u8], complete: bool) -> bool {
    match std::str::from_utf8(data) {
        Ok(_) => true,
        Err(error) => !complete && error.error_len().is_none(),
    }
}
