//! What a refusal says on the wire.

use http::{
    StatusCode,
    header::{ALLOW, CONNECTION, SEC_WEBSOCKET_VERSION, UPGRADE},
};

use super::headers;
use crate::handshake::{Refusal, has_token};

const ALL: [Refusal; 20] = [
    Refusal::ConnectionToken,
    Refusal::UpgradeToken,
    Refusal::MethodNotGet,
    Refusal::MethodNotConnect,
    Refusal::ProtocolNotWebSocket,
    Refusal::Http1Field,
    Refusal::VersionMissing,
    Refusal::VersionUnsupported,
    Refusal::HttpVersion,
    Refusal::TargetTooLong,
    Refusal::HeadTooLarge,
    Refusal::Host,
    Refusal::Body,
    Refusal::SubprotocolMalformed,
    Refusal::ExtensionMalformed,
    Refusal::OriginNotAllowed,
    Refusal::KeyMissing,
    Refusal::KeyRepeated,
    Refusal::KeyInvalid,
    Refusal::NotUpgradable,
];

#[test]
fn status_of_each_refusal() {
    for refusal in ALL {
        let expected = match refusal {
            Refusal::MethodNotConnect | Refusal::MethodNotGet => 405,
            Refusal::ProtocolNotWebSocket => 501,
            Refusal::UpgradeToken | Refusal::VersionUnsupported => 426,
            Refusal::OriginNotAllowed => 403,
            Refusal::TargetTooLong => 414,
            Refusal::HeadTooLarge => 431,
            Refusal::NotUpgradable => 500,
            _ => 400,
        };
        assert_eq!(refusal.status(), expected, "{refusal:?}");
    }
}

#[test]
fn refusals_end_the_connection_and_name_no_header_twice() {
    for refusal in ALL {
        let answer = headers(refusal.headers());
        assert!(has_token(&answer, &CONNECTION, "close"), "{refusal:?}");
        assert_eq!(answer.len(), answer.keys_len(), "{refusal:?}");
    }
}

#[test]
fn only_426_asks_for_an_upgrade_with_both_headers() {
    for refusal in ALL {
        let answer = headers(refusal.headers());
        let asks = refusal.status() == 426;
        assert_eq!(has_token(&answer, &CONNECTION, "upgrade"), asks, "{refusal:?}");
        assert_eq!(has_token(&answer, &UPGRADE, "websocket"), asks, "{refusal:?}");
    }
}

#[test]
fn version_is_named_when_the_version_is_wrong_and_the_method_when_the_method_is() {
    for refusal in ALL {
        let answer = headers(refusal.headers());
        let version = matches!(refusal, Refusal::VersionMissing | Refusal::VersionUnsupported);
        assert_eq!(
            answer.get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13"),
            version,
            "{refusal:?}"
        );
        assert_eq!(
            answer.get(ALLOW).is_some_and(|allow| allow == "GET"),
            refusal == Refusal::MethodNotGet,
            "{refusal:?}"
        );
    }
}

#[test]
fn answers_over_http2_have_no_fields_of_http1() {
    for refusal in ALL {
        let answer = headers(refusal.connect_headers());
        let expected = match refusal {
            Refusal::VersionMissing | Refusal::VersionUnsupported => headers([(SEC_WEBSOCKET_VERSION, "13")]),
            Refusal::MethodNotConnect => headers([(ALLOW, "CONNECT")]),
            _ => headers::<&str>([]),
        };
        assert_eq!(answer, expected, "{refusal:?}");
        let status = if refusal.status() == 426 { StatusCode::BAD_REQUEST } else { refusal.status() };
        assert_eq!(refusal.connect_status(), status, "{refusal:?}");
    }
}

#[test]
fn reasons_differ_and_are_what_is_displayed() {
    for (index, refusal) in ALL.into_iter().enumerate() {
        assert_eq!(refusal.to_string(), refusal.reason());
        assert!(ALL[..index].iter().all(|other| other.reason() != refusal.reason()), "{refusal:?}");
    }
}
