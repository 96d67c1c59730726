//! How do I write a chat for pages in Rust?
//!
//! The page of `examples/chat` in small, with its server: one room, names, who is there, and nothing lost when the connection is.
//! `docs/how-to/browser.md` says how to build it, and how the server gets it.
//!
//! `hub.rs` has the frames of the hub's JSON protocol; `chat.rs` knows what they mean and nothing of pages, so its tests run anywhere; `page.rs`
//! is what is seen; `client.rs` joins them to a connection that comes back.
#![forbid(unsafe_code)]
// Outside of a page there are only the tests.
#![cfg_attr(not(target_family = "wasm"), allow(dead_code))]

mod chat;
#[cfg(target_family = "wasm")]
mod client;
mod hub;
#[cfg(target_family = "wasm")]
mod page;

#[cfg(target_family = "wasm")]
fn main() {
    client::start();
}

#[cfg(not(target_family = "wasm"))]
fn main() {
    eprintln!("this is for pages: see docs/how-to/browser.md");
    std::process::exit(1);
}
