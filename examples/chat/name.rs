//! What may be a name.

/// The name with its white space tidied, or why it cannot be one.
pub(crate) fn tidy(name: &str) -> Result<String, &'static str> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        return Err("a name is needed");
    }
    if name.chars().count() > MAX_CHARS {
        return Err("the name is over 24 characters");
    }
    if name.chars().any(is_invisible) {
        return Err("the name has invisible characters");
    }
    Ok(name)
}

/// Characters with which two names look alike, or turn around the text beside them.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

const MAX_CHARS: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

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
}
