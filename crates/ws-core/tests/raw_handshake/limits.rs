//! How much a request may have: 16 KiB, 100 fields, 8 KiB a line.

use ws_core::{
    handshake::Refusal,
    raw::handshake::{UpgradeError, Upgrader},
};

use super::support::{Request, refused, serve};

async fn check(name: &str, input: &[u8], expected: Option<Refusal>) {
    match expected {
        None => {
            let (result, _) = serve(&Upgrader::new(), input).await;
            assert!(result.is_ok(), "{name}: {result:?}");
        }
        Some(expected) => {
            let (error, response) = refused(&Upgrader::new(), input).await;
            assert!(
                matches!(error, UpgradeError::Refused(refusal) if refusal == expected),
                "{name}: {error}"
            );
            response.assert_refusal();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn target_of_8_kib_is_the_longest() {
    for (length, expected) in
        [(8192, None), (8193, Some(Refusal::TargetTooLong)), (1 << 20, Some(Refusal::TargetTooLong))]
    {
        let line = format!("GET /{} HTTP/1.1", "a".repeat(length - 1));
        check(&length.to_string(), &Request::new().line(&line).bytes(), expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn line_of_8_kib_is_the_longest() {
    for (length, expected) in
        [(8192, None), (8193, Some(Refusal::HeadTooLarge)), (1 << 20, Some(Refusal::HeadTooLarge))]
    {
        // The name, the colon and the space, the end of the line.
        let request = Request::new().and("X", "a".repeat(length - 5));
        check(&length.to_string(), &request.bytes(), expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn head_of_16_kib_is_the_largest() {
    for (length, expected) in [(16 << 10, None), ((16 << 10) + 1, Some(Refusal::HeadTooLarge))] {
        let request = Request::new().and("A", "a".repeat(8100));
        let rest = length - request.bytes().len() - 5;
        let request = request.and("B", "b".repeat(rest));
        assert_eq!(request.bytes().len(), length);
        check(&length.to_string(), &request.bytes(), expected).await;
        // What follows the head does not count.
        check(&length.to_string(), &[request.bytes(), vec![0x82; 40_000]].concat(), expected).await;
    }
}

// Shows HS-2.
#[tokio::test(start_paused = true)]
async fn a_hundred_fields_are_the_most() {
    for (count, expected) in
        [(0, None), (59, None), (95, None), (96, Some(())), (2000, Some(())), (100_000, Some(()))]
    {
        let request = (0..count).fold(Request::new(), |request, _| request.and("a", "b"));
        check(&count.to_string(), &request.bytes(), expected.map(|()| Refusal::HeadTooLarge)).await;
    }
}

/// Counts what a server reads.
// Shows HS-1.
#[tokio::test(start_paused = true)]
async fn no_more_is_read_than_it_takes_to_refuse() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    for (name, input) in [
        ("line", [b"GET / HTTP/1.1\r\nX: ".to_vec(), vec![b'a'; 1 << 20]].concat()),
        ("target", [b"GET /".to_vec(), vec![b'a'; 1 << 20]].concat()),
        ("no lines", vec![b'a'; 1 << 20]),
        ("body", [Request::new().and("Content-Length", "1000000000").bytes(), vec![b'a'; 1 << 20]].concat()),
        (
            "chunks",
            [Request::new().and("Transfer-Encoding", "chunked").bytes(), b"1\r\na\r\n".repeat(1 << 17)]
                .concat(),
        ),
    ] {
        let (mut near, mut far) = duplex(2 << 20);
        far.write_all(&input).await.unwrap();
        let error = Upgrader::new().upgrade(&mut near).await.unwrap_err();
        drop(far);
        let mut left = Vec::new();
        near.read_to_end(&mut left).await.unwrap();
        let read = input.len() - left.len();
        assert!(read <= 64 << 10, "{name}: {read} bytes were read, then {error}");
    }
}

// Shows HS-1.
#[tokio::test(start_paused = true)]
async fn head_near_every_limit_may_arrive_byte_by_byte() {
    use tokio::io::{AsyncWriteExt, duplex};

    let fields = (0..93).fold(Request::new(), |request, _| request.and("c", "d"));
    let bytes = fields.and("A", "a".repeat(8000)).and("B", "b".repeat(7000)).bytes();
    let (mut near, mut far) = duplex(1);
    let client = async {
        far.write_all(&bytes).await.unwrap();
        super::support::read_head(&mut far).await
    };
    let upgrader = Upgrader::new();
    let (result, head) = tokio::join!(upgrader.upgrade(&mut near), client);
    assert!(result.is_ok() && head.starts_with("HTTP/1.1 101"));
}
