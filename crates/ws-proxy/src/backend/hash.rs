//! A hash that is the same in every process and version: proxies side by side have to agree.

/// FNV-1a of 64 bits, with its bits mixed, as the last bytes change few of them.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    mix(bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
    }))
}

/// The rank of a server for a key: by the highest, each key has the same server in every process, and when a server comes or
/// goes none but its own keys move (rendezvous hashing).
pub(super) fn rank(key: u64, server: u64) -> u64 {
    mix(key ^ server)
}

/// The last step of SplitMix64.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_the_same_for_ever() {
        assert_eq!(hash(b""), 0xf52a_15e9_a9b5_e89b);
        assert_ne!(hash(b"a"), hash(b"b"));
    }
}
