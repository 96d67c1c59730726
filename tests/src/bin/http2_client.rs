//! A client of a server of HTTP/2 that is written in something else: `node_http2.cjs` starts it and reads what it says.
//!
//! It prints the certificate and the key that the server has to use, reads the server's port, and talks over twelve WebSockets
//! at once.

use std::sync::Arc;

use serde_json::json;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};
use ws_client::{Conn, Dialer, Http2Transport, Message};
use ws_core::{CloseCode, CloseFrame};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let (cert, key) = (certified.cert.der().to_vec(), certified.signing_key.serialize_der());
    println!("{}", json!({ "cert": cert, "key": key }));
    let mut roots = RootCertStore::empty();
    roots.add(certified.cert.der().clone())?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();

    let mut port = String::new();
    std::io::stdin().read_line(&mut port)?;
    let url = format!("wss://127.0.0.1:{}", port.trim());
    let dialer = Dialer::new().tls_config(Arc::new(config)).subprotocols(["chat"]).http2();
    let refused = match dialer.dial(format!("{url}/refused")).await {
        Ok(_) => return Err("the server should have refused".into()),
        Err(error) => error.response().map(|response| response.status().as_u16()),
    };
    let mut conns = Vec::new();
    for number in 0..12 {
        conns.push(dialer.dial(format!("{url}/ws?number={number}")).await?.0);
    }
    for (number, conn) in conns.iter_mut().enumerate() {
        talk(conn, number).await?;
    }
    let versions: Vec<_> = conns.iter().map(|conn| format!("{:?}", conn.get_ref().version())).collect();
    let subprotocol = conns[0].subprotocol().map(String::from);
    for conn in &mut conns {
        conn.close(CloseFrame::new(CloseCode::NORMAL_CLOSURE, "done")).await?;
    }
    println!(
        "{}",
        json!({
            "refused": refused, "versions": versions, "subprotocol": subprotocol,
        })
    );
    Ok(())
}

/// Sends messages of many sizes, and expects them back.
async fn talk(conn: &mut Conn<Http2Transport>, number: usize) -> Result {
    for length in [0, 1, 126, 5_000, 70_000, 400_000] {
        let bytes: Vec<u8> = (0..length).map(|index| ((number + index * index) % 251) as u8).collect();
        for message in [Message::binary(bytes), Message::text("a".repeat(length))] {
            conn.write_message(message.clone()).await?;
            if conn.read_message().await? != Some(message) {
                return Err(format!("{length} bytes came back as something else").into());
            }
        }
    }
    Ok(())
}
