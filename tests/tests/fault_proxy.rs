//! The proxy that does harm does the harm that it is told to, and no other.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};
use ws_tests::{
    fault::{Direction, Fault, FaultProxy, Lane, Plan},
    serve::pattern,
};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Both ends of a connection through the proxy.
async fn through(plan: Plan) -> Result<(FaultProxy, TcpStream, TcpStream)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let proxy = FaultProxy::start(listener.local_addr()?, move |_| plan).await?;
    let client = TcpStream::connect(proxy.addr()).await?;
    let (server, _) = timeout(PATIENCE, listener.accept()).await??;
    Ok((proxy, client, server))
}

/// Everything up to the end, and how that came.
async fn rest(stream: &mut TcpStream) -> Result<(Vec<u8>, std::result::Result<(), io::ErrorKind>)> {
    let mut bytes = Vec::new();
    let end = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await?;
    Ok((bytes, end.map(drop).map_err(|error| error.kind())))
}

#[tokio::test]
async fn nothing_happens_by_default() -> Result {
    let (mut proxy, mut client, mut server) = through(Plan::new().record(true)).await?;
    client.write_all(b"question").await?;
    client.shutdown().await?;
    assert_eq!(rest(&mut server).await?, (b"question".to_vec(), Ok(())));
    server.write_all(b"answer").await?;
    drop(server);
    assert_eq!(rest(&mut client).await?, (b"answer".to_vec(), Ok(())));
    let report = timeout(PATIENCE, proxy.report()).await?.ok_or("no report")?;
    assert_eq!((report.connection, report.passed, report.fault), (0, [8, 6], None));
    assert_eq!(report.bytes, [b"question".to_vec(), b"answer".to_vec()]);
    Ok(())
}

#[tokio::test]
async fn large_streams_pass_unchanged_in_pieces_of_any_size() -> Result {
    for piece in [7, 1000, usize::MAX] {
        let lane = Lane::new().piece(piece);
        let plan = Plan::new().lane(Direction::ToServer, lane).lane(Direction::ToClient, lane);
        let (_proxy, mut client, server) = through(plan).await?;
        let sent = pattern(if piece < 10 { 20_000 } else { 1 << 20 });
        let (mut read, mut write) = server.into_split();
        let echo = tokio::spawn(async move { tokio::io::copy(&mut read, &mut write).await });
        let (mut reads, mut writes) = client.split();
        let mut received = vec![0; sent.len()];
        let (wrote, read) = timeout(PATIENCE, async {
            tokio::join!(writes.write_all(&sent), reads.read_exact(&mut received))
        })
        .await?;
        wrote?;
        read?;
        assert!(received == sent, "in pieces of {piece}");
        drop(client);
        timeout(PATIENCE, echo).await???;
    }
    Ok(())
}

#[tokio::test]
async fn cut_lets_exactly_so_many_bytes_pass_and_ends_both_ends_with_fin() -> Result {
    for offset in 0..=5 {
        for direction in Direction::ALL {
            let (mut proxy, client, server) =
                through(Plan::fault(direction, offset as u64, Fault::Cut)).await?;
            let (mut from, mut to) = match direction {
                Direction::ToServer => (client, server),
                Direction::ToClient => (server, client),
            };
            // It may be over before.
            let _ = from.write_all(b"12345").await;
            assert_eq!(rest(&mut to).await?, (b"12345"[..offset].to_vec(), Ok(())), "{direction:?} {offset}");
            assert_eq!(rest(&mut from).await?, (Vec::new(), Ok(())), "{direction:?} {offset}");
            drop((from, to));
            let report = timeout(PATIENCE, proxy.report()).await?.ok_or("no report")?;
            assert_eq!(report.passed[direction as usize], offset as u64);
            assert_eq!(report.fault, Some(Fault::Cut));
        }
    }
    Ok(())
}

#[tokio::test]
async fn reset_is_seen_as_one_by_both_ends() -> Result {
    for offset in [0, 3] {
        let (_proxy, mut client, mut server) =
            through(Plan::fault(Direction::ToServer, offset, Fault::Reset)).await?;
        let _ = client.write_all(b"12345").await;
        let (received, end) = rest(&mut server).await?;
        assert_eq!(end, Err(io::ErrorKind::ConnectionReset));
        assert!(b"123".starts_with(&received[..]), "{received:?}");
        assert_eq!(rest(&mut client).await?.1, Err(io::ErrorKind::ConnectionReset));
    }
    Ok(())
}

#[tokio::test]
async fn reset_of_one_end_is_passed_on() -> Result {
    let (_proxy, client, mut server) = through(Plan::new()).await?;
    client.set_zero_linger()?;
    drop(client);
    assert_eq!(rest(&mut server).await?.1, Err(io::ErrorKind::ConnectionReset));
    Ok(())
}

#[tokio::test]
async fn half_close_leaves_the_other_direction_open() -> Result {
    let (_proxy, mut client, mut server) =
        through(Plan::fault(Direction::ToServer, 3, Fault::HalfClose)).await?;
    client.write_all(b"12345").await?;
    assert_eq!(rest(&mut server).await?, (b"123".to_vec(), Ok(())));
    server.write_all(b"still there").await?;
    drop(server);
    assert_eq!(rest(&mut client).await?, (b"still there".to_vec(), Ok(())));
    Ok(())
}

#[tokio::test]
async fn stall_is_silence_in_one_direction() -> Result {
    let (_proxy, mut client, mut server) = through(Plan::fault(Direction::ToServer, 3, Fault::Stall)).await?;
    client.write_all(b"12345").await?;
    let mut bytes = [0; 3];
    timeout(PATIENCE, server.read_exact(&mut bytes)).await??;
    assert_eq!(&bytes, b"123");
    // A while is enough to see bytes that pass; nothing tells that there are none.
    assert!(timeout(Duration::from_millis(200), server.read_u8()).await.is_err());
    server.write_all(b"back").await?;
    let mut bytes = [0; 4];
    timeout(PATIENCE, client.read_exact(&mut bytes)).await??;
    assert_eq!(&bytes, b"back");
    Ok(())
}

#[tokio::test]
async fn delay_and_rate_take_their_time() -> Result {
    let lane = Lane::new().delay(Duration::from_millis(50)).piece(5).rate(100);
    let (_proxy, mut client, mut server) = through(Plan::new().lane(Direction::ToServer, lane)).await?;
    let start = Instant::now();
    client.write_all(b"1234567890").await?;
    client.shutdown().await?;
    assert_eq!(rest(&mut server).await?, (b"1234567890".to_vec(), Ok(())));
    // Two pieces, each with a delay, and half a tenth of a second for its bytes.
    assert!(start.elapsed() >= Duration::from_millis(190), "{:?}", start.elapsed());
    Ok(())
}

#[tokio::test]
async fn connections_have_plans_of_their_own_and_end_with_the_proxy() -> Result {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let proxy = FaultProxy::start(listener.local_addr()?, |connection| match connection % 2 {
        0 => Plan::new(),
        _ => Plan::fault(Direction::ToServer, 0, Fault::Reset),
    })
    .await?;
    let mut kept = Vec::new();
    for number in 0..40 {
        let mut client = TcpStream::connect(proxy.addr()).await?;
        let (mut server, _) = timeout(PATIENCE, listener.accept()).await??;
        if number % 2 == 1 {
            assert_eq!(rest(&mut client).await?.1, Err(io::ErrorKind::ConnectionReset), "{number}");
            continue;
        }
        client.write_all(b"x").await?;
        assert_eq!(timeout(PATIENCE, server.read_u8()).await??, b'x');
        kept.push((client, server));
    }
    drop(proxy);
    for (mut client, mut server) in kept {
        let _ = (rest(&mut client).await?, rest(&mut server).await?);
    }
    Ok(())
}

#[tokio::test]
async fn connection_does_not_outlive_its_bound() -> Result {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let near = TcpListener::bind(("127.0.0.1", 0)).await?;
    let proxy = FaultProxy::on(near, listener.local_addr()?, Duration::from_millis(100), |_| Plan::new())?;
    let mut client = TcpStream::connect(proxy.addr()).await?;
    let _server = timeout(PATIENCE, listener.accept()).await??;
    let _ = rest(&mut client).await?;
    Ok(())
}

#[test]
fn random_plans_are_the_same_for_the_same_numbers_and_differ_otherwise() {
    let plan = |seed, connection| format!("{:?}", Plan::random(seed, connection, 1000));
    let plans: std::collections::BTreeSet<_> =
        (0..10).flat_map(|seed| (0..100).map(move |connection| plan(seed, connection))).collect();
    assert!(plans.len() > 990, "{}", plans.len());
    assert_eq!(plan(7, 3), plan(7, 3));
}

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
