//! [`AddressRange`]: addresses with the same first bits.

use std::{error, fmt, net::IpAddr, str::FromStr};

/// `10.0.0.0/8`: all addresses whose first eight bits are those of `10.0.0.0`. An address alone is a range of one.
///
/// ```
/// use ws_tower::AddressRange;
///
/// let range: AddressRange = "10.0.0.0/8".parse()?;
/// assert!(range.contains([10, 1, 2, 3].into()));
/// assert!(!range.contains([11, 1, 2, 3].into()));
/// # Ok::<(), ws_tower::InvalidAddressRange>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressRange {
    first: IpAddr,
    bits: u32,
}

impl AddressRange {
    /// Whether an address is in the range. An IPv4 address that is written as IPv6, as sockets for both have it, counts as
    /// IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        // `::ffff:10.0.0.1` is how a socket for both versions names the peer 10.0.0.1.
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let differing = first.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= self.bits
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let differing = first.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= self.bits
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for AddressRange {
    type Err = InvalidAddressRange;

    fn from_str(range: &str) -> Result<Self, InvalidAddressRange> {
        let (address, bits) = match range.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (range, None),
        };
        let first: IpAddr = address.parse().map_err(|_| InvalidAddressRange(()))?;
        let all = if first.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            // `u32` alone would take a plus sign.
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().ok().filter(|bits| *bits <= all).ok_or(InvalidAddressRange(()))?
            }
            Some(_) => return Err(InvalidAddressRange(())),
            None => all,
        };
        // Peers are compared in this form, so a range in the other would match none.
        if first.to_canonical() != first {
            return Err(InvalidAddressRange(()));
        }
        Ok(Self { first, bits })
    }
}

/// Neither an IP address nor a range of the form `10.0.0.0/8` or `fd00::/8`.
///
/// IPv4 addresses in the form of IPv6 (`::ffff:10.0.0.1`) are none either: write them as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidAddressRange(());

impl fmt::Display for InvalidAddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an IP address and not a range of the form address/bits")
    }
}

impl error::Error for InvalidAddressRange {}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(range: &str, address: &str) -> bool {
        range.parse::<AddressRange>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn range_holds_the_addresses_with_its_first_bits() {
        for (range, within, without) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("192.168.4.0/22", "192.168.7.255", "192.168.8.0"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("127.0.0.1/32", "127.0.0.1", "127.0.0.0"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("10.1.2.3/8", "10.0.0.0", "9.255.255.255"),
            ("fd00::/8", "fdff::1", "fe00::"),
            ("::1", "::1", "::2"),
            ("::/0", "ffff::", "127.0.0.1"),
            ("10.0.0.0/8", "::ffff:10.0.0.1", "::ffff:11.0.0.1"),
        ] {
            assert!(contains(range, within), "{within} in {range}");
            assert!(!contains(range, without), "{without} in {range}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for range in [
            "",
            "localhost",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0/8",
            "::/129",
            "10.0.0.0/8/8",
            "::ffff:10.0.0.1",
        ] {
            assert!(range.parse::<AddressRange>().is_err(), "{range}");
        }
    }
}
