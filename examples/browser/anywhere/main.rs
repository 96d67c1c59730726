//! How does one `async fn` run in a page and in a terminal?
//!
//! ```text
//! cargo run --release --bin echo                                              a server to speak with
//! cargo run -p ws-browser-examples --bin anywhere -- ws://127.0.0.1:3000/ws   in the terminal
//! ```
//!
//! `docs/how-to/browser.md` says how to build the page of it, which `echo --pages` serves; there, the URL follows the `#` of its own.
#![forbid(unsafe_code)]

mod converse;

#[cfg(not(target_family = "wasm"))]
#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    let Some(url) = std::env::args().nth(1) else {
        eprintln!("usage: anywhere URL");
        return std::process::ExitCode::FAILURE;
    };
    match converse::converse(&url, |line| println!("{line}")).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(target_family = "wasm")]
fn main() {
    wasm_bindgen_futures::spawn_local(async {
        let (Some(document), Some(window)) =
            (web_sys::window().and_then(|it| it.document()), web_sys::window())
        else {
            return;
        };
        let tell = |line: &str| {
            if let Some(log) = document.get_element_by_id("log") {
                let _ = log.append_with_str_1(&format!("{line}\n"));
            }
        };
        let hash = window.location().hash().unwrap_or_default();
        let Some(url) = hash.strip_prefix('#').filter(|url| !url.is_empty()) else {
            return tell("add # and the URL of a server to the address of this page, and load it again");
        };
        if let Err(error) = converse::converse(url, tell).await {
            tell(&error.to_string());
        }
    });
}
