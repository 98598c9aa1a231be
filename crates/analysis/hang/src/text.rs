//! Small readers for message text. Invariant: any text gives an answer, never a panic.

use std::str::FromStr;

/// What follows the first `key`.
pub(crate) fn after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.split_once(key).map(|(_, rest)| rest)
}

/// What stands between the first `open` and the next `close`.
pub(crate) fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    after(text, open)?.split_once(close).map(|(inner, _)| inner)
}

/// The decimal number at the start of `text`, after blanks.
pub(crate) fn number<T: FromStr>(text: &str) -> Option<T> {
    let text = text.trim_start();
    let sign = usize::from(text.starts_with('-'));
    let digits = text[sign..].bytes().take_while(u8::is_ascii_digit).count();
    text[..sign + digits].parse().ok()
}

/// The decimal number after `key`.
pub(crate) fn number_after<T: FromStr>(text: &str, key: &str) -> Option<T> {
    number(after(text, key)?)
}

/// The hexadecimal number at the start of `text`, with or without `0x`.
pub(crate) fn hex(text: &str) -> Option<u64> {
    let text = text.trim_start();
    let text = text.strip_prefix("0x").unwrap_or(text);
    let digits = text.bytes().take_while(u8::is_ascii_hexdigit).count();
    u64::from_str_radix(&text[..digits], 16).ok()
}

/// The hexadecimal number after `key`.
pub(crate) fn hex_after(text: &str, key: &str) -> Option<u64> {
    hex(after(text, key)?)
}

/// The first word after `key`, without a trailing comma.
pub(crate) fn word_after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let word = after(text, key)?.split_whitespace().next()?;
    Some(word.trim_end_matches([',', ';']))
}

/// `text` cut to at most `limit` bytes at a character boundary.
pub(crate) fn bounded(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_where_they_stand_and_nowhere_else() {
        assert_eq!(number_after::<i64>("t=7 g=-12,", "g="), Some(-12));
        assert_eq!(number_after::<u32>("t=x", "t="), None);
        assert_eq!(hex_after("->state=0x402 ->cpu=3", "->state="), Some(0x402));
        assert_eq!(between("a [b:1] c", "[", "]"), Some("b:1"));
    }

    #[test]
    fn cutting_keeps_characters_whole() {
        assert_eq!(bounded("ééé", 3), "é…");
    }
}
