//! Names that users choose, in paths and messages.

/// How many characters of a text a message quotes.
pub const QUOTED: usize = 64;

/// The beginning of a text, with what does not print escaped.
pub fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{:?}... ({} characters)", text.get(..end).unwrap_or_default(), text.chars().count()),
        None => format!("{text:?}"),
    }
}

/// A field, or the key of an entry, as a step of a path: `.app`, `[app.kubernetes.io/name]`.
pub fn step(name: &str) -> String {
    if name.len() > QUOTED {
        format!("[{}]", quoted(name))
    } else if name.contains(['.', '/', '[', ']']) {
        format!("[{name}]")
    } else {
        format!(".{name}")
    }
}
