//! Who is it that connects, and how do I refuse before there is a connection?
//!
//! ```text
//! cargo run --release --bin auth
//! ```
//!
//! Three ways to hand in a token, all of them in the opening handshake, which is an HTTP request. Programs set a header:
//!
//! ```text
//! Authorization: Bearer open-sesame
//! ```
//!
//! Pages cannot. They use a cookie, which the browser sends along once `/login` has set it (never without an origin check, which
//! is on unless it is turned off), or they offer the token as a subprotocol, beside the one that they mean:
//!
//! ```text
//! await fetch("/login", { method: "POST" }); new WebSocket("ws://127.0.0.1:3000/ws");
//! new WebSocket("ws://127.0.0.1:3000/ws", ["greet", "token.open-sesame"]);
//! ```
#![forbid(unsafe_code)]

use axum::{
    Router,
    extract::FromRequestParts,
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, CONNECTION, COOKIE, SET_COOKIE},
        request::Parts,
    },
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use ws_tower::{extract::WebSocketUpgrade, requested_subprotocols};

#[tokio::main]
async fn main() {
    let listener = ws_examples::listen().await;
    let app = Router::new()
        .route("/", get(async || "POST to /login, then open /ws."))
        .route("/login", post(login))
        .route("/ws", any(upgrade));
    ws_examples::serve(listener, app).await;
}

/// Whoever holds a token. A request without one is answered with 401, and no handler runs.
struct User(&'static str);

impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = Response;

    async fn from_request_parts(request: &mut Parts, _state: &S) -> Result<Self, Response> {
        let headers = &request.headers;
        bearer(headers)
            .or_else(|| session(headers))
            .or_else(|| subprotocol(headers))
            .and_then(owner)
            .map(User)
            // What the client has sent behind its request, before it knew the answer, must not be read as another request.
            .ok_or_else(|| (StatusCode::UNAUTHORIZED, [(CONNECTION, "close")]).into_response())
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    cookies.flat_map(|line| line.split(';')).find_map(|cookie| cookie.trim().strip_prefix("session="))
}

/// A token in the list of subprotocols. It must consist of the letters, digits and signs that such names may have; Base64 for
/// URLs does.
fn subprotocol(headers: &HeaderMap) -> Option<&str> {
    requested_subprotocols(headers).find_map(|name| name.strip_prefix("token."))
}

/// A real server looks for a hash of the token in its database: then neither the time that takes, nor whoever reads the
/// database, tells a token.
fn owner(token: &str) -> Option<&'static str> {
    (token == "open-sesame").then_some("Ali Baba")
}

/// A real server asks for a password.
async fn login() -> impl IntoResponse {
    // `Secure` as well once there is TLS.
    [(SET_COOKIE, "session=open-sesame; HttpOnly; SameSite=Strict; Path=/")]
}

/// `User` comes first, so that a stranger learns nothing but 401, whatever else is wrong with the request.
async fn upgrade(User(name): User, ws: WebSocketUpgrade) -> Response {
    // Only `greet` is ever chosen: the token must not come back in the response, where logs may keep it. A client that offers
    // something and gets none of it gives up, so a page offers both.
    ws.protocols(["greet"]).on_upgrade(move |socket| async move {
        let mut conn = socket.into_conn();
        let greeted = async {
            conn.write_message(format!("hello {name}")).await?;
            // Until the client closes. What it says is of no interest.
            while conn.read_message().await?.is_some() {}
            Ok::<_, ws_core::Error>(())
        };
        if let Err(error) = greeted.await {
            eprintln!("{name}: {error}");
        }
    })
}
