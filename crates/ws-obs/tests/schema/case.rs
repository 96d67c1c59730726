//! Names as the wire, Rust and constants have them.

pub(crate) fn module(name: &str) -> String {
    snake(&name.replace(' ', "_"))
}

/// `inputName` and `SceneItems` as `input_name` and `scene_items`.
pub(crate) fn snake(name: &str) -> String {
    let mut out = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(character.to_lowercase());
    }
    out
}

pub(crate) fn constant(name: &str) -> String {
    snake(name).to_uppercase()
}

/// `SCALE_TO_WIDTH` as `ScaleToWidth`, `BLEND_2X` as `Blend2x`.
pub(crate) fn pascal(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_owned() + &rest.to_lowercase()
    };
    name.split('_').map(word).collect()
}

pub(crate) fn lower_first(text: &str) -> String {
    if text.starts_with("OBS ") {
        return text.into();
    }
    let (first, rest) = text.split_at(1);
    first.to_lowercase() + rest
}
