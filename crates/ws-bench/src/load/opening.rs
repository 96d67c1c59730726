//! The opening handshake (RFC 6455, 4.1), by hand.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha1::{Digest as _, Sha1};

use super::extension::{self, Encoding};
use crate::{Result, workload::Takeover};

/// What a client asks with.
pub(super) fn request(deflate: Option<Takeover>) -> String {
    let mut request = REQUEST.to_owned();
    if let Some(takeover) = deflate {
        request += &format!("Sec-WebSocket-Extensions: {}\r\n", extension::offer(takeover));
    }
    request + "\r\n"
}

/// Whether this is all of a response; the server sends nothing else before it is sent something.
///
/// # Errors
/// When it is longer than any response should be.
pub(super) fn is_whole(head: &[u8]) -> Result<bool> {
    if head.len() > LIMIT {
        return Err(format!("no whole response: {}", String::from_utf8_lossy(head)).into());
    }
    Ok(head.ends_with(b"\r\n\r\n"))
}

/// What the server agreed to.
///
/// # Errors
/// When it refused, or agreed to something else than was offered.
pub(super) fn agreed(head: &[u8], deflate: Option<Takeover>) -> Result<Encoding> {
    let head = String::from_utf8_lossy(head);
    let field = |wanted: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    if !head.starts_with("HTTP/1.1 101 ") || field("sec-websocket-accept") != Some(ACCEPT) {
        return Err(format!("the server refused the upgrade: {head}").into());
    }
    let agreed = field("sec-websocket-extensions");
    match deflate {
        Some(takeover) => extension::agreed(takeover, agreed),
        None if agreed.is_some() => {
            Err(format!("the server agreed to nothing that was offered: {head}").into())
        }
        None => Ok(Encoding::Plain),
    }
}

/// What a server answers to a request: yes, and nothing of what was offered.
///
/// # Errors
/// When there is no key in it.
pub(super) fn response(request: &[u8]) -> Result<String> {
    let request = String::from_utf8_lossy(request);
    let mut fields = request.lines().filter_map(|line| line.split_once(':'));
    let key = fields.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
    let (_, key) = key.ok_or_else(|| format!("a request without a key: {request}"))?;
    Ok(format!(
        "HTTP/1.1 101 Switching Protocols\r\n\
        Connection: Upgrade\r\n\
        Upgrade: websocket\r\n\
        Sec-WebSocket-Accept: {}\r\n\r\n",
        accept(key.trim())
    ))
}

/// 4.2.2: the SHA-1 of the key and of a GUID.
fn accept(key: &str) -> String {
    let hash = Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
    BASE64_STANDARD.encode(hash)
}

const LIMIT: usize = 4096;

/// The key of RFC 6455 1.3 and its accept value: no SHA-1 needed to check the answer.
pub(crate) const REQUEST: &str = "GET /ws HTTP/1.1\r\n\
    Host: 127.0.0.1\r\n\
    Connection: Upgrade\r\n\
    Upgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

#[cfg(test)]
mod tests {
    use super::*;

    fn response_with(fields: &str) -> Vec<u8> {
        format!("HTTP/1.1 101 Switching Protocols\r\n{fields}\r\n").into_bytes()
    }

    #[test]
    fn takes_the_accept_value_of_the_key() {
        let head = response_with("SEC-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
        assert!(is_whole(&head).unwrap());
        assert!(!is_whole(&head[..head.len() - 1]).unwrap());
        assert_eq!(agreed(&head, None).unwrap(), Encoding::Plain);
    }

    #[test]
    fn answers_with_the_accept_value_of_the_key() {
        let head = response(request(None).as_bytes()).unwrap();
        assert!(head.contains(ACCEPT), "{head}");
        assert!(response(b"GET / HTTP/1.1\r\n\r\n").is_err());
    }

    #[test]
    fn refuses_other_values_and_extensions_nobody_offered() {
        assert!(agreed(&response_with("sec-websocket-accept: AAAA\r\n"), None).is_err());
        let deflate = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
            sec-websocket-extensions: permessage-deflate\r\n";
        assert!(agreed(&response_with(deflate), None).is_err());
        assert!(agreed(&response_with(deflate), Some(Takeover::Yes)).is_ok());
    }
}
