//! From the options to a dialer, and to a connection.

use http::Response;
use ws_client::{Config, Conn, Dialer, Proxy, Transport};
use ws_core::{DeflateConfig, KeepAlive};

use crate::{
    args::{Args, ProxyArg},
    status::Failure,
};

/// Opens a connection the way the options say.
pub(crate) async fn dial(args: &Args) -> Result<(Conn<Transport>, Response<()>), Failure> {
    Ok(dialer(args)?.dial(&args.url).await?)
}

/// As [`dial`], over HTTP/2 where the server has it. Another dial with the same `Http2Dialer` would share the connection.
#[cfg(feature = "http2")]
pub(crate) async fn dial_http2(
    args: &Args,
) -> Result<(Conn<ws_client::Http2Transport>, Response<()>), Failure> {
    Ok(dialer(args)?.http2().dial(&args.url).await?)
}

/// Does the opening handshake over a Unix socket, of which the URL knows nothing.
#[cfg(unix)]
pub(crate) async fn dial_unix(
    args: &Args,
    path: &std::path::Path,
) -> Result<(Conn<tokio::net::UnixStream>, Response<()>), Failure> {
    let stream = tokio::net::UnixStream::connect(path)
        .await
        .map_err(|error| Failure::Unreachable(format!("cannot connect to {}: {error}", path.display())))?;
    Ok(dialer(args)?.handshake(&args.url, stream).await?)
}

/// Sets what the options ask for.
pub(crate) fn dialer(args: &Args) -> Result<Dialer, Failure> {
    let mut config = Config::new();
    if let Some(interval) = args.ping {
        config = config.keep_alive(KeepAlive::every(interval));
    }
    let mut dialer = Dialer::new()
        .config(config)
        .subprotocols(args.subprotocols.clone())
        .redirects(args.redirects)
        .compression(args.deflate.then(DeflateConfig::new));
    #[cfg(feature = "full")]
    if args.redirects > 0 {
        // A page of sign-in, say, that sets a session and leads back.
        dialer = dialer.cookie_jar(ws_client::CookieJar::new());
    }
    if let Some(timeout) = args.timeout {
        dialer = dialer.handshake_timeout(timeout);
    }
    for (name, value) in &args.headers {
        dialer = dialer.header(name.clone(), value.clone());
    }
    dialer = match &args.proxy {
        ProxyArg::Environment => dialer.proxy(Proxy::from_env()),
        ProxyArg::Nothing => dialer,
        // The URL is not repeated: it may hold a password.
        ProxyArg::Url(url) => dialer.proxy(
            Proxy::new(url)
                .map_err(|error| Failure::Usage(format!("the URL of --proxy cannot be used: {error}")))?,
        ),
    };
    #[cfg(feature = "tls")]
    let dialer = crate::tls::configure(dialer, &args.tls)?;
    Ok(dialer)
}
