//! From the server's greeting until the client is identified.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use ws_client::Conn;

use crate::{
    error::{Error, ErrorKind},
    message::{Challenge, Encoding, Hello, Identify, Incoming},
    protocol::RawEvent,
    state::ServerInfo,
    types::{EventSubscription, OpCode},
};

/// The version of the protocol that is spoken here.
pub(crate) const RPC_VERSION: u32 = 1;

/// What came of identifying.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) server: ServerInfo,
    pub(crate) subscribed: EventSubscription,
    /// Events that were faster than the server's answer.
    pub(crate) early: Vec<RawEvent>,
}

/// Identifies the client on a connection that was just opened.
pub(crate) async fn identify<S: AsyncRead + AsyncWrite + Unpin>(
    conn: &mut Conn<S>,
    password: Option<&str>,
    subscriptions: EventSubscription,
) -> Result<Session, Error> {
    let encoding = Encoding::chosen(conn.subprotocol());
    let Incoming::Hello(hello) = next(conn, encoding).await? else {
        return Err(Error::new(ErrorKind::Protocol).with_source("it did not greet first"));
    };
    if hello.rpc_version < RPC_VERSION {
        return Err(ErrorKind::UnsupportedRpcVersion.into());
    }
    let identify = Identify {
        // The server may speak later ones; it takes what it is asked for.
        rpc_version: RPC_VERSION,
        authentication: authentication(&hello, password)?,
        event_subscriptions: subscriptions.bits(),
    };
    let message = encoding
        .encode(OpCode::IDENTIFY, &identify)
        .map_err(|error| Error::new(ErrorKind::InvalidRequest).with_source(error))?;
    conn.write_message(message).await?;
    let mut early = Vec::new();
    let mut room = MAX_EARLY_BYTES;
    loop {
        match next(conn, encoding).await? {
            Incoming::Identified(identified) if identified.negotiated_rpc_version != RPC_VERSION => {
                return Err(ErrorKind::UnsupportedRpcVersion.into());
            }
            Incoming::Identified(identified) => {
                let server = ServerInfo {
                    obs_version: hello.obs_studio_version,
                    web_socket_version: hello.obs_web_socket_version,
                    rpc_version: identified.negotiated_rpc_version,
                    encoding,
                };
                return Ok(Session { server, subscribed: subscriptions, early });
            }
            // The server sends events and answers from several threads.
            Incoming::Event(event) if early.len() < MAX_EARLY && room >= event.size => {
                room -= event.size;
                early.push(event);
            }
            Incoming::Other => {}
            _ => return Err(Error::new(ErrorKind::Protocol).with_source("it did not answer who this is")),
        }
    }
}

async fn next<S: AsyncRead + AsyncWrite + Unpin>(
    conn: &mut Conn<S>,
    encoding: Encoding,
) -> Result<Incoming, Error> {
    match conn.read_message().await? {
        Some(message) => {
            encoding.decode(&message).map_err(|error| Error::new(ErrorKind::Protocol).with_source(error))
        }
        None => {
            let frame = conn.closing().received().flatten().cloned();
            Err(ws_client::reconnect::Cause::Closed(frame).into())
        }
    }
}

fn authentication(hello: &Hello, password: Option<&str>) -> Result<Option<String>, Error> {
    match (&hello.authentication, password) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(ErrorKind::PasswordRequired.into()),
        (Some(challenge), Some(password)) => Ok(Some(answer(password, challenge))),
    }
}

/// The proof that this side knows the password. Salt and challenge are taken as the text they are.
pub(crate) fn answer(password: &str, Challenge { challenge, salt }: &Challenge) -> String {
    let digest = |first: &str, second: &str| {
        STANDARD.encode(Sha256::new().chain_update(first).chain_update(second).finalize())
    };
    digest(&digest(password, salt), challenge)
}

/// More than any server tells between two messages of one handshake.
const MAX_EARLY: usize = 64;
/// As a stream may hold.
const MAX_EARLY_BYTES: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_to(password: &str, salt: &str, challenge: &str) -> String {
        answer(password, &Challenge { challenge: challenge.into(), salt: salt.into() })
    }

    #[test]
    fn answers_are_those_of_the_vectors() {
        assert_eq!(
            answer_to("password", "salt", "challenge"),
            "zTM5ki6L2vVvBQiTG9ckH1Lh64AbnCf6XZ226UmnkIA="
        );
        assert_eq!(
            answer_to(
                "supersecretpassword",
                "lM1GncleQOaCu9lT1yeUZhFYnqhsLLP1G5lAGo3ixaI=",
                "+IxH4CnCiqpX1rM9scsNynZzbOe4KhDeYcTNS3PDaeY="
            ),
            "1Ct943GAT+6YQUUX47Ia/ncufilbe6+oD6lY+5kaCu4="
        );
    }
}
