//! What may be wrong with a configuration though it can be read: most of all what would be left out in silence.

use std::{
    fmt::Display,
    net::{SocketAddr, ToSocketAddrs},
};

use crate::config::{Balance, Config, Route};

/// Checks where to listen, without doing so.
pub(crate) fn addresses(config: &Config) -> Result<(), String> {
    let mut taken: Vec<SocketAddr> = Vec::new();
    for address in config.listen.iter().map(|listen| &listen.address).chain(&config.admin) {
        let found = address.to_socket_addrs().map_err(|error| format!("{address}: {error}"))?;
        let found: Vec<_> = found.filter(|address| address.port() != 0).collect();
        if found.iter().any(|address| taken.contains(address)) {
            return Err(format!("{address}: it is there twice"));
        }
        taken.extend(found);
    }
    Ok(())
}

/// Checks the routes beside each other.
pub(crate) fn routes(routes: &[Route]) -> Result<(), String> {
    if routes.is_empty() {
        return Err("there is no route".into());
    }
    let is_for = |route: &Route| {
        let path = route.for_path.as_deref().unwrap_or_default().trim_end_matches('/').to_owned();
        (route.for_host.as_ref().map(|host| host.to_ascii_lowercase()), path)
    };
    for (index, route) in routes.iter().enumerate() {
        if let Some(first) = routes[..index].iter().position(|first| is_for(first) == is_for(route)) {
            return Err(format!(
                "route {}: no request is for it, as route {} is there",
                index + 1,
                first + 1
            ));
        }
    }
    Ok(())
}

/// Checks one.
pub(crate) fn route(route: &Route) -> Result<(), String> {
    for (key, is_set) in [
        ("max_message_size", route.max_message_size.is_some()),
        ("ping_interval", route.ping_interval.is_some()),
        ("compression", route.compression),
    ] {
        if is_set && !route.relay {
            return Err(in_(key, "it needs relay = true; a tunnel carries bytes as they are"));
        }
    }
    for (key, is_set, balance) in [
        ("cookie", route.cookie.is_some(), Balance::Sticky),
        ("hash_key", route.hash_key.is_some(), Balance::Hash),
    ] {
        if is_set && route.balance != balance {
            return Err(in_(key, "no other balance has one"));
        }
    }
    for (key, path) in [("for_path", &route.for_path), ("strip_prefix", &route.strip_prefix)] {
        if path.as_ref().is_some_and(|path| !path.starts_with('/')) {
            return Err(in_(key, "a path begins with /"));
        }
    }
    for (key, max) in [("max_connections", route.max_connections), ("max_per_client", route.max_per_client)] {
        if max == Some(0) {
            return Err(in_(key, "0 would let nobody in; without it there may be any number"));
        }
    }
    if route.buffer_size.is_some_and(|size| !(512..=64 << 10).contains(&size)) {
        return Err(in_("buffer_size", "it is from 512 to 65536"));
    }
    Ok(())
}

pub(crate) fn in_(key: &str, error: impl Display) -> String {
    format!("{key}: {error}")
}

#[cfg(test)]
mod tests {
    use ws_proxy::Tunnels;

    use super::*;
    use crate::{
        routes::{Common, Routes},
        stats::Stats,
    };

    #[test]
    fn what_is_wrong_is_named() {
        for (text, named) in [
            ("", "no route"),
            ("[[route]]\nbackends = []", "backends"),
            ("[[route]]\nbackends = [\"a\"]", "backends"),
            ("[[route]]\nbackends = [\"ws://a\"]\ntrust = [\"a\"]", "trust"),
            ("[[route]]\nbackends = [\"ws://a\"]\nidle_timeout = -1", "idle_timeout: -1 seconds"),
            ("[[route]]\nbackends = [\"ws://a\"]\norigins = [\"//\"]", "origins"),
            ("[[route]]\nbackends = [\"ws://a\"]\nkey = \"k\"", "belong together"),
            ("[[route]]\nbackends = [\"ws://a\"]\nca = \"/nowhere\"", "/nowhere"),
            ("[[route]]\nbackends = [\"ws://a\"]\nheaders = { \"a b\" = \"c\" }", "headers"),
            ("[[route]]\nbackends = [\"ws://a\"]\nremove_headers = [\"a b\"]", "remove_headers"),
            ("[[route]]\nbackends = [\"ws://a\"]\nbalance = \"hash\"\nhash_key = \"x\"", "hash_key"),
            ("[[route]]\nbackends = [\"ws://a\"]\nsend_proxy_protocol = \"v3\"", "send_proxy_protocol"),
            ("[[route]]\nbackends = [\"ws://a\"]\nfor_path = \"a\"", "for_path"),
            ("[[route]]\nbackends = [\"ws://a\"]\nstrip_prefix = \"a\"", "strip_prefix"),
            ("[[route]]\nbackends = [\"ws://a\"]\nmax_message_size = 1", "relay"),
            ("[[route]]\nbackends = [\"ws://a\"]\nping_interval = 1", "relay"),
            ("[[route]]\nbackends = [\"ws://a\"]\ncompression = true", "relay"),
            ("[[route]]\nbackends = [\"ws://a\"]\ncookie = \"a\"", "cookie"),
            ("[[route]]\nbackends = [\"ws://a\"]\nbalance = \"sticky\"\ncookie = \"a b\"", "cookie"),
            ("[[route]]\nbackends = [\"ws://a\"]\nhash_key = \"path\"", "hash_key"),
            ("[[route]]\nbackends = [\"ws://a?b\"]", "backends"),
            ("[[route]]\nbackends = [\"ws://a\"]\nmax_connections = 0", "max_connections"),
            ("[[route]]\nbackends = [\"ws://a\"]\nmax_per_client = 0", "max_per_client"),
            ("[[route]]\nbackends = [\"ws://a\"]\nbuffer_size = 1", "buffer_size"),
            ("[[route]]\nbackends = [\"ws://a\"]\nbuffer_size = 65537", "buffer_size"),
            ("[[route]]\nbackends = [\"ws://a\"]\nheaders = { Upgrade = \"c\" }", "handshake"),
            ("[[route]]\nbackends = [\"ws://a\"]\n[[route]]\nbackends = [\"ws://b\"]", "route 2"),
            (
                "[[route]]\nfor_path = \"/\"\nbackends = [\"ws://a\"]\n[[route]]\nbackends = [\"ws://b\"]",
                "route 2",
            ),
            (
                "[[route]]\nfor_path = \"/a\"\nbackends = [\"ws://a\"]\n\
                 [[route]]\nfor_path = \"/a/\"\nbackends = [\"ws://b\"]",
                "route 2",
            ),
        ] {
            let config = toml::from_str(text).unwrap();
            let common = Common { tunnels: Tunnels::new(), stats: Stats::default(), log: None };
            let error = Routes::new(&config, &common).err().expect(text);
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn address_that_cannot_be_listened_on_is_named() {
        for (text, named) in [
            ("admin = \"a\"", "a: "),
            ("[[listen]]\naddress = \"127.0.0.1\"", "127.0.0.1: "),
            ("admin = \"127.0.0.1:1\"\n[[listen]]\naddress = \"127.0.0.1:1\"", "twice"),
        ] {
            let error = addresses(&toml::from_str(text).unwrap()).expect_err(text);
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
