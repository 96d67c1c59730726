//! Pages from a directory. Servers are for pages of their own origin alone, so they serve those that are to speak to them.

use std::{fs, io, path::Path, process};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderName, header},
    routing::get,
};

/// The files of a directory, as they are now, at `/pages/`; no routes without one.
///
/// That it cannot be read is said on standard error, and ends the program.
pub fn pages<S: Clone + Send + Sync + 'static>(directory: Option<&str>) -> Router<S> {
    let Some(directory) = directory else { return Router::new() };
    routes(directory).unwrap_or_else(|why| {
        eprintln!("{why}");
        process::exit(1)
    })
}

fn routes<S: Clone + Send + Sync + 'static>(directory: &str) -> Result<Router<S>, String> {
    let read = || {
        let mut router = Router::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let (Some(kind), Some(name)) = (kind(&path), path.file_name().and_then(|name| name.to_str()))
            else {
                continue;
            };
            let name = if name == "index.html" { "" } else { name };
            let file = (headers(kind), Bytes::from(fs::read(&path)?));
            router = router.route(&format!("/pages/{name}"), get(|| async { file }));
        }
        Ok(router)
    };
    read().map_err(|error: io::Error| format!("{directory}: {error}"))
}

fn headers(kind: &'static str) -> [(HeaderName, &'static str); 5] {
    [
        (header::CONTENT_TYPE, kind),
        // What is built again is loaded again.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ]
}

/// What it is to browsers; other files are not served.
fn kind(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()? {
        "css" => Some("text/css; charset=utf-8"),
        "html" => Some("text/html; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "wasm" => Some("application/wasm"),
        _ => None,
    }
}

/// Nothing but what is here, so nothing inline either; and code in WebAssembly.
const POLICY: &str = "default-src 'none'; connect-src 'self'; img-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn files_that_pages_have_are_served() {
        let pages =
            routes::<()>(concat!(env!("CARGO_MANIFEST_DIR"), "/browser/anywhere")).expect("a directory");
        for (path, expected) in [
            ("/pages/anywhere.html", Some("text/html; charset=utf-8")),
            ("/pages/start-anywhere.js", Some("text/javascript; charset=utf-8")),
            ("/pages/main.rs", None),
            ("/pages/", None),
        ] {
            let request = Request::get(path).body(Body::empty()).expect("a request");
            let response = pages.clone().oneshot(request).await.expect("an answer");
            let found = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn directory_that_is_not_there_is_named() {
        assert!(routes::<()>("nowhere").is_err_and(|why| why.starts_with("nowhere: ")));
    }
}
