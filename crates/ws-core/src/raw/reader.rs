//! Frames and messages from a stream, read as they arrive.

use std::{
    fmt,
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BufMut;
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::poll_read_buf;

use super::{FrameChecker, ReceiveExtension, header::PartialHeader};
use crate::{
    Config, Error, ErrorKind, ProtocolError, Role, UsageError, Violation,
    frame::{FrameHeader, MAX_CONTROL_PAYLOAD, MaskingKey, Opcode, ReservedBits, apply_mask},
    utf8::Utf8Validator,
};

/// Reads frames from a stream, and each message to its end, in memory that does not grow.
///
/// [`next_frame`](Self::next_frame) gives the header of a message's first frame, or of a control frame between messages.
/// After it the reader is an [`AsyncRead`] over the unmasked payload: of a message with all its fragments, up to its end.
/// [`discard`](Self::discard) skips the rest. Control frames between the fragments of a message go to
/// [`on_control`](Self::on_control).
///
/// The reader never takes a byte from the stream that does not belong to the frame at hand, so it can be put aside between
/// messages, and reads a header in a read or two of its own. Wrap the stream into a `BufReader` if frames are small.
///
/// | Setting | Server | Client, or no role | Beyond it |
/// |---|---|---|---|
/// | [`max_message_size`](Self::max_message_size) | 1 MiB | 16 MiB | [`ErrorKind::TooBig`] |
/// | [`max_frame_size`](Self::max_frame_size) | message size | message size | [`ErrorKind::TooBig`] |
/// | [`max_fragments`](Self::max_fragments) | 16,384 | 262,144 | [`ProtocolError::TooManyFragments`] |
///
/// Control frames have no limit but 125 bytes each: a peer may send them without end, between messages and within one.
/// Bound the time of what must come to an end, or count them in the loop and in the hook.
///
/// A violation is final: every later call fails with it. Its [close code](Error::close_code) is for the caller to send.
/// Errors of [`AsyncRead`] are [`io::Error`]s around an [`Error`], of the kind [`io::ErrorKind::InvalidData`] for a
/// violation, [`io::ErrorKind::UnexpectedEof`] for a stream that ends within a message, and
/// [`io::ErrorKind::InvalidInput`] for a read before the first `next_frame` ([`UsageError::FrameNotBegun`]).
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use tokio::io::AsyncReadExt;
/// use ws_core::{
///     Role,
///     frame::Opcode,
///     raw::{Frame, FrameReader},
/// };
///
/// let wire = [
///     Frame::text("in two ").with_fin(false).sent_by(Role::Client)?.encode(),
///     Frame::ping("between")?.sent_by(Role::Client)?.encode(),
///     Frame::continuation("pieces").sent_by(Role::Client)?.encode(),
/// ]
/// .concat();
/// let mut frames = FrameReader::new(&wire[..], Role::Server);
///
/// let header = frames.next_frame().await?.ok_or("no frame")?;
/// assert_eq!(header.opcode, Opcode::TEXT);
/// let mut text = String::new();
/// frames.read_to_string(&mut text).await?;
/// assert_eq!(text, "in two pieces");
/// assert_eq!(frames.next_frame().await?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FrameReader<R> {
    io: R,
    checker: FrameChecker,
    checks_headers: bool,
    checks_utf8: bool,
    max_frame_size: u64,
    max_message_size: u64,
    max_fragments: u32,
    extensions: Vec<Box<dyn ReceiveExtension + Send>>,
    on_continuation: Option<Box<OnContinuation>>,
    on_control: Option<Box<OnControl>>,
    partial: PartialHeader,
    position: Position,
    message: Message,
    failed: Option<ErrorKind>,
}

type OnContinuation = dyn FnMut(&FrameHeader) + Send;
type OnControl = dyn FnMut(&FrameHeader, &[u8]) -> io::Result<()> + Send;

/// Where in the stream the next byte stands.
#[derive(Debug)]
enum Position {
    /// Before the first frame.
    Start,
    /// In the payload of a frame that the caller reads.
    Payload { fin: bool, remaining: u64, mask: Option<MaskingKey> },
    /// At a header within a message.
    Fragment,
    /// In a control frame within a message.
    Control { header: FrameHeader, payload: [u8; MAX_CONTROL_PAYLOAD], len: usize },
    /// Behind the message.
    End,
}

/// What is known of the message at hand, or of the control frame between two.
#[derive(Debug, Default)]
struct Message {
    /// The validator of text that is checked.
    utf8: Option<Utf8Validator>,
    /// Bytes that the headers so far have announced.
    announced: u64,
    fragments: u32,
}

impl<R> FrameReader<R> {
    /// Reads from a stream between messages.
    ///
    /// The checker says which end reads, that is a [`Role`] if no extension has been negotiated. With [`FrameChecker::new`]
    /// masks are not looked at, and the limits are a client's unless they are set.
    pub fn new(io: R, checker: impl Into<FrameChecker>) -> Self {
        let checker = checker.into();
        let limits = Config::new().limits(checker.role.unwrap_or(Role::Client));
        Self {
            io,
            checker,
            checks_headers: true,
            checks_utf8: true,
            max_message_size: limits.max_message_size,
            // The message limit bounds it.
            max_frame_size: u64::MAX,
            max_fragments: limits.max_fragments.unwrap_or(u32::MAX),
            extensions: Vec::new(),
            on_continuation: None,
            on_control: None,
            partial: PartialHeader::new(),
            position: Position::Start,
            message: Message::default(),
            failed: None,
        }
    }

    /// The largest message that is accepted, in bytes; `None` for any size, which costs this reader no memory.
    #[must_use]
    pub fn max_message_size(mut self, limit: impl Into<Option<u64>>) -> Self {
        self.max_message_size = limit.into().unwrap_or(u64::MAX);
        self
    }

    /// The largest frame that is accepted, in bytes; `None` for any size within the message limit.
    #[must_use]
    pub fn max_frame_size(mut self, limit: impl Into<Option<u64>>) -> Self {
        self.max_frame_size = limit.into().unwrap_or(u64::MAX);
        self
    }

    /// How many frames a message may come in; `None` for any number.
    #[must_use]
    pub fn max_fragments(mut self, limit: impl Into<Option<u32>>) -> Self {
        self.max_fragments = limit.into().unwrap_or(u32::MAX);
        self
    }

    /// Accepts headers that break the rules, except for their length; for tools that look at wrong streams.
    ///
    /// Every data frame behind one without FIN is taken for its continuation.
    #[must_use]
    pub fn without_header_check(mut self) -> Self {
        self.checks_headers = false;
        self
    }

    /// Takes text messages unchecked.
    ///
    /// A message with reserved bits in its first frame is never checked: it is not text until an extension made it so.
    /// [`Utf8Reader`](super::Utf8Reader) checks it there.
    #[must_use]
    pub fn without_utf8_check(mut self) -> Self {
        self.checks_utf8 = false;
        self
    }

    /// Adds an extension that gives reserved bits a meaning.
    #[must_use]
    pub fn extension(mut self, extension: impl ReceiveExtension + Send + 'static) -> Self {
        self.extensions.push(Box::new(extension));
        self
    }

    /// Calls this with every continuation frame's header.
    #[must_use]
    pub fn on_continuation(mut self, hook: impl FnMut(&FrameHeader) + Send + 'static) -> Self {
        self.on_continuation = Some(Box::new(hook));
        self
    }

    /// Calls this with every control frame that stands between the fragments of a message, its payload unmasked.
    ///
    /// Without a hook these frames are dropped, close frames too. [`handle_control`](super::handle_control) tells what
    /// they ask for. An error is passed to whoever reads: an [`Error`] within as it is, any other as [`ErrorKind::Io`].
    /// Reading can go on after it, behind the control frame.
    #[must_use]
    pub fn on_control(
        mut self,
        hook: impl FnMut(&FrameHeader, &[u8]) -> io::Result<()> + Send + 'static,
    ) -> Self {
        self.on_control = Some(Box::new(hook));
        self
    }

    /// The rules that headers are held to, and whether a message is open.
    pub fn checker(&self) -> &FrameChecker {
        &self.checker
    }

    /// Whether the message, or the control frame, has been read to its end, or none was begun.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        matches!(self.position, Position::Start | Position::End)
    }

    /// The stream beneath.
    pub fn get_ref(&self) -> &R {
        &self.io
    }

    /// The stream beneath. Bytes that are read from it directly are missing here.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.io
    }

    /// Gives the stream back. Behind a message that [has ended](Self::is_at_end) nothing of it is lost.
    pub fn into_inner(self) -> R {
        self.io
    }
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// Reads the next frame's header; the reader gives its payload then, and those of the fragments that follow.
    ///
    /// What is left of the message before is [discarded](Self::discard). `None` means that the stream ended between two
    /// messages. The header is as it came, mask and reserved bits too.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] and [`ErrorKind::TooBig`] for a header that breaks a rule or a limit,
    /// [`ErrorKind::ConnectionLost`] when the stream ends within a message, [`ErrorKind::Io`] for a failed read.
    ///
    /// # Cancel safety
    /// Cancel safe: the beginning of a header is kept.
    pub async fn next_frame(&mut self) -> Result<Option<FrameHeader>, Error> {
        poll_fn(|cx| {
            ready!(self.poll_discard(cx))?;
            let Some(header) = ready!(self.poll_header(cx))? else { return Ok(None).into() };
            self.message = Message::default();
            self.begin_payload(&header)?;
            Ok(Some(header)).into()
        })
        .await
    }

    /// Skips to the end of the message. Text is checked nevertheless, and control frames reach their hook.
    ///
    /// # Errors
    /// Those of [`next_frame`](Self::next_frame), and [`ProtocolError::InvalidUtf8`].
    ///
    /// # Cancel safety
    /// Cancel safe: it goes on from where it was.
    pub async fn discard(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_discard(cx)).await
    }

    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.is_at_end() {
            let mut scratch = [MaybeUninit::uninit(); SCRATCH];
            ready!(self.poll_payload(cx, &mut ReadBuf::uninit(&mut scratch)))?;
        }
        Ok(()).into()
    }

    /// Reads some of the message's payload; nothing at its end.
    fn poll_payload(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<(), Error>> {
        if let Some(kind) = &self.failed {
            return Err(Error::new(kind.clone())).into();
        }
        loop {
            match &mut self.position {
                Position::Start => {
                    return Err(UsageError::FrameNotBegun.into()).into();
                }
                Position::End => return Ok(()).into(),
                Position::Payload { fin, remaining: 0, .. } => {
                    self.position = if *fin { Position::End } else { Position::Fragment };
                    self.check_end_of_text()?;
                }
                Position::Payload { remaining, mask, .. } => {
                    if buf.remaining() == 0 {
                        return Ok(()).into();
                    }
                    let before = buf.filled().len();
                    let room = usize::try_from(*remaining).unwrap_or(usize::MAX);
                    let count = ready!(poll_filled(&mut self.io, cx, &mut (&mut *buf).limit(room)))?;
                    *remaining -= count as u64;
                    let piece = &mut buf.filled_mut()[before..];
                    if let Some(key) = mask {
                        apply_mask(piece, *key);
                        *key = key.rotated(count);
                    }
                    if let Err(error) = self.check_piece(piece) {
                        buf.set_filled(before);
                        return Err(error).into();
                    }
                    return Ok(()).into();
                }
                Position::Fragment => {
                    let Some(header) = ready!(self.poll_header(cx))? else {
                        return Err(Error::new(ErrorKind::ConnectionLost)).into();
                    };
                    if header.opcode.is_control() {
                        self.begin_control(header)?;
                        continue;
                    }
                    // The hooks come last: one that panics finds the reader behind what it has told them.
                    self.begin_payload(&header)?;
                    if let Some(hook) = &mut self.on_continuation {
                        hook(&header);
                    }
                }
                Position::Control { header, payload, len } => {
                    let whole = header.payload_len as usize;
                    if *len < whole {
                        *len += ready!(poll_filled(&mut self.io, cx, &mut &mut payload[*len..whole]))?;
                        continue;
                    }
                    let (header, mut payload) = (*header, *payload);
                    self.position = Position::Fragment;
                    let payload = &mut payload[..whole];
                    if let Some(key) = header.mask {
                        apply_mask(payload, key);
                    }
                    if let Some(hook) = &mut self.on_control {
                        hook(&header, payload).map_err(Error::of_callback)?;
                    }
                }
            }
        }
    }

    /// Reads a header and checks it.
    fn poll_header(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<FrameHeader>, Error>> {
        if let Some(kind) = &self.failed {
            return Err(Error::new(kind.clone())).into();
        }
        let header = match ready!(self.partial.poll_read(cx, &mut self.io)) {
            Ok(Some(header)) => header,
            Ok(None) => return Ok(None).into(),
            Err(error) => {
                if error.is_protocol() {
                    self.failed = Some(error.kind().clone());
                }
                return Err(error).into();
            }
        };
        match self.check(&header) {
            Ok(()) => Ok(Some(header)).into(),
            Err(violation) => Err(self.fail(violation)).into(),
        }
    }
}

impl<R> FrameReader<R> {
    fn check(&mut self, header: &FrameHeader) -> Result<(), ProtocolError> {
        let mut claimed = ReservedBits::NONE;
        if !header.opcode.is_control() {
            for extension in &mut self.extensions {
                claimed = claimed.union(extension.claim(header)?);
            }
        }
        if self.checks_headers {
            self.checker.check_with(header, claimed)?;
        }
        Ok(())
    }

    /// Goes to the payload of a frame that the caller reads.
    fn begin_payload(&mut self, header: &FrameHeader) -> Result<(), Error> {
        // Limits are for messages; control frames have one of their own, which they only exceed where nothing is checked.
        let is_bounded = header.opcode.is_control() && header.payload_len <= MAX_CONTROL_PAYLOAD as u64;
        if !is_bounded && header.payload_len > self.max_frame_size {
            return Err(self.fail(Violation::TooBig { limit: self.max_frame_size }));
        }
        let message = &mut self.message;
        // `announced` is within the limit, unless that was lowered since.
        if !is_bounded && header.payload_len > self.max_message_size.saturating_sub(message.announced) {
            return Err(self.fail(Violation::TooBig { limit: self.max_message_size }));
        }
        message.announced += header.payload_len;
        message.fragments = message.fragments.saturating_add(1);
        if message.fragments > self.max_fragments {
            return Err(self.fail(ProtocolError::TooManyFragments));
        }
        let is_plain_text = header.opcode == Opcode::TEXT && header.reserved.is_empty();
        if self.checks_utf8 && is_plain_text && message.fragments == 1 {
            message.utf8 = Some(Utf8Validator::new());
        }
        self.position =
            Position::Payload { fin: header.fin, remaining: header.payload_len, mask: header.mask };
        Ok(())
    }

    /// Goes to the payload of a control frame within a message.
    fn begin_control(&mut self, header: FrameHeader) -> Result<(), Error> {
        if header.payload_len > MAX_CONTROL_PAYLOAD as u64 {
            return Err(self.fail(ProtocolError::ControlTooLong));
        }
        self.position = Position::Control { header, payload: [0; MAX_CONTROL_PAYLOAD], len: 0 };
        Ok(())
    }

    /// Checks bytes that were just read. The end of the message is checked with its last bytes.
    fn check_piece(&mut self, piece: &[u8]) -> Result<(), Error> {
        if let Some(utf8) = &mut self.message.utf8 {
            if utf8.push(piece).is_err() {
                return Err(self.fail(ProtocolError::InvalidUtf8));
            }
        }
        if let Position::Payload { fin: true, remaining: 0, .. } = self.position {
            self.position = Position::End;
            self.check_end_of_text()?;
        }
        Ok(())
    }

    fn check_end_of_text(&mut self) -> Result<(), Error> {
        let is_end = matches!(self.position, Position::End);
        let is_cut = self.message.utf8.as_mut().is_some_and(|utf8| utf8.finish().is_err());
        if is_end && is_cut { Err(self.fail(ProtocolError::InvalidUtf8)) } else { Ok(()) }
    }

    /// Keeps a violation: what follows it in the stream has no meaning.
    fn fail(&mut self, violation: impl Into<Violation>) -> Error {
        let error = Error::from(violation.into());
        self.failed = Some(error.kind().clone());
        error
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for FrameReader<R> {
    /// Reads the unmasked payload of the message at hand; nothing at its end.
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_payload(cx, buf).map_err(io::Error::from)
    }
}

impl<R: fmt::Debug> fmt::Debug for FrameReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameReader")
            .field("io", &self.io)
            .field("checker", &self.checker)
            .field("position", &self.position)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// Reads something within a frame, where the stream must not end.
fn poll_filled<R, B>(io: &mut R, cx: &mut Context<'_>, buffer: &mut B) -> Poll<Result<usize, Error>>
where
    R: AsyncRead + Unpin,
    B: BufMut,
{
    match ready!(poll_read_buf(Pin::new(io), cx, buffer)) {
        Ok(0) => Err(Error::new(ErrorKind::ConnectionLost)).into(),
        Ok(count) => Ok(count).into(),
        Err(error) => Err(Error::transport(error)).into(),
    }
}

/// Bytes that are skipped in one read.
const SCRATCH: usize = 4096;
