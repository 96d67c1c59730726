//! [`Path`]: the path that a backend is asked for.

use std::sync::Arc;

use http::{
    Uri,
    request::Parts,
    uri::{PathAndQuery, Scheme},
};

/// How paths are rewritten.
#[derive(Clone, Default)]
pub(crate) enum Path {
    #[default]
    Keep,
    Strip(String),
    Function(Arc<Rewrite>),
}

type Rewrite = dyn Fn(&Parts) -> Option<PathAndQuery> + Send + Sync;

impl Path {
    /// The URL to dial: the path of the request, rewritten, behind that of the backend. Escapes and the query stay as they are.
    pub(crate) fn on(&self, base: &Uri, request: &Parts) -> Option<Uri> {
        let own = request.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let rewritten;
        let own = match self {
            Self::Keep => own,
            Self::Strip(prefix) => {
                rewritten = strip(own, prefix);
                &rewritten
            }
            Self::Function(rewrite) => {
                rewritten = rewrite(request)?.to_string();
                &rewritten
            }
        };
        let base_path = base.path().trim_end_matches('/');
        // Of a path that was the prefix nothing is left: what is asked for is the backend's path itself.
        let is_rooted =
            own.starts_with('/') || (!base_path.is_empty() && (own.is_empty() || own.starts_with('?')));
        let separator = if is_rooted { "" } else { "/" };
        let mut parts = base.clone().into_parts();
        parts.scheme.get_or_insert(Scheme::HTTP);
        parts.path_and_query = Some(format!("{base_path}{separator}{own}").parse().ok()?);
        Uri::from_parts(parts).ok()
    }
}

/// Takes a prefix away that ends where a segment does.
fn strip(path: &str, prefix: &str) -> String {
    match path.strip_prefix(prefix.trim_end_matches('/')) {
        Some(rest) if rest.is_empty() || rest.starts_with(['/', '?']) => rest.into(),
        _ => path.into(),
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn on(path: &Path, base: &str, target: &str) -> String {
        let (request, ()) = Request::get(target).body(()).unwrap().into_parts();
        path.on(&base.parse().unwrap(), &request).unwrap().to_string()
    }

    #[test]
    fn path_of_the_request_stands_behind_that_of_the_backend() {
        let keep = Path::Keep;
        for (base, target, expected) in [
            ("ws://h", "/a%2Fb?c=%20d", "ws://h/a%2Fb?c=%20d"),
            ("ws://h/", "/", "ws://h/"),
            ("ws://h/base/", "/a", "ws://h/base/a"),
            ("ws://h/base", "/", "ws://h/base/"),
            ("ws://h/base?ignored", "/?q", "ws://h/base/?q"),
            ("wss://h:1", "https://other.example/a?b", "wss://h:1/a?b"),
        ] {
            assert_eq!(on(&keep, base, target), expected);
        }
    }

    #[test]
    fn prefix_is_stripped_where_a_segment_ends() {
        let strip = Path::Strip("/ws/".into());
        for (target, expected) in [
            ("/ws/a?b", "ws://h/a?b"),
            ("/ws", "ws://h/"),
            ("/ws?b", "ws://h/?b"),
            ("/wsa", "ws://h/wsa"),
            ("/other/ws/a", "ws://h/other/ws/a"),
        ] {
            assert_eq!(on(&strip, "ws://h", target), expected);
        }
        for (target, expected) in [
            ("/ws", "ws://h/base"),
            ("/ws?b", "ws://h/base?b"),
            ("/ws/", "ws://h/base/"),
            ("/ws/a", "ws://h/base/a"),
        ] {
            assert_eq!(on(&strip, "ws://h/base/", target), expected);
        }
    }
}
