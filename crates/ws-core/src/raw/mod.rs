//! The level below [`Conn`](crate::Conn): frames, one at a time, and the opening handshake without an HTTP server.
//!
//! [`Conn`](crate::Conn) is what programs want that exchange messages: it answers, closes, limits, batches its writes, and
//! every future of it may be dropped. This level is for those who need the frames themselves: proxies that pass them on,
//! extensions of their own, recordings, load generators, servers that count bytes per connection. Here nothing happens
//! behind the caller's back, nothing is kept between calls that the caller does not hold, and the peer is held to the rules
//! where the caller says so.
//!
//! | To | Use |
//! |---|---|
//! | parse or build a header in memory | [`FrameHeader`](crate::frame::FrameHeader), [`header_len`] |
//! | … on a stream | [`read_header`], [`write_header`] |
//! | hold, mask and compile a frame | [`Frame`] |
//! | read or write one frame | [`read_frame`], [`write_frame`] |
//! | hold headers to the rules | [`FrameChecker`] |
//! | read messages as they come, of any size | [`FrameReader`] |
//! | write messages in fragments | [`FrameWriter`] |
//! | answer control frames | [`handle_control`], [`failing_close`] |
//! | build, parse and check close payloads | [`close_payload`], [`parse_close`], [`check_close`], [`truncate_reason`], [`CloseCodeRange`] |
//! | mask in memory, in place, or on the way | [`apply_mask_at`], [`CipherReader`], [`CipherWriter`], [`random_masking_key`] |
//! | validate text in memory, or on the way | [`Utf8Validator`](crate::utf8::Utf8Validator), [`Utf8Reader`] |
//! | give reserved bits a meaning | [`ReceiveExtension`], [`SendExtension`] |
//! | read or write a whole message in one call | [`read_message`], [`write_message`] |
//! | do the opening handshake | [`handshake`] |
//! | agree on compression, compress and decompress | [`deflate`] (feature `deflate`) |
//!
//! A server that echoes messages of any size, in memory that does not grow:
//!
//! ```
//! use tokio::io::{self, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
//! use ws_core::{
//!     MessageKind, Role,
//!     frame::Opcode,
//!     raw::{self, ControlFrame, FrameReader, FrameWriter},
//! };
//!
//! async fn echo<S: AsyncRead + AsyncWrite>(stream: S) -> Result<(), Box<dyn std::error::Error>> {
//!     let (read, write) = io::split(stream);
//!     let mut reader = FrameReader::new(BufReader::new(read), Role::Server).max_message_size(None);
//!     let mut writer = FrameWriter::new(write, Role::Server, MessageKind::Binary);
//!     let mut piece = [0; 4096];
//!     while let Some(header) = reader.next_frame().await? {
//!         if header.opcode.is_control() {
//!             let mut payload = Vec::new();
//!             io::copy(&mut reader, &mut payload).await?;
//!             let control = raw::handle_control(&header, &payload)?;
//!             let is_close = matches!(control, Some(ControlFrame::Close { .. }));
//!             if let Some(reply) = control.and_then(ControlFrame::into_reply) {
//!                 writer.write_control(reply).await?;
//!             }
//!             if is_close {
//!                 break;
//!             }
//!             continue;
//!         }
//!         let is_text = header.opcode == Opcode::TEXT;
//!         writer.reset(if is_text { MessageKind::Text } else { MessageKind::Binary })?;
//!         // Not with `io::copy`, which flushes: the end of the message would be an empty frame.
//!         while let count @ 1.. = reader.read(&mut piece).await? {
//!             writer.write_all(&piece[..count]).await?;
//!         }
//!         writer.finish().await?;
//!     }
//!     Ok(())
//! }
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! # let (mut client, server) = tokio::io::duplex(64);
//! # let client = async {
//! #     raw::write_message(&mut client, Role::Client, "hello").await?;
//! #     raw::write_message(&mut client, Role::Client, ws_core::Message::Close(None)).await?;
//! #     let echoed = raw::read_message(&mut client, Role::Client, 1024).await?;
//! #     assert_eq!(echoed, Some("hello".into()));
//! #     assert_eq!(raw::read_message(&mut client, Role::Client, 1024).await?, None);
//! #     Ok::<(), Box<dyn std::error::Error>>(())
//! # };
//! # tokio::try_join!(client, echo(server))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//!
//! Whatever holds a message takes a limit for it: [`read_frame`] and [`read_message`] as an argument, a [`FrameReader`] as
//! a setting. Control frames are bounded by 125 bytes each and by nothing else: [`read_message`] answers pings, and a
//! [`FrameReader`] gives or drops control frames, for as long as the peer sends them. Put a time limit around, or use
//! [`Conn`](crate::Conn), which [counts them](crate::Config::max_control_frames).
//!
//! # Dropping futures
//!
//! A function that keeps nothing between calls cannot be cancel safe: when the future of [`read_header`], [`read_frame`],
//! [`write_frame`], [`read_message`] or [`write_message`] is dropped before it is done, bytes are lost or half a frame is
//! written, and the connection is of no more use. [`FrameReader`] and [`FrameWriter`] hold their position, so their
//! futures may be dropped; each says what happened then.

#[cfg(feature = "deflate")]
#[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
pub mod deflate;
pub mod handshake;

mod check;
mod cipher;
mod close;
mod control;
mod extension;
mod frame;
mod header;
mod keys;
mod message;
mod reader;
mod utf8;
mod writer;

pub use self::{
    check::FrameChecker,
    cipher::{CipherReader, CipherWriter, apply_mask_at},
    close::{CloseCodeRange, ClosePayload, check_close, close_payload, parse_close, truncate_reason},
    control::{ControlFrame, failing_close, handle_control},
    extension::{ReceiveExtension, SendExtension},
    frame::{Frame, read_frame, write_frame},
    header::{header_len, read_header, write_header},
    keys::random_masking_key,
    message::{read_message, write_message},
    reader::FrameReader,
    utf8::Utf8Reader,
    writer::FrameWriter,
};
