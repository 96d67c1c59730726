//! One body of ordinary user code, expanded with `axum::extract::ws` and with `ws_tower::extract`: both compile, and the
//! same client sees the same. Where ours is meant to differ, another test says how.
#![cfg(feature = "axum")]

mod support;

use std::net::SocketAddr;

use axum::Router;
use support::{ACCEPT, BINARY, CLOSE, Handshake, PING, PONG, Raw, TEXT, within};
use tokio::sync::mpsc;

macro_rules! parity {
    ($name:ident, $($ws:tt)+) => {
        mod $name {
            #![allow(dead_code, clippy::cmp_owned, reason = "some of it need only compile")]
            use $($ws)+::{
                close_code, rejection, CloseFrame, DefaultOnFailedUpgrade, Message, OnFailedUpgrade, Utf8Bytes,
                WebSocket, WebSocketUpgrade,
            };
            use axum::{
                body::Bytes,
                extract::{Extension, FromRequestParts, Path, Request, State},
                http::{request::Parts, HeaderMap, HeaderValue, Method, StatusCode, Uri},
                middleware::{self, Next},
                response::{IntoResponse, Response},
                routing::any,
                Router,
            };
            use futures_util::{
                future, pin_mut,
                sink::SinkExt,
                stream::{FusedStream, SplitSink, SplitStream, StreamExt},
                Sink, Stream,
            };
            use super::{Log, Session};

            pub(super) fn app(log: Log) -> Router {
                Router::new()
                    .route("/echo", any(echo))
                    .route("/settings", any(settings))
                    .route("/protocols", any(protocols))
                    .route("/chosen", any(chosen))
                    .route("/goodbye", any(goodbye))
                    .route("/split", any(split))
                    .route("/after-close", any(after_close))
                    .route("/sink-close", any(sink_close))
                    .route("/fallible", any(fallible))
                    .route("/beside/{room}", any(beside))
                    .route("/own/{room}", any(own))
                    .route("/generic", any(generic_callback))
                    .route("/headers", any(headers))
                    .route("/gate", any(echo).layer(middleware::from_fn(gate)))
                    .layer(Extension(7_u8))
                    .with_state(log)
            }

            /// Beside extractors of every kind, in any order.
            async fn beside(
                method: Method,
                Path(room): Path<String>,
                ws: WebSocketUpgrade,
                State(log): State<Log>,
                Extension(number): Extension<u8>,
                headers: HeaderMap,
                uri: Uri,
            ) -> Result<impl IntoResponse, (StatusCode, &'static str)> {
                let log = Session(log);
                if room == "closed" {
                    return Err((StatusCode::GONE, "closed"));
                }
                log.say(format!("{method} {room} {number} {uri} {:?}", headers.get("host")));
                Ok(ws.on_upgrade(move |socket| async move { log.say(format!("{:?}", socket.protocol())) }))
            }

            /// An extractor of an application that is made of this one.
            struct Own {
                ws: WebSocketUpgrade,
                room: String,
            }
            impl<S: Send + Sync> FromRequestParts<S> for Own {
                type Rejection = Response;
                async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
                    let ws = WebSocketUpgrade::from_request_parts(parts, state)
                        .await
                        .map_err(IntoResponse::into_response)?;
                    let room = parts.uri.path().to_owned();
                    Ok(Self { ws, room })
                }
            }
            async fn own(Own { ws, room }: Own, State(log): State<Log>) -> Response {
                let log = Session(log);
                log.say(room);
                ws.on_upgrade(move |_| async move { drop(log) })
            }

            /// The callback for failed upgrades is a parameter of the type.
            async fn generic_callback(ws: WebSocketUpgrade, State(log): State<Log>) -> Response {
                let log = Session(log);
                accept(reported(ws), log)
            }
            fn accept<F: OnFailedUpgrade>(ws: WebSocketUpgrade<F>, log: Session) -> Response {
                log.say(format!("{:?}", ws.requested_protocols().count()));
                let ws = ws.max_message_size(10).protocols(["chat"]);
                log.say(format!("{:?}", ws.selected_protocol()));
                ws.on_upgrade(move |_| async move { drop(log) })
            }

            /// Headers go into the response, which is one as any other.
            async fn headers(ws: WebSocketUpgrade, State(log): State<Log>) -> impl IntoResponse {
                let log = Session(log);
                let mut response = ws.on_upgrade(move |_| async move { drop(log) });
                response.headers_mut().append("set-cookie", HeaderValue::from_static("a=1"));
                ([("x-tuple", "1")], response)
            }

            /// Middleware that is applied to upgrades as to anything else.
            async fn gate(request: Request, next: Next) -> Response {
                if request.headers().get("authorization").is_none_or(|token| token != "Bearer secret") {
                    return StatusCode::UNAUTHORIZED.into_response();
                }
                let mut response = next.run(request).await;
                response.headers_mut().insert("x-gate", HeaderValue::from_static("open"));
                response
            }

            async fn echo(ws: WebSocketUpgrade, State(log): State<Log>) -> Response {
                let log = Session(log);
                ws.on_upgrade(|mut socket| async move {
                    let mut errors = 0;
                    while let Some(message) = socket.recv().await {
                        let Ok(message) = message else {
                            log.say("error".to_owned());
                            errors += 1;
                            // A stream that errs for ever must not fill the log.
                            if errors > 3 {
                                break;
                            }
                            continue;
                        };
                        log.say(describe(&message));
                        let reply = match message {
                            Message::Text(text) => Message::Text(format!("hi {text}").into()),
                            Message::Binary(data) => Message::Binary(data),
                            Message::Ping(_) | Message::Pong(_) | Message::Close(None) => continue,
                            Message::Close(Some(CloseFrame { code, reason })) => {
                                log.say(format!("{code} {reason}"));
                                continue;
                            }
                        };
                        if socket.send(reply).await.is_err() {
                            log.say("not sent".to_owned());
                        }
                    }
                    log.say(format!("end {}", socket.is_terminated()));
                    log.say(format!("again {}", socket.recv().await.is_none()));
                })
            }

            fn describe(message: &Message) -> String {
                match message {
                    Message::Text(text) => format!("text {} {}", text.len(), text.as_str()),
                    Message::Binary(data) => format!("binary {data:?}"),
                    Message::Ping(data) => format!("ping {data:?}"),
                    Message::Pong(data) => format!("pong {data:?}"),
                    Message::Close(frame) => format!("close {}", frame.is_some()),
                }
            }

            async fn settings(ws: WebSocketUpgrade, State(log): State<Log>) -> impl IntoResponse {
                let log = Session(log);
                ws.protocols(["graphql-ws", "graphql-transport-ws"])
                    .max_message_size(1024)
                    .max_frame_size(1024)
                    .read_buffer_size(4096)
                    .write_buffer_size(0)
                    .max_write_buffer_size(1 << 20)
                    .accept_unmasked_frames(true)
                    .on_failed_upgrade(|_error: axum::Error| ())
                    .on_upgrade(|mut socket| async move {
                        while let Some(message) = socket.recv().await {
                            let Ok(message) = message else {
                                log.say("error");
                                break;
                            };
                            log.say(describe(&message));
                        }
                    })
            }

            async fn protocols(ws: WebSocketUpgrade, State(log): State<Log>) -> Response {
                let log = Session(log);
                let owned = vec!["second".to_owned(), "first".to_owned()];
                let ws = ws.protocols(owned);
                log.say(format!("{:?}", ws.selected_protocol()));
                ws.on_upgrade(move |socket| async move {
                    log.say(format!("{:?}", socket.protocol()));
                })
            }

            async fn chosen(mut ws: WebSocketUpgrade, State(log): State<Log>) -> Response {
                let log = Session(log);
                let mut offered: Vec<_> = ws.requested_protocols().cloned().collect();
                offered.sort();
                log.say(format!("{offered:?}"));
                if let Some(last) = offered.pop() {
                    ws.set_selected_protocol(last);
                }
                ws.on_upgrade(move |socket| async move {
                    log.say(format!("{:?}", socket.protocol()));
                })
            }

            async fn goodbye(ws: WebSocketUpgrade, State(log): State<Log>) -> Response {
                let log = Session(log);
                ws.on_upgrade(|mut socket: WebSocket| async move {
                    let frame = CloseFrame {
                        code: close_code::AGAIN,
                        reason: Utf8Bytes::from_static("Goodbye"),
                    };
                    log.say(format!("{}", socket.send(Message::Close(Some(frame))).await.is_ok()));
                    log.say(format!("{}", socket.send(Message::text("late")).await.is_ok()));
                    while let Some(Ok(message)) = socket.recv().await {
                        log.say(describe(&message));
                    }
                    log.say("end".to_owned());
                })
            }

            async fn after_close(ws: WebSocketUpgrade, State(log): State<Log>) -> Response {
                let log = Session(log);
                ws.on_upgrade(|mut socket: WebSocket| async move {
                    while let Some(Ok(message)) = socket.next().await {
                        log.say(describe(&message));
                    }
                    log.say(format!("{}", socket.send(Message::text("late")).await.is_ok()));
                })
            }

            async fn sink_close(ws: WebSocketUpgrade, State(log): State<Log>) -> Response {
                let log = Session(log);
                ws.on_upgrade(|mut socket: WebSocket| async move {
                    socket.feed(Message::text("fed")).await.ok();
                    log.say(format!("{}", SinkExt::close(&mut socket).await.is_ok()));
                })
            }

            async fn split(ws: WebSocketUpgrade, State(log): State<Log>) -> Response {
                let log = Session(log);
                ws.on_upgrade(|socket: WebSocket| async move {
                    let (sender, receiver) = socket.split();
                    let write = tokio::spawn(write(sender));
                    let read = tokio::spawn(read(receiver));
                    let (sender, receiver) = (write.await.unwrap(), read.await.unwrap());
                    generic(sender, receiver).await;
                    drop(log);
                })
            }
            async fn write(mut sender: SplitSink<WebSocket, Message>) -> SplitSink<WebSocket, Message> {
                sender.send(Message::Ping(Bytes::from_static(b"are you there"))).await.ok();
                sender
            }
            async fn read(mut receiver: SplitStream<WebSocket>) -> SplitStream<WebSocket> {
                while let Some(Ok(message)) = receiver.next().await {
                    if matches!(message, Message::Pong(_)) {
                        break;
                    }
                }
                receiver
            }
            async fn generic<W, R>(mut write: W, read: R)
            where
                W: Sink<Message> + Unpin,
                R: Stream<Item = Result<Message, axum::Error>>,
            {
                pin_mut!(read);
                while let Some(Ok(Message::Text(text))) = read.next().await {
                    write.feed(Message::text(text)).await.ok();
                    write.send(Message::binary(vec![1u8])).await.ok();
                }
            }

            async fn fallible(
                ws: Result<WebSocketUpgrade, rejection::WebSocketUpgradeRejection>,
                State(log): State<Log>,
            ) -> Response {
                let log = Session(log);
                use rejection::WebSocketUpgradeRejection as R;
                match ws {
                    Ok(ws) => ws.on_upgrade(|_| future::ready(())),
                    Err(R::MethodNotGet(rejection)) => {
                        log.say("MethodNotGet".to_owned());
                        (rejection.status(), rejection.body_text()).into_response()
                    }
                    Err(R::InvalidConnectionHeader(rejection)) => {
                        log.say("InvalidConnectionHeader".to_owned());
                        rejection.into_response()
                    }
                    Err(R::InvalidUpgradeHeader(rejection)) => {
                        log.say("InvalidUpgradeHeader".to_owned());
                        (rejection.status() == 426 || rejection.status() == 400).to_string().into_response()
                    }
                    Err(R::WebSocketKeyHeaderMissing(rejection)) => {
                        log.say("WebSocketKeyHeaderMissing".to_owned());
                        rejection.into_response()
                    }
                    Err(R::InvalidWebSocketVersionHeader(_)) => {
                        log.say("InvalidWebSocketVersionHeader".to_owned());
                        ().into_response()
                    }
                    Err(
                        other @ (R::MethodNotConnect(_)
                        | R::InvalidProtocolPseudoheader(_)
                        | R::ConnectionNotUpgradable(_)),
                    ) => {
                        log.say(format!("{}", other.status()));
                        log.say(other.body_text());
                        other.into_response()
                    }
                    Err(other) => other.into_response(),
                }
            }

            /// What must be equal, value by value. Gives what was computed.
            pub(super) fn computed() -> Vec<String> {
                const GREETING: Utf8Bytes = Utf8Bytes::from_static("gr\u{fc}n");
                let mut lines = Vec::new();
                let mut say = |line: String| lines.push(line);
                say(format!("{GREETING} {}|{}", GREETING.len(), GREETING.to_uppercase()));
                say(format!("{:?}", Utf8Bytes::default().as_str()));
                say(format!("{:?}", Utf8Bytes::try_from(vec![0xFFu8]).unwrap_err()));
                say(format!("{:?}", Utf8Bytes::try_from(Bytes::from_static(b"a\xC3")).unwrap_err()));
                say(format!("{}", GREETING == "gr\u{fc}n" && GREETING == std::borrow::Cow::from("gr\u{fc}n")));
                say(format!("{}", GREETING == &"gr\u{fc}n".to_owned() && GREETING != "gr\u{fc}n ".to_owned()));
                let close = |reason: &str| Message::Close(Some(CloseFrame {
                    code: close_code::RESTART,
                    reason: reason.into(),
                }));
                let binary = Message::binary(&[0xC3u8, 0x28][..]);
                for message in [
                    Message::text("a"),
                    Message::text(GREETING),
                    binary.clone(),
                    Message::Ping(Bytes::from_static(b"p")),
                    Message::Pong(Bytes::new()),
                    Message::Close(None),
                    close("r"),
                ] {
                    let text = message.to_text().map(str::to_owned).map_err(|error| error.to_string().is_empty());
                    say(format!("{text:?}"));
                    say(format!("{:?}", message.clone().into_text().map(|text| text.to_string()).ok()));
                    say(format!("{:?}", message.clone().into_data()));
                    say(format!("{:?}", Vec::<u8>::from(message.clone())));
                    say(format!("{} {}", message == message.clone(), message == binary));
                }
                for message in [
                    Message::from("a"),
                    Message::from(String::from("a")),
                    Message::from(Bytes::from_static(b"a")),
                    Message::from(vec![b'a']),
                    Message::from(&b"a"[..]),
                ] {
                    say(format!("{} {}", message == Message::text("a"), message == Message::binary("a")));
                }
                for code in [
                    close_code::NORMAL, close_code::AWAY, close_code::PROTOCOL, close_code::UNSUPPORTED,
                    close_code::STATUS, close_code::ABNORMAL, close_code::INVALID, close_code::POLICY,
                    close_code::SIZE, close_code::EXTENSION, close_code::ERROR, close_code::RESTART,
                    close_code::AGAIN, 4000u16.into(),
                ] {
                    let named = match code {
                        close_code::NORMAL => "normal",
                        close_code::AGAIN => "again",
                        _ => "other",
                    };
                    say(format!("{code} {} {named} {}", u16::from(code), code == 1000));
                    say(format!("{:?}", code.cmp(&close_code::POLICY)));
                }
                lines
            }

            /// Where a value may go.
            fn traits() {
                fn value<T: Clone + Eq + std::fmt::Debug + Send + Sync + Unpin + 'static>() {}
                value::<Message>();
                value::<CloseFrame>();
                value::<Utf8Bytes>();
                fn plain<T: Default + std::ops::Deref<Target = str> + std::fmt::Display>() {}
                plain::<Utf8Bytes>();
                fn socket<T>()
                where
                    T: Stream<Item = Result<Message, axum::Error>>
                        + FusedStream
                        + Sink<Message, Error = axum::Error>
                        + Send
                        + Unpin
                        + std::fmt::Debug
                        + 'static,
                {
                }
                socket::<WebSocket>();
                fn extractor<T>()
                where
                    T: FromRequestParts<Log, Rejection = rejection::WebSocketUpgradeRejection>
                        + Send
                        + Sync
                        + std::fmt::Debug
                        + 'static,
                {
                }
                extractor::<WebSocketUpgrade>();
                fn callback<T: OnFailedUpgrade + std::fmt::Debug>() {}
                callback::<DefaultOnFailedUpgrade>();
                fn refusal<T>()
                where
                    T: IntoResponse + std::error::Error + Send + Sync + 'static,
                    rejection::WebSocketUpgradeRejection: From<T>,
                {
                }
                refusal::<rejection::MethodNotGet>();
                refusal::<rejection::MethodNotConnect>();
                refusal::<rejection::InvalidConnectionHeader>();
                refusal::<rejection::InvalidUpgradeHeader>();
                refusal::<rejection::InvalidProtocolPseudoheader>();
                refusal::<rejection::InvalidWebSocketVersionHeader>();
                refusal::<rejection::WebSocketKeyHeaderMissing>();
                refusal::<rejection::ConnectionNotUpgradable>();
                refusal::<rejection::WebSocketUpgradeRejection>();
            }

            /// Errors are passed on by `?` where axum's are.
            async fn questions(mut socket: WebSocket) -> Result<(), axum::Error> {
                socket.send(Message::text("a")).await?;
                while let Some(message) = socket.next().await.transpose()? {
                    socket.feed(message).await?;
                    socket.flush().await?;
                }
                SinkExt::<Message>::close(&mut socket).await?;
                Ok(())
            }
            async fn boxed(message: Message) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
                Ok(message.to_text()?.to_owned() + &message.into_text()?)
            }

            /// What need only compile.
            fn values(upgrade: WebSocketUpgrade) {
                let text = Utf8Bytes::from("a");
                let _: bool = text == "a" && text == "a".to_string();
                let _: &str = &text;
                let _: Bytes = text.clone().into();
                let _: bool = Utf8Bytes::from(String::from("a")) == text && Utf8Bytes::from(&String::new()) != text;
                let _: bool = Utf8Bytes::try_from(vec![1u8]).is_err() || Utf8Bytes::try_from(Bytes::new()).is_ok();
                let _: Bytes = Message::from(vec![1u8]).into_data();
                let _: Vec<u8> = Message::from(&[1u8][..]).into();
                let _: Message = "a".into();
                let _: Message = String::new().into();
                let _: Message = Bytes::new().into();
                let _ = Message::binary(Bytes::new()).to_text().map(str::len).ok();
                let _: Option<Utf8Bytes> = Message::text(String::new()).into_text().ok();
                let _: bool = Message::text("a").clone() == Message::Text("a".into());
                let _ = format!("{:?} {upgrade:?}", Message::Close(None));
                for code in [
                    close_code::NORMAL, close_code::AWAY, close_code::PROTOCOL, close_code::UNSUPPORTED,
                    close_code::STATUS, close_code::ABNORMAL, close_code::INVALID, close_code::POLICY,
                    close_code::SIZE, close_code::EXTENSION, close_code::ERROR, close_code::RESTART,
                    close_code::AGAIN,
                ] {
                    let frame = CloseFrame { code, reason: "".into() };
                    let _: bool = frame.code == 1000 || frame == frame.clone();
                    let _: u16 = frame.code.into();
                    let _: String = frame.code.to_string();
                }
            }

            struct Report(&'static str);
            impl OnFailedUpgrade for Report {
                fn call(self, error: axum::Error) {
                    println!("{}: {error}", self.0);
                }
            }
            fn reported(ws: WebSocketUpgrade<DefaultOnFailedUpgrade>) -> WebSocketUpgrade<Report> {
                ws.on_failed_upgrade(Report("socket"))
            }
        }
    };
}

parity!(axums, axum::extract::ws);
parity!(ours, ws_tower::extract);

/// What the handlers saw, one line each.
type Log = mpsc::UnboundedSender<String>;

/// The part of the log that belongs to one handler; it ends with a line that says so.
struct Session(Log);

impl Session {
    fn say(&self, line: impl Into<String>) {
        self.0.send(line.into()).ok();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.say(DONE);
    }
}

const DONE: &str = "done";

/// Runs a client script against both servers: the client and the handler must see the same. Gives what the handler saw.
async fn agree<F>(script: impl Fn(SocketAddr) -> F) -> Vec<String>
where
    F: Future<Output = Vec<String>>,
{
    let axums = run(axums::app, &script).await;
    let ours = run(ours::app, &script).await;
    assert_eq!(axums, ours);
    ours.1
}

async fn run<F>(app: fn(Log) -> Router, script: impl Fn(SocketAddr) -> F) -> (Vec<String>, Vec<String>)
where
    F: Future<Output = Vec<String>>,
{
    let (log, mut lines) = mpsc::unbounded_channel();
    let addr = support::serve_axum(app(log)).await;
    let wire = script(addr).await;
    let mut handler = Vec::new();
    loop {
        match within(lines.recv()).await.expect("the router keeps a sender") {
            line if line == DONE => return (wire, handler),
            line => handler.push(line),
        }
    }
}

/// Opens a connection that must be accepted, and notes what the response says.
async fn open(addr: SocketAddr, handshake: Handshake, wire: &mut Vec<String>) -> Raw {
    let (raw, head) = Raw::open(addr, &handshake).await;
    assert_eq!(head.get("sec-websocket-accept").as_deref(), Some(ACCEPT));
    assert!(head.has("connection", "upgrade") && head.has("upgrade", "websocket"));
    wire.push(format!("{} {:?}", head.status, head.get("sec-websocket-protocol")));
    raw
}

/// Reads a frame and notes it; of a close frame only the code, since the reason may be echoed or not.
async fn note(raw: &mut Raw, wire: &mut Vec<String>) {
    let (opcode, mut payload) = raw.frame().await;
    if opcode == CLOSE {
        payload.truncate(2);
    }
    wire.push(format!("{opcode} {payload:?}"));
}

#[tokio::test]
async fn messages_and_pings_are_echoed_and_the_peer_closes() {
    let handler = agree(|addr| async move {
        let mut wire = Vec::new();
        let mut raw = open(addr, Handshake::new("/echo"), &mut wire).await;
        raw.send_frame(TEXT, "é".as_bytes()).await;
        note(&mut raw, &mut wire).await;
        raw.send_frame(BINARY, &[0, 1, 2]).await;
        note(&mut raw, &mut wire).await;
        raw.send_frame(PING, b"p").await;
        note(&mut raw, &mut wire).await;
        raw.send_frame(PONG, b"q").await;
        raw.send_frame(CLOSE, b"\x0F\xA0bye").await;
        note(&mut raw, &mut wire).await;
        wire
    })
    .await;
    let expected = [
        "text 2 é",
        "binary b\"\\0\\x01\\x02\"",
        "ping b\"p\"",
        "pong b\"q\"",
        "close true",
        "4000 bye",
        "end true",
        "again true",
    ];
    assert_eq!(handler, expected);
}

#[tokio::test]
async fn close_frame_without_a_code_is_delivered_and_answered() {
    let handler = agree(|addr| async move {
        let mut wire = Vec::new();
        let mut raw = open(addr, Handshake::new("/echo"), &mut wire).await;
        raw.send_frame(CLOSE, b"").await;
        note(&mut raw, &mut wire).await;
        wire
    })
    .await;
    assert_eq!(handler, ["close false", "end true", "again true"]);
}

#[tokio::test]
async fn lost_connection_is_an_error_and_then_the_end() {
    let handler = agree(|addr| async move {
        let mut wire = Vec::new();
        let mut raw = open(addr, Handshake::new("/echo"), &mut wire).await;
        raw.send_frame(TEXT, b"a").await;
        note(&mut raw, &mut wire).await;
        wire
    })
    .await;
    assert_eq!(handler, ["text 1 a", "error", "end true", "again true"]);
}

#[tokio::test]
async fn frame_that_breaks_the_protocol_is_an_error_and_then_the_end() {
    let handler = agree(|addr| async move {
        let mut wire = Vec::new();
        let mut raw = open(addr, Handshake::new("/echo"), &mut wire).await;
        raw.send(b"\x81\x01a").await;
        wire
    })
    .await;
    assert_eq!(handler, ["error", "end true", "again true"]);
}

#[tokio::test]
async fn frames_without_a_mask_are_accepted_on_request() {
    let handler = agree(|addr| async move {
        let mut wire = Vec::new();
        let mut raw = open(addr, Handshake::new("/settings"), &mut wire).await;
        raw.send(b"\x81\x01a").await;
        raw.send_frame(CLOSE, b"").await;
        note(&mut raw, &mut wire).await;
        wire
    })
    .await;
    assert_eq!(handler, ["text 1 a", "close false"]);
}

#[tokio::test]
async fn message_over_the_limit_is_an_error() {
    let handler = agree(|addr| async move {
        let mut wire = Vec::new();
        let mut raw = open(addr, Handshake::new("/settings"), &mut wire).await;
        // 1,025 bytes are announced.
        raw.send(b"\x82\xFE\x04\x01\0\0\0\0").await;
        raw.send(&[0; 1025]).await;
        wire
    })
    .await;
    assert_eq!(handler, ["error"]);
}

#[tokio::test]
async fn handler_closes_first() {
    let handler = agree(|addr| async move {
        let mut wire = Vec::new();
        let mut raw = open(addr, Handshake::new("/goodbye"), &mut wire).await;
        note(&mut raw, &mut wire).await;
        raw.send_frame(CLOSE, b"\x03\xF5").await;
        wire.push(format!("{:?}", raw.rest().await));
        wire
    })
    .await;
    assert_eq!(handler, ["true", "false", "close true", "end"]);
}

#[tokio::test]
async fn sending_fails_after_the_peer_has_closed() {
    let handler = agree(|addr| async move {
        let mut wire = Vec::new();
        let mut raw = open(addr, Handshake::new("/after-close"), &mut wire).await;
        raw.send_frame(CLOSE, b"\x03\xE8").await;
        note(&mut raw, &mut wire).await;
        wire
    })
    .await;
    assert_eq!(handler, ["close true", "false"]);
}

#[tokio::test]
async fn closing_the_sink_sends_what_was_fed_and_a_close_frame() {
    agree(|addr| async move {
        let mut wire = Vec::new();
        let mut raw = open(addr, Handshake::new("/sink-close"), &mut wire).await;
        note(&mut raw, &mut wire).await;
        wire.push(format!("{}", raw.frame().await.0));
        wire
    })
    .await;
}

#[tokio::test]
async fn halves_work_in_tasks_of_their_own() {
    agree(|addr| async move {
        let mut wire = Vec::new();
        let mut raw = open(addr, Handshake::new("/split"), &mut wire).await;
        note(&mut raw, &mut wire).await;
        raw.send_frame(PONG, b"are you there").await;
        raw.send_frame(TEXT, b"a").await;
        note(&mut raw, &mut wire).await;
        note(&mut raw, &mut wire).await;
        wire
    })
    .await;
}

#[tokio::test]
async fn the_only_common_subprotocol_is_chosen() {
    let handler = agree(|addr| async move {
        let mut wire = Vec::new();
        let handshake = Handshake::new("/protocols")
            .add("Sec-WebSocket-Protocol", "third, second")
            .add("Sec-WebSocket-Protocol", "x");
        open(addr, handshake, &mut wire).await;
        wire
    })
    .await;
    assert_eq!(handler, ["Some(\"second\")", "Some(\"second\")"]);
}

#[tokio::test]
async fn no_subprotocol_is_chosen_when_none_is_common() {
    let handler = agree(|addr| async move {
        let mut wire = Vec::new();
        let handshake = Handshake::new("/protocols").add("Sec-WebSocket-Protocol", "Second, third");
        open(addr, handshake, &mut wire).await;
        wire
    })
    .await;
    assert_eq!(handler, ["None", "None"]);
}

#[tokio::test]
async fn handler_chooses_the_subprotocol_itself() {
    let handler = agree(|addr| async move {
        let mut wire = Vec::new();
        let handshake =
            Handshake::new("/chosen").add("Sec-WebSocket-Protocol", "b,a").add("Sec-WebSocket-Protocol", "c");
        open(addr, handshake, &mut wire).await;
        wire
    })
    .await;
    assert_eq!(handler, ["[\"a\", \"b\", \"c\"]", "Some(\"c\")"]);
}

#[tokio::test]
async fn refusals_have_the_same_names_and_statuses() {
    let good = Handshake::new("/fallible");
    let cases = [
        (good.clone().line("POST /fallible HTTP/1.1"), "MethodNotGet"),
        (good.clone().set("Connection", "keep-alive"), "InvalidConnectionHeader"),
        (good.clone().set("Upgrade", "h2c"), "InvalidUpgradeHeader"),
        (good.clone().set("Sec-WebSocket-Version", "12"), "InvalidWebSocketVersionHeader"),
        (good.clone().without("Sec-WebSocket-Version"), "InvalidWebSocketVersionHeader"),
        (good.clone().without("Sec-WebSocket-Key"), "WebSocketKeyHeaderMissing"),
    ];
    for (handshake, name) in cases {
        let handler = agree(|addr| {
            let handshake = handshake.clone();
            async move { vec![Raw::open(addr, &handshake).await.1.status.to_string()] }
        })
        .await;
        assert_eq!(handler, [name]);
    }
}

#[test]
fn values_are_computed_alike() {
    assert_eq!(axums::computed(), ours::computed());
}

#[tokio::test]
async fn extractors_of_all_kinds_stand_beside_it() {
    let handler = agree(|addr| async move {
        let mut wire = Vec::new();
        open(addr, Handshake::new("/beside/lobby?a=b"), &mut wire).await;
        wire
    })
    .await;
    assert_eq!(handler, ["GET lobby 7 /beside/lobby?a=b Some(\"server.example\")", "None"]);
}

#[tokio::test]
async fn handler_refuses_after_the_handshake_was_found_good() {
    agree(|addr| async move {
        let (mut raw, head) = Raw::open(addr, &Handshake::new("/beside/closed")).await;
        raw.shutdown().await;
        vec![format!("{} {}", head.status, raw.rest().await.escape_ascii())]
    })
    .await;
}

#[tokio::test]
async fn extractor_of_an_application_is_made_of_it() {
    let handler = agree(|addr| async move {
        let mut wire = Vec::new();
        open(addr, Handshake::new("/own/room"), &mut wire).await;
        wire
    })
    .await;
    assert_eq!(handler, ["/own/room"]);
}

#[tokio::test]
async fn functions_are_generic_over_the_callback_for_failed_upgrades() {
    let handler = agree(|addr| async move {
        let mut wire = Vec::new();
        let handshake = Handshake::new("/generic").add("Sec-WebSocket-Protocol", "chat, other");
        open(addr, handshake, &mut wire).await;
        wire
    })
    .await;
    assert_eq!(handler, ["2", "Some(\"chat\")"]);
}

#[tokio::test]
async fn headers_are_added_to_the_response() {
    agree(|addr| async move {
        let (_raw, head) = Raw::open(addr, &Handshake::new("/headers")).await;
        vec![format!("{} {:?} {:?}", head.status, head.get("set-cookie"), head.get("x-tuple"))]
    })
    .await;
}

#[tokio::test]
async fn middleware_is_applied_to_it_as_to_anything() {
    let handler = agree(|addr| async move {
        let (_, refused) = Raw::open(addr, &Handshake::new("/gate")).await;
        let (mut raw, head) =
            Raw::open(addr, &Handshake::new("/gate").add("Authorization", "Bearer secret")).await;
        raw.send_frame(CLOSE, b"").await;
        vec![format!("{} {} {:?}", refused.status, head.status, head.get("x-gate"))]
    })
    .await;
    assert_eq!(handler[0], "close false");
}
