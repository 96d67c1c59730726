//! Close codes under the names that axum gives them.

use crate::extract::CloseCode;

/// 1000: the purpose of the connection is fulfilled.
pub const NORMAL: CloseCode = CloseCode::NORMAL_CLOSURE;
/// 1001: the endpoint goes away: a server shuts down, a page is left.
pub const AWAY: CloseCode = CloseCode::GOING_AWAY;
/// 1002: the peer broke the protocol.
pub const PROTOCOL: CloseCode = CloseCode::PROTOCOL_ERROR;
/// 1003: the endpoint cannot accept this type of data.
pub const UNSUPPORTED: CloseCode = CloseCode::UNSUPPORTED_DATA;
/// 1005: the close frame carried no code. It cannot be sent.
pub const STATUS: CloseCode = CloseCode::NO_STATUS_RECEIVED;
/// 1006: the transport ended without a close frame. It cannot be sent.
pub const ABNORMAL: CloseCode = CloseCode::ABNORMAL_CLOSURE;
/// 1007: the payload does not fit its type, such as text that is not UTF-8.
pub const INVALID: CloseCode = CloseCode::INVALID_PAYLOAD;
/// 1008: the message violates the endpoint's policy.
pub const POLICY: CloseCode = CloseCode::POLICY_VIOLATION;
/// 1009: the message is too big.
pub const SIZE: CloseCode = CloseCode::MESSAGE_TOO_BIG;
/// 1010: the client needs an extension that the server did not negotiate.
pub const EXTENSION: CloseCode = CloseCode::MANDATORY_EXTENSION;
/// 1011: the server met an unexpected condition.
pub const ERROR: CloseCode = CloseCode::INTERNAL_ERROR;
/// 1012: the service restarts.
pub const RESTART: CloseCode = CloseCode::SERVICE_RESTART;
/// 1013: try again later.
pub const AGAIN: CloseCode = CloseCode::TRY_AGAIN_LATER;
