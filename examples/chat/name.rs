//! What may be a name, of somebody or of a room, and how somebody is told from others of the same name.

use sha1::{Digest, Sha1};

/// The name with its white space tidied, and a mark that only the holder of this key can have: `Ada#0123456789abcdef`.
///
/// So nobody needs a list of the names that are taken, which several nodes would have to agree on: whoever takes the name of
/// another has another mark, and pages show it.
pub(crate) fn signed(name: &str, key: &str) -> Result<String, &'static str> {
    if !(MIN_KEY..=MAX_KEY).contains(&key.len()) {
        return Err("the key has 22 to 64 characters");
    }
    let name = tidy(name)?;
    // Keys are random and never shown; to find another one with the same mark takes 2⁶⁴ attempts.
    let mark = Sha1::digest(key.as_bytes());
    let mark: String = mark.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{name}#{mark}"))
}

/// The name with its white space tidied, or why it cannot be one.
fn tidy(name: &str) -> Result<String, &'static str> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        return Err("a name is needed");
    }
    if name.chars().count() > MAX_NAME {
        return Err("the name is over 24 characters");
    }
    if name.chars().any(is_invisible) {
        return Err("the name has invisible characters");
    }
    Ok(name)
}

/// Whether this may be the name of a room.
pub(crate) fn room(name: &str) -> Result<(), &'static str> {
    let is_plain = |c: char| c == '-' || c.is_alphanumeric() && c.to_lowercase().eq([c]);
    if name.chars().all(is_plain) && (1..=MAX_ROOM).contains(&name.chars().count()) {
        Ok(())
    } else {
        Err("rooms are named by 1 to 32 small letters, digits and hyphens")
    }
}

/// Characters with which two names look alike, or turn around the text beside them.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

const MAX_NAME: usize = 24;
const MAX_ROOM: usize = 32;
/// 128 bits in Base64.
const MIN_KEY: usize = 22;
const MAX_KEY: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789012345678901";

    #[test]
    fn white_space_is_tidied() {
        assert_eq!(tidy("  Ada \t Lovelace\n"), Ok("Ada Lovelace".into()));
        assert_eq!(tidy("Zoë 🦀 李"), Ok("Zoë 🦀 李".into()));
    }

    #[test]
    fn empty_long_and_invisible_names_are_refused() {
        assert!(tidy(" \n").is_err());
        assert!(tidy(&"é".repeat(24)).is_ok());
        assert!(tidy(&"é".repeat(25)).is_err());
        assert!(tidy("Ada\u{200b}").is_err());
        assert!(tidy("\u{202e}adA").is_err());
        assert!(tidy("A\u{1b}[31m").is_err());
    }

    #[test]
    fn mark_is_that_of_the_key_and_not_to_be_forged_by_the_name() {
        let ada = signed("Ada", KEY).unwrap();
        assert_eq!(signed(" Ada ", KEY), Ok(ada.clone()));
        let other = signed("Ada", &KEY.replace('0', "x")).unwrap();
        assert_ne!(other, ada);
        let forged = signed("Ada#0123456789abcdef", KEY).unwrap();
        assert_eq!(forged.rsplit_once('#').unwrap().1, ada.rsplit_once('#').unwrap().1);
        assert!(signed("Ada", "short").is_err());
        assert!(signed("Ada", &"x".repeat(65)).is_err());
    }

    #[test]
    fn rooms_have_plain_names() {
        for name in ["lobby", "rust-2024", "café", "日本", &"x".repeat(32)] {
            assert_eq!(room(name), Ok(()), "{name}");
        }
        for name in ["", "Lobby", "two words", "a/b", "<b>", "a\u{200b}", &"x".repeat(33)] {
            assert!(room(name).is_err(), "{name}");
        }
    }
}
