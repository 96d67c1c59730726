//! The PROXY protocol, by which load balancers tell the address of a client in front of everything else.
//!
//! [`accept`] reads the header of a connection that comes from such a load balancer;
//! [`Proxy::send_proxy_protocol`](crate::Proxy::send_proxy_protocol) sends one to backends. Headers are written and parsed by the crate
//! proxy-header.
//!
//! Anybody who can connect can say anything in such a header. Listen for it only where nobody but the load balancer can reach.

use std::{io, net::SocketAddr};

use bytes::Bytes;
use proxy_header::{ParseConfig, ProxiedAddress, ProxyHeader};
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::Peer;

/// The version of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are two")]
pub enum Version {
    /// A line of text.
    V1,
    /// Binary.
    V2,
}

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Addresses {
    /// The client.
    pub source: SocketAddr,
    /// Where the client connected to.
    pub destination: SocketAddr,
}

/// Reads the header in front of a connection, of either version, and nothing behind it. `None` for one that tells no addresses, such
/// as that of a health check.
///
/// There is no timeout: wrap the future in one.
///
/// # Errors
/// [`InvalidData`](io::ErrorKind::InvalidData) when there is no header: the connection is not to be used then. And whatever reading
/// comes to.
///
/// # Cancel safety
/// Not safe: the connection is of no use any more.
pub async fn accept(stream: &mut TcpStream) -> io::Result<Option<Addresses>> {
    let mut header = vec![0; SIGNATURE.len()];
    stream.read_exact(&mut header).await?;
    if header == SIGNATURE {
        let start = header.len();
        header.resize(start + 4, 0);
        stream.read_exact(&mut header[start..]).await?;
        let length = usize::from(u16::from_be_bytes([header[start + 2], header[start + 3]]));
        if length > MAX_V2 {
            return Err(invalid());
        }
        let start = header.len();
        header.resize(start + length, 0);
        stream.read_exact(&mut header[start..]).await?;
    } else if header.starts_with(b"PROXY ") {
        // What lies behind the line is another's, so no more is taken than what is seen to be in front of its end.
        while !header.ends_with(b"\r\n") {
            let mut seen = [0; MAX_V1];
            let count = stream.peek(&mut seen).await?;
            let seen = &seen[..count];
            let length = seen.iter().position(|byte| *byte == b'\n').map_or(count, |end| end + 1);
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let start = header.len();
            if start + length > MAX_V1 {
                return Err(invalid());
            }
            header.resize(start + length, 0);
            stream.read_exact(&mut header[start..]).await?;
        }
    } else {
        return Err(invalid());
    }
    let (parsed, length) = ProxyHeader::parse(&header, ParseConfig::default()).map_err(|_| invalid())?;
    if length != header.len() {
        return Err(invalid());
    }
    Ok(parsed.proxied_address().map(|told| Addresses { source: told.source, destination: told.destination }))
}

impl Version {
    /// The header that tells of a peer.
    pub(crate) fn header(self, peer: Option<Peer>) -> Bytes {
        let address = peer.map(|peer| {
            // Both are of one family: that of the client.
            let unknown = if peer.addr.is_ipv4() {
                SocketAddr::from(([0; 4], 0))
            } else {
                SocketAddr::from(([0; 16], 0))
            };
            let same_family = |local: &SocketAddr| local.is_ipv4() == peer.addr.is_ipv4();
            let local = peer.local.filter(same_family).unwrap_or(unknown);
            ProxiedAddress::stream(peer.addr, local)
        });
        let header = address.map_or_else(ProxyHeader::with_local, ProxyHeader::with_address);
        let mut bytes = Vec::new();
        let written = match self {
            Self::V1 => header.encode_v1(&mut bytes),
            Self::V2 => header.encode_v2(&mut bytes),
        };
        match (written, self) {
            (Ok(()), _) => bytes.into(),
            (Err(_), Self::V1) => Bytes::from_static(b"PROXY UNKNOWN\r\n"),
            (Err(_), Self::V2) => Bytes::from_static(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"),
        }
    }
}

fn invalid() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "there is no header of the PROXY protocol")
}

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// What a line of version 1 has at the most, its end included.
const MAX_V1: usize = 107;
/// Addresses take up to 216 bytes; the rest is for what is told beside them.
const MAX_V2: usize = 4096;

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt, net::TcpListener};

    use super::*;

    /// What is read of these bytes, and what is left.
    async fn accepted(pieces: &[&[u8]]) -> (io::Result<Option<Addresses>>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        client.set_nodelay(true).unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let write = async {
            for piece in pieces {
                client.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            client.shutdown().await.unwrap();
        };
        let (header, ()) = tokio::join!(accept(&mut server), write);
        let mut rest = Vec::new();
        server.read_to_end(&mut rest).await.unwrap();
        (header, rest)
    }

    #[tokio::test]
    async fn both_versions_are_read_and_nothing_behind_them() {
        let peer = Peer::new("192.0.2.1:5000".parse().unwrap()).local("198.51.100.1:443".parse().unwrap());
        for version in [Version::V1, Version::V2] {
            let mut bytes = version.header(Some(peer)).to_vec();
            bytes.extend_from_slice(b"GET / HTTP/1.1\r\n");
            for cut in 0..bytes.len() {
                let (header, rest) = accepted(&[&bytes[..cut], &bytes[cut..]]).await;
                let told = header.unwrap().unwrap();
                assert_eq!((told.source, told.destination), (peer.addr, peer.local.unwrap()), "{cut}");
                assert_eq!(rest, b"GET / HTTP/1.1\r\n");
            }
        }
    }

    #[tokio::test]
    async fn unknown_addresses_are_none() {
        for version in [Version::V1, Version::V2] {
            let (header, _) = accepted(&[&version.header(None)]).await;
            assert_eq!(header.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused() {
        let endless = [b"PROXY TCP4 ".to_vec(), vec![b'1'; 200]].concat();
        for bytes in [
            &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
            b"PROXY TCP4 a b c d\r\n",
            b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2",
            &endless,
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xFF\xFF",
        ] {
            assert!(accepted(&[bytes]).await.0.is_err(), "{bytes:?}");
        }
    }
}
