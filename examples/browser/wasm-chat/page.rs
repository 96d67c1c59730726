//! What is seen. Names and lines are other people's text: only ever text, so that nobody can send markup.

use wasm_bindgen::{JsCast as _, prelude::*};
use web_sys::{Document, Element, Event, HtmlElement, HtmlInputElement, Window};

use crate::hub::Line;

fn window() -> Window {
    web_sys::window().expect("this is a page")
}

fn document() -> Document {
    window().document().expect("a page has a document")
}

/// An element of index.html.
fn element<T: JsCast>(id: &str) -> T {
    document()
        .get_element_by_id(id)
        .and_then(|element| element.dyn_into().ok())
        .expect("it stands in index.html")
}

/// Where the chat is: beside this page.
pub(crate) fn server() -> String {
    let location = window().location();
    let scheme = if location.protocol().as_deref() == Ok("https:") { "wss" } else { "ws" };
    format!("{scheme}://{}/ws", location.host().unwrap_or_default())
}

/// 128 random bits.
pub(crate) fn random() -> String {
    let mut bytes = [0; 16];
    let filled = window().crypto().and_then(|crypto| crypto.get_random_values_with_u8_array(&mut bytes));
    filled.expect("a page has random numbers");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Who has this key is the same as before, whatever the name.
pub(crate) fn key() -> String {
    // Private windows may refuse to store anything.
    let storage = window().local_storage().ok().flatten();
    let stored = storage.as_ref().and_then(|storage| storage.get_item("chat-key").ok().flatten());
    stored.unwrap_or_else(|| {
        let key = random();
        let _ = storage.map(|storage| storage.set_item("chat-key", &key));
        key
    })
}

/// Calls this with the name that somebody chose.
pub(crate) fn on_join(join: impl Fn(String) + 'static) {
    on_submit("door", "name", move |name| {
        element::<HtmlElement>("door").set_hidden(true);
        element::<HtmlElement>("chat").set_hidden(false);
        let _ = element::<HtmlElement>("text").focus();
        join(name);
    });
}

/// Calls this with every line that is written here.
pub(crate) fn on_say(say: impl Fn(String) + 'static) {
    on_submit("say", "text", move |text| {
        element::<HtmlInputElement>("text").set_value("");
        say(text);
    });
}

/// Handlers of forms stay as long as the page.
fn on_submit(form: &str, field: &str, submit: impl Fn(String) + 'static) {
    let field: HtmlInputElement = element(field);
    let handler = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
        event.prevent_default();
        let value = field.value().trim().to_owned();
        if !value.is_empty() {
            submit(value);
        }
    });
    let handler = handler.into_js_value();
    let _ = element::<Element>(form).add_event_listener_with_callback("submit", handler.unchecked_ref());
}

pub(crate) fn set_status(status: &str) {
    element::<Element>("status").set_text_content(Some(status));
}

pub(crate) fn set_waiting(lines: usize) {
    let text = if lines == 0 { String::new() } else { format!("{lines} to send") };
    element::<Element>("waiting").set_text_content(Some(&text));
}

pub(crate) fn set_members<'a>(members: impl Iterator<Item = &'a str>) {
    let list: Element = element("here");
    list.set_text_content(None);
    for member in members {
        let item = create("li", "");
        item.set_text_content(Some(name_of(member)));
        let _ = list.append_child(&item);
    }
}

/// A line of this end's own, which the server has not confirmed.
pub(crate) fn show_own(line: &Line) {
    append(line, "you", "line mine pending");
}

/// A line that the server has sent: where it stands in the history.
pub(crate) fn show(line: &Line, who: &str, is_mine: bool) {
    if let Some(pending) = document().get_element_by_id(&line_id(&line.id)) {
        pending.remove();
    }
    append(line, name_of(who), if is_mine { "line mine" } else { "line" });
}

pub(crate) fn refuse(id: &str, why: &str) {
    if let Some(line) = document().get_element_by_id(&line_id(id)) {
        line.set_class_name("line mine failed");
        let note = create("small", "");
        note.set_text_content(Some(why));
        let _ = line.append_child(&note);
    }
}

/// Only what waits to be sent stays.
pub(crate) fn clear() {
    while let Ok(Some(line)) = document().query_selector("#log .line:not(.pending)") {
        line.remove();
    }
}

fn append(line: &Line, who: &str, class: &str) {
    let item = create("li", class);
    item.set_id(&line_id(&line.id));
    let author = create("b", "who");
    author.set_text_content(Some(who));
    let text = create("p", "");
    text.set_text_content(Some(&line.text));
    let _ = item.append_child(&author);
    let _ = item.append_child(&text);
    let log: Element = element("log");
    let _ = log.append_child(&item);
    log.set_scroll_top(log.scroll_height());
}

/// What a line is called in the page. Lines are named by other people, so without this one could be named as a part of the page.
fn line_id(id: &str) -> String {
    format!("line-{id}")
}

fn create(tag: &str, class: &str) -> Element {
    let element = document().create_element(tag).expect("this is a name of an element");
    element.set_class_name(class);
    element
}

/// A user is a name, a `#`, and a mark that nobody else has.
fn name_of(user: &str) -> &str {
    user.rsplit_once('#').map_or(user, |(name, _)| name)
}
