//! The negotiation of permessage-deflate (RFC 7692, 7.1), the client's side.

use crate::{Result, workload::Takeover};

/// How messages are put on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Deflate {
        takeover: Takeover,
        /// The window of what the client sends, as a power of two.
        window_bits: u8,
    },
}

impl Encoding {
    /// What is sent where nothing can be negotiated.
    pub(crate) fn widest(deflate: Option<Takeover>) -> Self {
        deflate.map_or(Self::Plain, |takeover| Self::Deflate { takeover, window_bits: 15 })
    }
}

/// The value of the request's header. As browsers do, it lets the server choose the window of the client.
pub(crate) fn offer(takeover: Takeover) -> &'static str {
    match takeover {
        Takeover::No => {
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits"
        }
        Takeover::Yes => "permessage-deflate; client_max_window_bits",
    }
}

/// What the server agreed to.
///
/// # Errors
/// When that is not what the workload is about, or not an answer to the offer.
pub(crate) fn agreed(takeover: Takeover, response: Option<&str>) -> Result<Encoding> {
    let response = response.ok_or("the server declined permessage-deflate")?;
    let mut parameters = response.split(';').map(str::trim);
    if parameters.next() != Some("permessage-deflate") {
        return Err(format!("the server agreed to {response:?}").into());
    }
    let (mut own, mut servers, mut window_bits) = (Takeover::Yes, Takeover::Yes, 15);
    for parameter in parameters {
        let (name, value) = parameter.split_once('=').map_or((parameter, ""), |(name, value)| (name, value));
        match (name.trim(), value.trim().trim_matches('"')) {
            ("client_no_context_takeover", "") => own = Takeover::No,
            ("server_no_context_takeover", "") => servers = Takeover::No,
            ("client_max_window_bits", bits) => window_bits = bits.parse()?,
            // Replies are decompressed with the largest window whatever it is.
            ("server_max_window_bits", _) => {}
            _ => return Err(format!("the server agreed to {response:?}").into()),
        }
    }
    if (own, servers) != (takeover, takeover) || !(9..=15).contains(&window_bits) {
        return Err(format!("the server agreed to {response:?}").into());
    }
    Ok(Encoding::Deflate { takeover, window_bits })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_is_the_one_the_server_asks_for() {
        for (response, window_bits) in
            [("permessage-deflate", 15), ("permessage-deflate; client_max_window_bits=12", 12)]
        {
            let encoding = Encoding::Deflate { takeover: Takeover::Yes, window_bits };
            assert_eq!(agreed(Takeover::Yes, Some(response)).unwrap(), encoding);
        }
    }

    #[test]
    fn both_takeovers_must_be_those_of_the_workload() {
        let both = "permessage-deflate; client_no_context_takeover; server_no_context_takeover";
        let one = "permessage-deflate; server_no_context_takeover";
        assert!(agreed(Takeover::No, Some(both)).is_ok());
        assert!(agreed(Takeover::Yes, Some(both)).is_err());
        assert!(agreed(Takeover::No, Some(one)).is_err());
        assert!(agreed(Takeover::Yes, Some(one)).is_err());
    }

    #[test]
    fn refuses_what_was_not_offered() {
        for response in [
            "x-webkit-deflate-frame",
            "permessage-deflate; fast",
            "permessage-deflate; client_max_window_bits=16",
        ] {
            assert!(agreed(Takeover::Yes, Some(response)).is_err(), "{response}");
        }
        assert!(agreed(Takeover::Yes, None).is_err());
    }
}
