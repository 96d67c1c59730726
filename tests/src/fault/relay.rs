//! One connection through the proxy.

use std::{
    io,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    time::{sleep, timeout},
};

use super::plan::{Direction, Fault, Lane, Plan};

/// What passed over a connection that is over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Its number, from 0 on.
    pub connection: u64,
    /// Bytes that passed to the server and to the client.
    pub passed: [u64; 2],
    /// These bytes, up to 64 KiB each, if the plan asks for them.
    pub bytes: [Vec<u8>; 2],
    /// The fault that has come, if one did.
    pub fault: Option<Fault>,
}

/// Passes bytes on, both ways, until both directions have ended or the plan says how the connection does.
pub(super) async fn relay(
    connection: u64,
    plan: &Plan,
    mut client: TcpStream,
    mut server: TcpStream,
) -> Report {
    let mut report = Report { connection, passed: [0; 2], bytes: Default::default(), fault: None };
    // A socket that is not written to at once would hold back the end of a short conversation.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let end = both_ways(plan, &mut client, &mut server, &mut report).await;
    match end {
        End::Closed => {}
        End::Reset => {
            let _ = (client.set_zero_linger(), server.set_zero_linger());
        }
        End::Cut => cut(&mut client, &mut server).await,
    }
    report
}

/// How a connection ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Both directions had a FIN.
    Closed,
    Cut,
    Reset,
}

async fn both_ways(plan: &Plan, client: &mut TcpStream, server: &mut TcpStream, report: &mut Report) -> End {
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let [passed_up, passed_down] = &mut report.passed;
    let [bytes_up, bytes_down] = &mut report.bytes;
    let pass = |direction, from, to, passed, bytes| Pass {
        lane: plan.of(direction),
        from,
        to,
        passed,
        bytes: plan.records().then_some(bytes),
    };
    let up = pass(Direction::ToServer, from_client, to_server, passed_up, bytes_up);
    let down = pass(Direction::ToClient, from_server, to_client, passed_down, bytes_down);
    let (mut up, mut down) = (pin!(up.run()), pin!(down.run()));
    let mut ended = [false; 2];
    let fault = &mut report.fault;
    std::future::poll_fn(|cx| {
        let directions: [Pin<&mut dyn Future<Output = Stop>>; 2] = [up.as_mut(), down.as_mut()];
        for (direction, ended) in directions.into_iter().zip(&mut ended) {
            if *ended {
                continue;
            }
            match direction.poll(cx) {
                Poll::Pending => {}
                Poll::Ready(Stop { fault: came, end }) => {
                    *fault = fault.or(came);
                    match end {
                        End::Closed => *ended = true,
                        End::Cut | End::Reset => return Poll::Ready(end),
                    }
                }
            }
        }
        if ended == [true; 2] { Poll::Ready(End::Closed) } else { Poll::Pending }
    })
    .await
}

/// How one direction stops, and whether that was a fault.
struct Stop {
    fault: Option<Fault>,
    end: End,
}

/// One direction.
struct Pass<'a> {
    lane: Lane,
    from: ReadHalf<'a>,
    to: WriteHalf<'a>,
    passed: &'a mut u64,
    bytes: Option<&'a mut Vec<u8>>,
}

impl Pass<'_> {
    async fn run(mut self) -> Stop {
        let Ok(fault) = self.pass().await else {
            // One end was reset: so is the other.
            return Stop { fault: None, end: End::Reset };
        };
        let end = match fault {
            Some(Fault::Cut) => End::Cut,
            Some(Fault::Reset) => End::Reset,
            Some(Fault::Stall) => std::future::pending().await,
            Some(Fault::HalfClose) => {
                let _ = self.to.shutdown().await;
                // An end that still sends is not to wait for anybody.
                drain(&mut self.from).await;
                End::Closed
            }
            None => {
                let _ = self.to.shutdown().await;
                End::Closed
            }
        };
        Stop { fault, end }
    }

    /// Passes bytes on until the end of the stream, or the fault that comes before.
    async fn pass(&mut self) -> io::Result<Option<Fault>> {
        let mut buffer = vec![0; BUFFER.min(self.lane.piece)];
        loop {
            let mut room = buffer.len();
            if let Some((offset, fault)) = self.lane.fault {
                let left = offset - *self.passed;
                if left == 0 {
                    return Ok(Some(fault));
                }
                room = room.min(usize::try_from(left).unwrap_or(usize::MAX));
            }
            let count = self.from.read(&mut buffer[..room]).await?;
            if count == 0 {
                return Ok(None);
            }
            if !self.lane.delay.is_zero() {
                sleep(self.lane.delay).await;
            }
            self.to.write_all(&buffer[..count]).await?;
            *self.passed += count as u64;
            if let Some(bytes) = &mut self.bytes {
                bytes.extend_from_slice(&buffer[..count.min(RECORD - bytes.len())]);
            }
            if let Some(rate) = self.lane.rate {
                sleep(Duration::from_secs(1) * count as u32 / rate.get()).await;
            }
        }
    }
}

/// Ends both directions with a FIN. A socket that is closed over bytes it has not read sends an RST instead, so these are read.
async fn cut(client: &mut TcpStream, server: &mut TcpStream) {
    let _ = (client.shutdown().await, server.shutdown().await);
    let (mut client, _) = client.split();
    let (mut server, _) = server.split();
    let drained = async { tokio::join!(drain(&mut client), drain(&mut server)) };
    let _ = timeout(LINGER, drained).await;
}

async fn drain(from: &mut ReadHalf<'_>) {
    let mut buffer = [0; 1024];
    while from.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
}

const BUFFER: usize = 16 << 10;
const RECORD: usize = 64 << 10;
/// How long an end may take to close a connection that has been cut.
const LINGER: Duration = Duration::from_secs(10);
