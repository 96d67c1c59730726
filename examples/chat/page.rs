//! The page and what belongs to it.

use axum::{
    Router,
    http::{HeaderName, header},
    response::IntoResponse,
    routing::get,
};

/// Adds the page, its style and its scripts, which are part of the program.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    FILES.into_iter().fold(router, |router, (path, kind, text)| {
        router.route(path, get(move || async move { file(kind, text) }))
    })
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let headers: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, kind),
        // A new version of the program is a new page.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, text)
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
