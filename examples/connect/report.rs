//! What is said on standard error about the connection, as opposed to what came over it.

use http::{Response, header};
use tokio::io::{AsyncRead, AsyncWrite};
use ws_client::{CloseCode, Conn, DialError, DialErrorKind, DialedUri, ProxyError, TlsError, Transport};

use crate::{
    args::Args,
    print::{escaped, with_causes},
    status::Failure,
};

/// Says that it is connected, and what was agreed on.
pub(crate) fn connected<S>(args: &Args, conn: &Conn<S>, response: &Response<()>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if args.verbose {
        if let Some(DialedUri(uri)) = response.extensions().get() {
            eprintln!("* {uri}");
        }
        head(response);
    }
    let mut agreed = vec!["connected".to_owned()];
    match conn.subprotocol() {
        Some(subprotocol) => agreed.push(format!("subprotocol {subprotocol}")),
        None if args.subprotocols.is_empty() => {}
        None => agreed.push("no subprotocol".to_owned()),
    }
    if args.deflate {
        let extensions = response.headers().get(header::SEC_WEBSOCKET_EXTENSIONS);
        match extensions.filter(|_| conn.deflate().is_some()) {
            Some(extensions) => agreed.push(escaped(&String::from_utf8_lossy(extensions.as_bytes()))),
            None => agreed.push("no compression".to_owned()),
        }
    }
    eprintln!("{}", agreed.join(", "));
}

/// Says which addresses the connection is between, and what TLS agreed on.
pub(crate) fn transport(transport: &Transport) {
    if let (Ok(local), Ok(peer)) = (transport.local_addr(), transport.peer_addr()) {
        eprintln!("* from {local} to {peer}");
    }
    #[cfg(feature = "tls")]
    if let Some(tls) = transport.tls_connection() {
        let version = tls.protocol_version().map_or("TLS", |version| version.as_str().unwrap_or("TLS"));
        let suite = tls.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str()).unwrap_or("");
        let alpn = String::from_utf8_lossy(tls.alpn_protocol().unwrap_or(b"nothing"));
        eprintln!("* {version} with {suite}, ALPN chose {}", escaped(&alpn));
    }
}

/// Says which addresses the connection is between, and whether it has them for itself.
#[cfg(feature = "http2")]
pub(crate) fn http2_transport(stream: &ws_client::Http2Transport) {
    if let Some(alone) = stream.http1() {
        return transport(alone);
    }
    if let (Some(local), Some(peer)) = (stream.local_addr(), stream.peer_addr()) {
        eprintln!("* from {local} to {peer}, a stream of HTTP/2");
    }
}

/// Says what failed, what stands behind it, what the server said if it answered, and which option may help.
pub(crate) fn failure(args: &Args, failure: &Failure) {
    match failure {
        Failure::Usage(message) | Failure::Unreachable(message) => eprintln!("{}", escaped(message)),
        Failure::Dial(error) => dial_failure(args, error),
    }
}

fn dial_failure(args: &Args, error: &DialError) {
    if let Some(response) = error.response().filter(|_| args.verbose) {
        head(response);
    }
    eprintln!("{}", with_causes(error));
    if let Some(response) = error.response() {
        // The first 1,024 bytes: enough for a message, not for a web page.
        let body = String::from_utf8_lossy(response.body());
        let text = if body.trim_start().starts_with('<') { title(&body) } else { body.trim() };
        if !text.is_empty() {
            eprintln!("{}", escaped(text));
        }
    }
    if let Some(hint) = hint(error.kind()) {
        eprintln!("{hint}");
    }
}

/// The title of a page: nginx and others say there what is wrong.
fn title(page: &str) -> &str {
    let title = page.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    title.map_or("", |(title, _)| title.trim())
}

/// The option of this program that may help.
fn hint(kind: &DialErrorKind) -> Option<&'static str> {
    match kind {
        DialErrorKind::Tls(TlsError::NoLibrary) => {
            Some("this program was built without TLS: cargo run --bin connect --features tls …")
        }
        DialErrorKind::Tls(TlsError::UnknownIssuer | TlsError::NoRoots) => {
            Some("--ca FILE trusts an authority of your own, --insecure any certificate")
        }
        DialErrorKind::Proxy(ProxyError::Tls(TlsError::UnknownIssuer | TlsError::NoRoots)) => {
            Some("--proxy-ca FILE trusts an authority of your own for the proxy")
        }
        DialErrorKind::Tls(TlsError::ClientCertificateRequired) => {
            Some("--cert FILE --key FILE show a certificate of your own")
        }
        DialErrorKind::Refused(status) if status.is_redirection() => Some("--redirects N follows them"),
        _ => None,
    }
}

/// Prints the head of an answer.
fn head<B>(response: &Response<B>) {
    eprintln!("< {:?} {}", response.version(), response.status());
    for (name, value) in response.headers() {
        eprintln!("< {name}: {}", escaped(&String::from_utf8_lossy(value.as_bytes())));
    }
}

/// Says with what the peer closed, and gives its code.
pub(crate) fn goodbye<S>(conn: &Conn<S>) -> CloseCode {
    match conn.closing().received().flatten() {
        Some(frame) if frame.reason.is_empty() => {
            eprintln!("closed by the peer with code {}", frame.code);
            frame.code
        }
        Some(frame) => {
            eprintln!("closed by the peer with code {}: {}", frame.code, escaped(&frame.reason));
            frame.code
        }
        None => {
            eprintln!("closed by the peer without a code");
            CloseCode::NO_STATUS_RECEIVED
        }
    }
}
