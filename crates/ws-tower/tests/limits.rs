//! Limits on the number of connections.

mod support;

use std::{
    hash::{Hash, Hasher},
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Waker},
    thread,
    time::Duration,
};

use http::{HeaderValue, Request, Response};
use support::{Handshake, KEY, Raw, open_in_memory, within};
use tokio::{
    io::DuplexStream,
    sync::{Notify, mpsc},
};
use ws_core::Conn;
use ws_tower::{
    Accepted, ConnectionLimit, ResponseBody, Upgraded, Upgrader,
    rejection::{TooManyConnections, WebSocketUpgradeRejection},
};

/// A correct handshake of a user, on a connection that never gets upgraded.
fn request(user: &str) -> Request<()> {
    Request::get("/")
        .header("host", "server.example")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", KEY)
        .header("user", user)
        .extension(hyper::upgrade::on(Request::new(())))
        .body(())
        .expect("a request")
}

fn open(upgrader: &Upgrader, user: &str) -> Result<Accepted, WebSocketUpgradeRejection> {
    upgrader.upgrade(&mut request(user))
}

/// So many for each user; for those without a name, any number.
fn per_user(max: usize) -> ConnectionLimit {
    ConnectionLimit::new()
        .per_key(max, |parts| parts.headers.get("user").filter(|user| !user.is_empty()).cloned())
}

fn keys(limit: &ConnectionLimit) -> String {
    format!("{limit:?}")
}

#[test]
fn handshake_beyond_the_total_is_refused_with_503() {
    let upgrader = Upgrader::new().limit(ConnectionLimit::new().total(2));
    let held = (open(&upgrader, "a").expect("the first"), open(&upgrader, "b").expect("the second"));
    let rejection = open(&upgrader, "c").unwrap_err();
    assert!(matches!(rejection, WebSocketUpgradeRejection::TooManyConnections(TooManyConnections { .. })));
    let response = Response::<ResponseBody>::from(rejection);
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "5");
    assert_eq!(response.headers()["connection"], "close");
    drop(held.0);
    let _third = open(&upgrader, "c").expect("there is a place again");
    open(&upgrader, "d").unwrap_err();
}

#[test]
fn refused_clients_are_told_when_to_come_back() {
    for (after, expected) in
        [(Duration::from_millis(60_001), "61".to_owned()), (Duration::MAX, u64::MAX.to_string())]
    {
        let limit = ConnectionLimit::new().total(0).retry_after(after);
        let response = Response::<ResponseBody>::from(open(&Upgrader::new().limit(limit), "a").unwrap_err());
        assert_eq!(response.headers()["retry-after"], expected);
    }
}

#[test]
fn each_key_has_its_own_count_and_no_key_has_none() {
    let upgrader = Upgrader::new().limit(per_user(1));
    let _held = (open(&upgrader, "a").expect("a"), open(&upgrader, "b").expect("b"));
    open(&upgrader, "a").unwrap_err();
    let _nameless: Vec<_> = (0..10).map(|_| open(&upgrader, "").expect("not bound")).collect();
}

#[test]
fn refusal_by_one_limit_takes_no_place_of_another() {
    let upgrader = Upgrader::new().limit(per_user(1).total(2));
    let _first = open(&upgrader, "a").expect("a");
    for _ in 0..10 {
        open(&upgrader, "a").unwrap_err();
    }
    let _second = open(&upgrader, "b").expect("the second place is free");
    open(&upgrader, "c").unwrap_err();
    let upgrader = Upgrader::new().limit(ConnectionLimit::new().total(1).per_key(0, |_| Some("nobody")));
    for _ in 0..2 {
        open(&upgrader, "a").unwrap_err();
    }
}

#[test]
fn keys_that_nobody_holds_are_forgotten() {
    let limit = per_user(2);
    let upgrader = Upgrader::new().limit(limit.clone());
    let held: Vec<_> = (0..100).map(|user| open(&upgrader, &format!("user {}", user / 2))).collect();
    assert!(held.iter().all(Result::is_ok));
    assert!(keys(&limit).contains("keys: 50"), "{limit:?}");
    drop(held);
    assert!(keys(&limit).contains("keys: 0"), "{limit:?}");
}

#[test]
fn upgraders_share_a_limit_that_was_cloned() {
    let limit = ConnectionLimit::new().total(1);
    let (one, other) = (Upgrader::new().limit(limit.clone()), Upgrader::new().limit(limit));
    let held = open(&one, "a").expect("a place");
    open(&other, "a").unwrap_err();
    open(&one.subprotocols(["chat"]), "a").unwrap_err();
    drop(held);
    let _held = open(&other, "a").expect("a place");
}

#[test]
fn what_fails_another_check_takes_no_place() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let limit = ConnectionLimit::new().per_key(0, move |_| Some(counter.fetch_add(1, Ordering::Relaxed)));
    let upgrader = Upgrader::new().limit(limit);
    let mut foreign = request("a");
    foreign.headers_mut().insert("origin", HeaderValue::from_static("https://evil.example"));
    assert_eq!(upgrader.upgrade(&mut foreign).unwrap_err().status(), 403);
    let mut keyless = request("a");
    keyless.headers_mut().remove("sec-websocket-key");
    assert_eq!(upgrader.upgrade(&mut keyless).unwrap_err().status(), 400);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[test]
fn key_that_panics_is_500_and_leaves_the_request_as_it_was() {
    let limit =
        ConnectionLimit::new().per_key(1, |_| -> Option<()> { std::panic::resume_unwind(Box::new("a bug")) });
    let mut request = request("a");
    assert_eq!(Upgrader::new().limit(limit).upgrade(&mut request).unwrap_err().status(), 500);
    assert!(Upgrader::new().upgrade(&mut request).is_ok(), "the upgrade is still there");
}

/// Whose a connection is. When its place is free, it looks what the client has seen so far.
struct Watcher {
    client: Arc<Mutex<Option<Conn<DuplexStream>>>>,
    sees: mpsc::UnboundedSender<bool>,
}

impl PartialEq for Watcher {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Watcher {}

impl Hash for Watcher {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some(client) = &mut *self.client.lock().expect("no panic") {
            let seen = client.poll_read_message(&mut Context::from_waker(Waker::noop()));
            self.sees.send(seen.is_ready()).ok();
        }
    }
}

#[tokio::test]
async fn place_is_free_before_the_client_sees_the_end() {
    let (drop_it, dropped) = (Arc::new(Notify::new()), Arc::new(Mutex::new(None)));
    let (sees, mut seen) = mpsc::unbounded_channel();
    let client = dropped.clone();
    let limit = ConnectionLimit::new()
        .per_key(1, move |_| Some(Watcher { client: client.clone(), sees: sees.clone() }));
    let told = drop_it.clone();
    let service = Upgrader::new().limit(limit).service(move |conn| async move {
        told.notified().await;
        drop(conn);
    });
    let (_, client) = open_in_memory(service).await;
    *dropped.lock().expect("no panic") = Some(client);
    drop_it.notify_one();
    assert_eq!(within(seen.recv()).await, Some(false), "the transport was closed before");
}

#[tokio::test]
async fn upgrade_that_fails_gives_its_place_back() {
    let upgrader = Upgrader::new().limit(ConnectionLimit::new().total(1));
    let accepted = open(&upgrader, "a").expect("a place");
    open(&upgrader, "a").unwrap_err();
    let mut conn = accepted.conn;
    (&mut conn).await.expect_err("there is nothing to upgrade");
    // Even if the future itself is kept.
    let _held = open(&upgrader, "a").expect("a place");
    drop(conn);
}

#[tokio::test]
async fn place_is_held_until_the_transport_is_dropped() {
    let (send, mut conns) = mpsc::unbounded_channel();
    let service = Upgrader::new().limit(ConnectionLimit::new().total(1)).service(
        move |conn: Conn<Upgraded>| async move {
            send.send(conn).ok();
        },
    );
    let (head, _client) = open_in_memory(service.clone()).await;
    assert_eq!(head.status, 101);
    let conn = conns.recv().await.expect("a connection");
    assert_eq!(open_in_memory(service.clone()).await.0.status, 503);
    let parts = conn.into_parts();
    assert_eq!(open_in_memory(service.clone()).await.0.status, 503);
    drop(parts);
    assert_eq!(open_in_memory(service).await.0.status, 101);
}

/// Over sockets, at once, and from several threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_arrive_together_never_exceed_the_limit() {
    let (send, mut conns) = mpsc::unbounded_channel();
    let service = Upgrader::new().limit(ConnectionLimit::new().total(7)).service(
        move |conn: Conn<Upgraded>| async move {
            send.send(conn).ok();
        },
    );
    let addr = support::serve_hyper(service).await;
    let clients = (0..40).map(|_| tokio::spawn(async move { Raw::open(addr, &Handshake::new("/")).await }));
    let mut statuses = Vec::new();
    let mut open = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        let (raw, head) = within(client).await.expect("no panic");
        statuses.push(head.status);
        open.push(raw);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 101).count(), 7);
    assert_eq!(statuses.iter().filter(|status| **status == 503).count(), 33);
    for _ in 0..7 {
        within(conns.recv()).await.expect("a connection");
    }
}

#[test]
fn race_of_many_threads_never_exceeds_a_limit() {
    const THREADS: usize = 8;
    const MAX: usize = 3;
    let upgrader = Upgrader::new().limit(per_user(MAX).total(MAX + 1));
    let (open_now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                for _ in 0..500 {
                    if let Ok(held) = open(&upgrader, "a") {
                        most.fetch_max(open_now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        open_now.fetch_sub(1, Ordering::SeqCst);
                        drop(held);
                    }
                }
            });
        }
    });
    assert!(most.into_inner() <= MAX);
    let held: Vec<_> = (0..MAX).map(|_| open(&upgrader, "a").expect("all places are free again")).collect();
    drop(held);
}
