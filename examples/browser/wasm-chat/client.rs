//! The chat over a connection that comes back.

use std::{cell::RefCell, error::Error, rc::Rc, time::Duration};

use futures_util::future::{Either, select};
use ws_wasm::{
    Dialer, Message, WebSocket,
    reconnect::{Backoff, Cause, Event, Outbox, Retry},
};

use crate::{
    chat::{Change, Chat},
    hub::{Ask, Line, Told},
    page,
};

type Shared = Rc<RefCell<Chat>>;

/// Asks for a name, and goes in.
pub(crate) fn start() {
    page::on_join(|name| {
        wasm_bindgen_futures::spawn_local(async move {
            if let Err(error) = talk(&name).await {
                page::set_status(&error.to_string());
            }
        });
    });
}

async fn talk(name: &str) -> Result<(), Box<dyn Error>> {
    let chat = Shared::default();
    let token = format!("{} {name}", page::key());
    let signs_in = (Rc::clone(&chat), token);
    let mut client = Dialer::new()
        .max_message_size(1 << 20)
        .reconnecting(page::server())?
        .setup(move |socket| sign_in(socket, signs_in.clone()))
        .backoff(Backoff::new().max(Duration::from_secs(10)))
        // As the server pings, pages do not see; what they see is the answer to `ping` below.
        .idle_timeout(IDLE)
        .retry(|cause| comes_back(cause).unwrap_or_else(|| cause.default_retry()));
    let outbox = client.outbox();
    let (said, says) = (Rc::clone(&chat), outbox.clone());
    page::on_say(move |text| {
        let line = Line { id: page::random(), text };
        page::show_own(&line);
        let frame = said.borrow_mut().say(line);
        // Without a connection it is said when there is one.
        let _ = says.try_send_now(frame);
        tell_waiting(&said);
    });
    page::set_status("Connecting");
    loop {
        let beat = std::pin::pin!(ws_wasm::sleep(IDLE / 3));
        let event = match select(std::pin::pin!(client.next()), beat).await {
            Either::Left((Some(event), _)) => event,
            Either::Left((None, _)) => return Ok(()),
            Either::Right(_) => {
                let _ = outbox.try_send_now(Ask::Ping.to_json());
                continue;
            }
        };
        match event {
            Event::Up { .. } => {
                page::set_status("Connected");
                let frames = chat.borrow_mut().say_again();
                frames.into_iter().for_each(|frame| drop(outbox.try_send_now(frame)));
            }
            Event::Message(Message::Text(text)) => show(&chat, &text, &outbox),
            Event::Down { cause, retry_in, .. } | Event::Failed { cause, retry_in, .. } => {
                page::set_status(&match retry_in {
                    Some(wait) => format!("Again in {} s", wait.as_secs() + 1),
                    None => format!("Closed: {cause}"),
                });
            }
            _ => {}
        }
        tell_waiting(&chat);
    }
}

/// Says who this is and where to go on, before anything else.
async fn sign_in(
    mut socket: WebSocket,
    (chat, token): (Shared, String),
) -> Result<WebSocket, Box<dyn Error + Send + Sync>> {
    let (auth, frame) = chat.borrow_mut().auth(&token);
    socket.write_message(frame).await?;
    loop {
        let message = socket.read_message().await?.ok_or("the server closed")?;
        match serde_json::from_str(message.to_text()?)? {
            Told::Ok { id, user } if id == Some(auth) => {
                chat.borrow_mut().signed_in(user);
                break;
            }
            Told::Error { message, .. } => return Err(message.into()),
            _ => {}
        }
    }
    let join = chat.borrow_mut().join();
    socket.write_message(join).await?;
    Ok(socket)
}

/// A server that is drained says when to come back.
fn comes_back(cause: &Cause) -> Option<Retry> {
    let Cause::Closed(Some(frame)) = cause else { return None };
    let milliseconds = frame.reason.strip_prefix("reconnect-after=")?.parse().ok()?;
    Some(Retry::After(Duration::from_millis(milliseconds)))
}

fn show(chat: &Shared, text: &str, outbox: &Outbox) {
    // What is not understood comes from a newer server.
    let Ok(frame) = serde_json::from_str::<Told>(text) else { return };
    let mut chat = chat.borrow_mut();
    let (change, reply) = chat.told(frame);
    if let Some(reply) = reply {
        let _ = outbox.try_send_now(reply);
    }
    match change {
        Some(Change::Line { line, who }) => page::show(&line, &who, chat.is_me(&who)),
        Some(Change::Refused { id, why }) => page::refuse(&id, &why),
        Some(Change::Gap) => page::clear(),
        Some(Change::Members) => page::set_members(chat.members()),
        None => {}
    }
}

fn tell_waiting(chat: &Shared) {
    page::set_waiting(chat.borrow().unconfirmed());
}

/// Twice the beat of the server, and some more.
const IDLE: Duration = Duration::from_secs(45);
