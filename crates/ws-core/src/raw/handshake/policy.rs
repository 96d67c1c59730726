//! What a server decides by a rule or by a closure: which pages may connect, and which subprotocol is spoken.

use std::sync::Arc;

use http::StatusCode;

use super::{Rejection, RequestHead};
use crate::{Utf8Bytes, handshake::Tokens};

#[derive(Clone)]
pub(super) enum Origin {
    Same,
    Any,
    With(Arc<dyn Fn(&RequestHead<'_>) -> bool + Send + Sync>),
}

#[derive(Clone)]
pub(super) enum Subprotocols {
    List(Arc<[Utf8Bytes]>),
    With(Arc<dyn Fn(Tokens<'_>) -> Option<Utf8Bytes> + Send + Sync>),
}

impl Origin {
    pub(super) fn allows(&self, request: &RequestHead<'_>) -> bool {
        match self {
            Self::Same => request.is_same_origin(None),
            Self::Any => true,
            Self::With(allow) => allow(request),
        }
    }
}

impl Subprotocols {
    pub(super) fn select(&self, request: &RequestHead<'_>) -> Result<Option<Utf8Bytes>, Rejection> {
        let mut offered = request.subprotocols();
        match self {
            Self::List(supported) => {
                let find = |name: &str| supported.iter().find(|supported| supported.as_str() == name);
                Ok(offered.find_map(find).cloned())
            }
            Self::With(_) if offered.next().is_none() => Ok(None),
            Self::With(select) => match select(request.subprotocols()) {
                Some(chosen) if !request.subprotocols().any(|name| name == chosen.as_str()) => {
                    Err(Rejection::new(StatusCode::INTERNAL_SERVER_ERROR))
                }
                chosen => Ok(chosen),
            },
        }
    }
}
