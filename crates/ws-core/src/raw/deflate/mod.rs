//! permessage-deflate over frames of one's own (RFC 7692).
//!
//! | To | Use |
//! |---|---|
//! | agree on it in the [opening handshake](super::handshake) | [`offer`], [`answer`], [`negotiated`] |
//! | compress and decompress messages that are one frame | [`Deflater::compress_frame`], [`Inflater::decompress_frame`] |
//! | … payloads | [`Deflater::compress`], [`Inflater::decompress`] |
//! | … messages in pieces, in memory that does not grow | [`Deflater::begin`], [`Inflater::next_chunk`] |
//! | set and see the bit that marks compressed messages | [`CompressedBit`] |
//!
//! A connection takes one [`Deflater`] for what it sends and one [`Inflater`] for what it receives. With context takeover a
//! message may refer to those before it, so **every** compressed message has to pass through them, once and in the order of
//! the wire. Control frames are never compressed (RFC 7692, 6.1).
//!
//! [`Conn`](crate::Conn) does all of this by itself, once it is given what was [`negotiated`].
//!
//! A server that echoes, with the messages compressed that are worth it:
//!
//! ```
//! use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
//! use ws_core::{
//!     DeflateConfig, NegotiatedDeflate, Role,
//!     frame::{Opcode, ReservedBits},
//!     raw::{
//!         self, Frame, FrameChecker, FrameReader,
//!         deflate::{Deflater, Inflater},
//!     },
//! };
//!
//! async fn echo<S>(stream: S, negotiated: NegotiatedDeflate) -> Result<(), Box<dyn std::error::Error>>
//! where
//!     S: AsyncRead + AsyncWrite + Unpin,
//! {
//!     let config = DeflateConfig::new();
//!     let mut deflater = Deflater::new(Role::Server, &negotiated, &config);
//!     let mut inflater = Inflater::new(Role::Server, &negotiated, &config);
//!     // The bit is permitted in the first frame of a message. What goes over the wire is bounded here, ...
//!     let checker = FrameChecker::from(Role::Server).message_bits(ReservedBits::RSV1);
//!     let mut reader = FrameReader::new(stream, checker).max_message_size(64 << 10);
//!     while let Some(header) = reader.next_frame().await? {
//!         let mut payload = Vec::new();
//!         reader.read_to_end(&mut payload).await?;
//!         if header.opcode.is_control() {
//!             break;
//!         }
//!         let is_compressed = header.reserved.contains(ReservedBits::RSV1);
//!         // ... and what it becomes is bounded here.
//!         let payload = if is_compressed { inflater.decompress(&payload, 1 << 20)? } else { payload.into() };
//!         let reply = if header.opcode == Opcode::TEXT {
//!             // Nobody has checked compressed text so far.
//!             Frame::text(ws_core::Utf8Bytes::try_from(payload)?)
//!         } else {
//!             Frame::binary(payload)
//!         };
//!         let reply = deflater.compress_frame(reply).sent_by(Role::Server)?;
//!         raw::write_frame(reader.get_mut(), &reply).await?;
//!     }
//!     Ok(())
//! }
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! # let negotiated = NegotiatedDeflate::new();
//! # let (mut client, server) = tokio::io::duplex(4096);
//! # let client = async {
//! #     let mut deflater = Deflater::new(Role::Client, &negotiated, &DeflateConfig::new());
//! #     let mut inflater = Inflater::new(Role::Client, &negotiated, &DeflateConfig::new());
//! #     for _ in 0..3 {
//! #         let text = "hello, ".repeat(99);
//! #         let frame = deflater.compress_frame(Frame::text(text.clone()));
//! #         assert!(frame.header().reserved.contains(ReservedBits::RSV1));
//! #         raw::write_frame(&mut client, &frame.sent_by(Role::Client)?).await?;
//! #         let echoed = raw::read_frame(&mut client, 1024).await?.ok_or("the end")?;
//! #         assert!(echoed.header().reserved.contains(ReservedBits::RSV1));
//! #         assert_eq!(inflater.decompress_frame(echoed, 1024)?.payload(), text.as_bytes());
//! #     }
//! #     raw::write_frame(&mut client, &Frame::close(None)?.sent_by(Role::Client)?).await?;
//! #     Ok::<(), Box<dyn std::error::Error>>(())
//! # };
//! # tokio::try_join!(client, echo(server, negotiated))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bit;
mod deflater;
mod inflater;
mod negotiation;

pub use self::{
    bit::CompressedBit,
    deflater::{Deflater, DeflatingMessage},
    inflater::Inflater,
    negotiation::{answer, negotiated, offer},
};
