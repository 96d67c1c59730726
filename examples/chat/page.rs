//! The page and what belongs to it.

use std::{fs, io};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderName, header},
    response::IntoResponse,
    routing::get,
};

/// A file that is served: where, as what, and under which policy.
type File = (String, &'static str, &'static str, Bytes);

/// Adds the page, its style and its scripts, which are part of the program, and what was [read](read).
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(router: Router<S>, others: Vec<File>) -> Router<S> {
    let own =
        FILES.map(|(path, kind, text)| (path.to_owned(), kind, POLICY, Bytes::from_static(text.as_bytes())));
    own.into_iter().chain(others).fold(router, |router, (path, kind, policy, data)| {
        router.route(&path, get(move || async move { file(kind, policy, data) }))
    })
}

/// The files of a directory, for `/pages/`.
pub(crate) fn read(directory: Option<&str>) -> Result<Vec<File>, String> {
    let Some(directory) = directory else { return Ok(Vec::new()) };
    let read = || {
        let mut files = Vec::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let kind = path.extension().and_then(|end| KINDS.iter().find(|(known, _)| end == *known));
            let (Some((_, kind)), Some(name)) = (kind, path.file_name().and_then(|name| name.to_str()))
            else {
                continue;
            };
            let name = if name == "index.html" { "" } else { name };
            files.push((format!("/pages/{name}"), *kind, WASM_POLICY, fs::read(&path)?.into()));
        }
        Ok(files)
    };
    read().map_err(|error: io::Error| format!("{directory}: {error}"))
}

fn file(kind: &'static str, policy: &'static str, data: Bytes) -> impl IntoResponse {
    let headers: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, kind),
        // A new version of the program is a new page.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, data)
}

const FILES: [(&str, &str, &str); 5] = [
    ("/", "text/html; charset=utf-8", include_str!("index.html")),
    ("/chat.css", "text/css; charset=utf-8", include_str!("chat.css")),
    ("/chat.js", "text/javascript; charset=utf-8", include_str!("chat.js")),
    ("/hub.js", "text/javascript; charset=utf-8", include_str!("hub.js")),
    ("/icon.svg", "image/svg+xml", include_str!("icon.svg")),
];

/// Nothing but our own files and our own server, so nothing inline either: should other people's text ever become markup, it
/// still does nothing.
const POLICY: &str = "default-src 'none'; connect-src 'self'; img-src 'self'; script-src 'self'; style-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The same, and code in WebAssembly.
const WASM_POLICY: &str = "default-src 'none'; connect-src 'self'; img-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const KINDS: [(&str, &str); 4] = [
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("wasm", "application/wasm"),
];
