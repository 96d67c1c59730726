//! The ends that TLS has: with a close_notify, without one, and in the middle of a record.

use std::{error::Error as _, io, sync::Arc};

use tokio::{io::AsyncReadExt as _, io::AsyncWriteExt as _, net::TcpListener, time::timeout};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ClientConfig, ServerConfig},
};
use ws_client::{DialErrorKind, Dialer};
use ws_core::{CloseCode, Config, Conn, ErrorKind, Message, Negotiated, Role};
use ws_tests::{
    fault::{Direction, Fault, FaultProxy, Plan},
    tls,
};

use crate::{
    Result,
    host::{Host, Speaks},
    script::{End, talk},
    settled::{Baseline, PATIENCE, alone},
};

fn pair() -> Result<(Arc<ServerConfig>, Arc<ClientConfig>)> {
    let (server, client) = tls::pair()?;
    Ok((Arc::new(server), Arc::new(client)))
}

/// The transport's own error below an error of the connection.
fn cause(error: &ws_core::Error) -> Option<io::ErrorKind> {
    error.source()?.downcast_ref::<io::Error>().map(io::Error::kind)
}

type Ended = std::result::Result<Option<Message>, ws_core::Error>;

/// How a connection ends for a client whose server says a word and then ends TLS, or the mere TCP.
async fn server_that_ends(close_frame: bool, close_notify: bool) -> Result<Ended> {
    let (server, client) = pair()?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("wss://{}/ws", listener.local_addr()?);
    let serve = async {
        let (tcp, _) = listener.accept().await?;
        let mut tls = TlsAcceptor::from(server).accept(tcp).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(tls.read_u8().await?);
        }
        let head = String::from_utf8(head)?;
        let mut fields = head.lines().filter_map(|line| line.split_once(':'));
        let (_, key) =
            fields.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key")).ok_or("no key")?;
        let accept = ws_core::handshake::accept_key(key.trim().as_bytes());
        let accept = accept.to_str()?;
        tls.write_all(
            format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {accept}\r\n\r\n"
            )
            .as_bytes(),
        )
        .await?;
        if close_frame {
            tls.write_all(b"\x88\x02\x03\xE8").await?;
            tls.flush().await?;
            // The answer, so that TCP ends without bytes that nobody has read.
            let _ = tls.read(&mut [0; 8]).await?;
        }
        tls.flush().await?;
        if close_notify {
            tls.shutdown().await?;
        } else {
            tls.get_mut().0.shutdown().await?;
        }
        // Whatever the client still has to say.
        let _ = tls.read_to_end(&mut Vec::new()).await;
        Ok::<(), crate::Error>(())
    };
    let dial = async {
        let (mut conn, _) = Dialer::new().tls_config(client).dial(url).await?;
        Ok::<_, crate::Error>(conn.read_message().await)
    };
    let (served, ended) = timeout(PATIENCE, async { tokio::join!(serve, dial) }).await?;
    served?;
    ended
}

// Shows TLS-4.
#[test]
fn end_without_a_close_frame_is_a_loss_and_its_cause_tells_whether_tls_ended() -> Result {
    alone(async {
        let ended = server_that_ends(false, true).await?.expect_err("no close frame");
        assert_eq!((ended.kind(), cause(&ended)), (&ErrorKind::ConnectionLost, None));
        let truncated = server_that_ends(false, false).await?.expect_err("no close frame");
        assert_eq!(truncated.kind(), &ErrorKind::ConnectionLost);
        assert_eq!(cause(&truncated), Some(io::ErrorKind::UnexpectedEof));
        Ok(())
    })
}

#[test]
fn end_behind_the_closing_handshake_is_clean_with_and_without_close_notify() -> Result {
    alone(async {
        for close_notify in [true, false] {
            assert_eq!(server_that_ends(true, close_notify).await??, None, "close_notify: {close_notify}");
        }
        Ok(())
    })
}

// Shows TLS-4.
#[test]
fn server_tells_a_truncated_stream_from_one_that_ended() -> Result {
    alone(async {
        for close_notify in [true, false] {
            let (server, client) = pair()?;
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            let addr = listener.local_addr()?;
            let near = async {
                let (tcp, _) = listener.accept().await?;
                let tls = TlsAcceptor::from(server).accept(tcp).await?;
                let mut conn = Conn::new(tls, Role::Server, Config::new(), Negotiated::new());
                Ok::<_, crate::Error>(conn.read_message().await)
            };
            let far = async {
                let tcp = tokio::net::TcpStream::connect(addr).await?;
                let name = "127.0.0.1".try_into()?;
                let mut tls = tokio_rustls::TlsConnector::from(client).connect(name, tcp).await?;
                if close_notify {
                    tls.shutdown().await?;
                } else {
                    tls.get_mut().0.shutdown().await?;
                }
                let _ = tls.read_to_end(&mut Vec::new()).await;
                Ok::<(), crate::Error>(())
            };
            let (ended, ended_there) = timeout(PATIENCE, async { tokio::join!(near, far) }).await?;
            ended_there?;
            let lost = ended?.expect_err("no close frame");
            assert_eq!(lost.kind(), &ErrorKind::ConnectionLost);
            let expected = (!close_notify).then_some(io::ErrorKind::UnexpectedEof);
            assert_eq!(cause(&lost), expected, "close_notify: {close_notify}");
        }
        Ok(())
    })
}

#[test]
fn harm_anywhere_in_tls_ends_both_sides_and_leaves_no_task_and_no_file() -> Result {
    alone(async {
        let start = Baseline::now();
        let (server, client) = pair()?;
        let mut host = Host::start(crate::script::upgrader(true), Speaks::Tls(server)).await?;
        let quiet = Baseline::now();
        let dialer = crate::script::dialer(true).tls_config(client);
        for fault in [Fault::Cut, Fault::HalfClose, Fault::Reset] {
            for direction in Direction::ALL {
                for offset in (0..2600).step_by(61) {
                    let mut proxy =
                        FaultProxy::start(host.addr, move |_| Plan::fault(direction, offset, fault)).await?;
                    let url = format!("wss://{}/ws", proxy.addr());
                    let (_, end) = timeout(PATIENCE, talk(&dialer, &url)).await?;
                    match end {
                        End::Dial(kind) => {
                            assert!(matches!(kind, DialErrorKind::Tls(_) | DialErrorKind::Http), "{kind:?}");
                        }
                        End::Lost(error) => {
                            assert_eq!(
                                error.kind(),
                                &ErrorKind::ConnectionLost,
                                "{fault:?} {direction:?} {offset}"
                            );
                            assert_eq!(error.close_code(), Some(CloseCode::ABNORMAL_CLOSURE));
                        }
                        End::Clean => {}
                    }
                    timeout(PATIENCE, proxy.report()).await?.ok_or("no report")?;
                    drop(proxy);
                    quiet.tasks_end().await;
                    for handled in host.handled() {
                        if let Err(error) = handled.end {
                            assert_eq!(
                                error.kind(),
                                &ErrorKind::ConnectionLost,
                                "{fault:?} {direction:?} {offset}"
                            );
                        }
                    }
                }
            }
        }
        quiet.returns().await;
        drop(host);
        start.returns().await;
        Ok(())
    })
}
