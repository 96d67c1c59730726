//! What has to hold whatever arrives. Assertions name these, so that a find says what it breaks.
//!
//! | Name | What it says |
//! |---|---|
//! | I1 | nothing panics, overflows or aborts |
//! | I2 | memory is at most twice the bytes received and 256 KiB |
//! | I3 | the same events, close code and output however the input is cut |
//! | I4 | the same messages however they are fragmented, masked, and mixed with control frames |
//! | I5 | the same messages with compression and without, at any level |
//! | I6 | a prefix of the input gives a prefix of the events, then at most one end |
//! | I7 | one end, and nothing after it; no frame follows a close frame |
//! | I8 | whatever is written are whole frames that keep the rules for senders |
//! | I9 | a connection that fails says the close code of the rule that was broken |
//! | I10 | work is bounded by the input, and every wait has a waker or a timer |
//! | I11 | what a send accepted arrives once, in order and whole |
//! | I12 | every ping is answered while the connection is open |
//! | I13 | a larger limit refuses nothing that a smaller one accepts |
//! | I14 | an operation that is dropped has happened whole or not at all |
//! | I15 | what is inflated is what was deflated, message after message |
//! | I17 | a closing handshake ends within its timeout |
//! | I21 | two ways to read the same bytes agree (raw toolkit and receiver, `http` types and bytes, HTTP/2 and bytes) |

/// What memory may be taken for `received` bytes (I2).
pub(crate) const fn memory_for(received: usize) -> usize {
    2 * received + (256 << 10)
}
