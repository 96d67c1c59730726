//! The client that talks to Autobahn's fuzzing server: asks for every case and echoes what it gets.

use ws_client::{Config, Conn, Dialer, Message, Transport};
use ws_core::DeflateConfig;
use ws_tests::echo::Style;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Autobahn's largest messages have 16 MiB.
const MAX_MESSAGE_SIZE: u64 = 64 << 20;

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let ["--url", url, "--agent", agent, "--style", style] =
        args.iter().map(String::as_str).collect::<Vec<_>>()[..]
    else {
        return Err("usage: autobahn-client --url ws://HOST:PORT --agent NAME --style STYLE".into());
    };
    let style: Style = style.parse()?;
    let dialer = Dialer::new()
        .config(Config::new().max_message_size(MAX_MESSAGE_SIZE))
        // Accepted in the cases of sections 12 and 13 only. The shortest messages are compressed, too.
        .compression(DeflateConfig::new().threshold(0));
    let suite = Suite { dialer, url };
    for case in 1..=suite.case_count().await? {
        let conn = suite.open(&format!("/runCase?case={case}&agent={agent}")).await?;
        let _ended = style.echo(conn).await;
    }
    let conn = suite.open(&format!("/updateReports?agent={agent}")).await?;
    // The report is written when the connection ends.
    let _ended = style.echo(conn).await;
    Ok(())
}

/// The fuzzing server.
struct Suite<'a> {
    dialer: Dialer,
    url: &'a str,
}

impl Suite<'_> {
    async fn open(&self, path: &str) -> Result<Conn<Transport>> {
        let (conn, _response) = self.dialer.dial(format!("{}{path}", self.url).as_str()).await?;
        Ok(conn)
    }

    async fn case_count(&self) -> Result<u32> {
        let mut conn = self.open("/getCaseCount").await?;
        match conn.read_message().await? {
            Some(Message::Text(count)) => Ok(count.parse()?),
            other => Err(format!("{other:?} is no number of cases").into()),
        }
    }
}
