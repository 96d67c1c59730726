//! Which subprotocol is chosen, and by whom, in process: no sockets.

mod support;

use http::{HeaderValue, Request, Response, header};
use ws_tower::{
    OfferedSubprotocol, ResponseBody, SubprotocolOrder, Upgrader, rejection::WebSocketUpgradeRejection,
    requested_subprotocols,
};

fn request(offer: &[&str]) -> Request<()> {
    let mut request = Request::get("/chat")
        .header("host", "server.example")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", support::KEY)
        .extension(hyper::upgrade::on(Request::new(())));
    for line in offer {
        request = request.header("sec-websocket-protocol", *line);
    }
    request.body(()).expect("a request")
}

fn chosen(upgrader: &Upgrader, offer: &[&str]) -> Option<String> {
    let accepted = upgrader.upgrade(&mut request(offer)).expect("accepted");
    let names: Vec<_> = accepted.response.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().collect();
    assert!(names.len() <= 1, "{names:?}");
    names.first().map(|name| name.to_str().expect("a token").to_owned())
}

#[test]
fn first_of_the_clients_or_the_first_of_the_servers() {
    let client = Upgrader::new().subprotocols(["v1", "v2"]);
    let server = client.clone().subprotocol_order(SubprotocolOrder::Server);
    for (offer, by_client, by_server) in [
        (&["v3, v2, v1"][..], Some("v2"), Some("v1")),
        (&["v2", "v1"], Some("v2"), Some("v1")),
        (&["v2"], Some("v2"), Some("v2")),
        (&["V1", "v10"], None, None),
        (&[], None, None),
    ] {
        assert_eq!(chosen(&client, offer).as_deref(), by_client, "{offer:?}");
        assert_eq!(chosen(&server, offer).as_deref(), by_server, "{offer:?}");
    }
    let back = server.subprotocol_order(SubprotocolOrder::default());
    assert_eq!(chosen(&back, &["v2, v1"]).as_deref(), Some("v2"));
}

#[test]
fn function_chooses_one_of_the_offer_and_sees_the_request() {
    let upgrader = Upgrader::new().subprotocols(["ignored"]).choose_subprotocol(|request, offered| {
        assert_eq!(request.uri.path(), "/chat");
        offered.filter(|name| name.as_str().starts_with("v")).max()
    });
    assert_eq!(chosen(&upgrader, &["v1, v3, ignored", "v2"]).as_deref(), Some("v3"));
    assert_eq!(chosen(&upgrader, &["ignored"]), None);
    assert_eq!(chosen(&upgrader, &[]), None);
}

#[test]
fn offer_is_given_in_the_clients_order() {
    let (send, receive) = std::sync::mpsc::channel();
    let upgrader = Upgrader::new().choose_subprotocol(move |_, offered| {
        send.send(offered.map(|name| name.to_string()).collect::<Vec<_>>()).expect("the test waits");
        None
    });
    assert_eq!(chosen(&upgrader, &["b, a", "c"]), None);
    assert_eq!(receive.recv().expect("the offer"), ["b", "a", "c"]);
    let request = request(&["b, a", "c"]);
    assert_eq!(requested_subprotocols(request.headers()).collect::<Vec<_>>(), ["b", "a", "c"]);
}

#[test]
fn client_without_a_common_subprotocol_is_refused_on_request() {
    let required = Upgrader::new().subprotocols(["v1"]).require_subprotocol(true);
    assert_eq!(chosen(&required, &["v2, v1"]).as_deref(), Some("v1"));
    for offer in [&[][..], &["v2"], &["V1"]] {
        let rejection = required.upgrade(&mut request(offer)).expect_err("refused");
        assert!(matches!(rejection, WebSocketUpgradeRejection::SubprotocolRequired(_)), "{rejection}");
        let response = Response::<ResponseBody>::from(rejection);
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()[header::CONNECTION], "close");
        assert!(!response.headers().contains_key(header::SEC_WEBSOCKET_PROTOCOL));
    }
    assert_eq!(chosen(&required.require_subprotocol(false), &["v2"]), None);
    // A function that chooses none is no different.
    let none = Upgrader::new().choose_subprotocol(|_, _| None).require_subprotocol(true);
    assert!(none.upgrade(&mut request(&["v1"])).is_err());
}

/// A refused request must not lose its upgrade: another service may want it.
#[test]
fn refused_for_its_subprotocol_a_request_is_left_as_it_was() {
    let mut request = request(&["v2"]);
    Upgrader::new().require_subprotocol(true).upgrade(&mut request).expect_err("refused");
    assert!(request.extensions().get::<hyper::upgrade::OnUpgrade>().is_some());
}

#[test]
fn name_that_is_offered_compares_and_prints_as_its_text() {
    let upgrader = Upgrader::new().choose_subprotocol(|_, mut offered| {
        let name: OfferedSubprotocol<'_> = offered.next()?;
        assert!(name == "v1" && name == *"v1" && name.as_str() == "v1");
        assert_eq!(format!("{name:>4}"), "  v1");
        Some(name)
    });
    assert_eq!(chosen(&upgrader, &["v1"]).as_deref(), Some("v1"));
}

#[test]
fn header_of_the_application_cannot_name_another() {
    let forged = HeaderValue::from_static("v9");
    let accepted = Upgrader::new()
        .subprotocols(["v1"])
        .upgrade(&mut request(&["v1"]))
        .expect("accepted")
        .response_header(header::SEC_WEBSOCKET_PROTOCOL, forged);
    assert_eq!(accepted.response.headers()[header::SEC_WEBSOCKET_PROTOCOL], "v1");
}
