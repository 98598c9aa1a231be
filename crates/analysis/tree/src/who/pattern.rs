//! What `F:`, `X:`, `N:` and `K:` match.

use regex::bytes::{Regex, RegexBuilder};

/// Bytes that a compiled pattern may take.
const MAX_SIZE: usize = 1 << 20;

/// How deep a path pattern goes; a deeper one is more precise.
pub(super) fn depth(pattern: &str, is_directory: &dyn Fn(&str) -> bool) -> usize {
    if pattern.starts_with('*') {
        return 0;
    }
    let whole = pattern.ends_with('/');
    1 + pattern.matches('/').count()
        + usize::from(!whole || is_plain_directory(pattern, is_directory))
}

/// A pattern names a directory without the slash; one with a dot or a joker is never taken for one.
fn is_plain_directory(pattern: &str, is_directory: &dyn Fn(&str) -> bool) -> bool {
    !pattern.ends_with('/') && !pattern.contains(['.', '*', '?', '[']) && is_directory(pattern)
}

/// A path pattern is anchored at its start only. One that ends with a slash, or names a directory,
/// covers the whole subtree; any other covers paths with as many slashes as it has.
pub(super) fn matches(pattern: &str, file: &str, is_directory: &dyn Fn(&str) -> bool) -> bool {
    if !starts_with(pattern, file) {
        return false;
    }
    if pattern.ends_with('/') {
        return true;
    }
    if is_plain_directory(pattern, is_directory) {
        return file.as_bytes().get(pattern.len()) == Some(&b'/');
    }
    pattern.matches('/').count() == file.matches('/').count()
}

/// Whether a beginning of `text` matches: `*` is any run, `?` one character, `[…]` one of a set; what else is a mark
/// of regular expressions is one here too.
fn starts_with(pattern: &str, text: &str) -> bool {
    // Thousands of patterns are asked for each path, and most differ in the first letter.
    if let (Some(first), Some(own)) = (pattern.bytes().next(), text.bytes().next())
        && first.is_ascii_alphanumeric()
        && first != own
        && pattern.as_bytes().get(1) != Some(&b'{')
        && !pattern.contains('|')
    {
        return false;
    }
    if pattern.contains(['(', '{', '+', '^', '$', '|', '\\']) {
        return as_expression(pattern, text);
    }
    let (p, t) = (pattern.as_bytes(), text.as_bytes());
    let (mut p_at, mut t_at, mut star) = (0, 0, None);
    while let Some(&want) = p.get(p_at) {
        if want == b'*' {
            p_at += 1;
            star = Some((p_at, t_at));
            continue;
        }
        let step = t.get(t_at).and_then(|byte| one(p, p_at, *byte));
        if let Some(length) = step {
            (p_at, t_at) = (p_at + length, t_at + 1);
        } else if let Some((after, from)) = star.filter(|(_, from)| *from < t.len()) {
            star = Some((after, from + 1));
            (p_at, t_at) = (after, from + 1);
        } else {
            return false;
        }
    }
    true
}

/// How many bytes of the pattern stand for this byte of the text; `None` where they do not match it.
fn one(pattern: &[u8], at: usize, byte: u8) -> Option<usize> {
    match *pattern.get(at)? {
        b'?' => Some(1),
        b'[' => {
            let rest = pattern.get(at + 1..)?;
            let Some(end) = rest.iter().skip(1).position(|b| *b == b']').map(|end| end + 1) else {
                return (byte == b'[').then_some(1);
            };
            in_set(rest.get(..end)?, byte).then_some(end + 2)
        }
        want => (want == byte).then_some(1),
    }
}

/// Whether `[set]` holds a byte: single ones and ranges.
fn in_set(set: &[u8], byte: u8) -> bool {
    let mut at = 0;
    while let Some(&low) = set.get(at) {
        match (set.get(at + 1), set.get(at + 2)) {
            (Some(b'-'), Some(&high)) => {
                if (low..=high).contains(&byte) {
                    return true;
                }
                at += 3;
            }
            _ => {
                if low == byte {
                    return true;
                }
                at += 1;
            }
        }
    }
    false
}

fn as_expression(pattern: &str, text: &str) -> bool {
    let literal = pattern.split(|c: char| !(c.is_ascii_alphanumeric() || "/_-".contains(c))).next();
    // What follows the literal may make its last letter optional.
    let sure = literal.map_or("", |l| l.get(..l.len().saturating_sub(1)).unwrap_or_default());
    if !text.starts_with(sure) {
        return false;
    }
    let mut expression = String::from("^");
    for c in pattern.chars() {
        match c {
            '.' => expression.push_str("\\."),
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            other => expression.push(other),
        }
    }
    compile(&expression).is_some_and(|e| e.is_match(text.as_bytes()))
}

/// Whether an `N:` pattern is found anywhere in a path.
pub(super) fn names(pattern: &str, file: &str) -> bool {
    // Most are words, and compiling is dear.
    if pattern.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_-".contains(&b)) {
        return file.contains(pattern);
    }
    if !may_name(pattern, file) {
        return false;
    }
    compile(&without_blanks(pattern)).is_some_and(|e| e.is_match(file.as_bytes()))
}

/// Whether a path holds the longest word that a pattern cannot do without, as far as that is easily told.
fn may_name(pattern: &str, file: &str) -> bool {
    if pattern.contains(['|', '(', '\\', '{']) {
        return true;
    }
    let mut words = Vec::new();
    let (mut word, mut in_set) = (String::new(), false);
    for c in pattern.chars() {
        match c {
            _ if in_set => in_set = c != ']',
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' | '/' => word.push(c),
            _ => {
                in_set = c == '[';
                if matches!(c, '*' | '?') {
                    word.pop();
                }
                words.push(std::mem::take(&mut word));
            }
        }
    }
    words.push(word);
    words.iter().all(|word| file.contains(word.as_str()))
}

/// A pattern compiled as extended expressions are: blanks outside of sets mean nothing.
pub(super) fn without_blanks(pattern: &str) -> String {
    let (mut text, mut escaped, mut in_set) = (String::new(), false, false);
    for c in pattern.chars() {
        if !escaped && !in_set {
            match c {
                '#' => break,
                c if c.is_whitespace() => continue,
                '[' => in_set = true,
                _ => {}
            }
        } else if !escaped && c == ']' && !text.ends_with('[') && !text.ends_with("[^") {
            in_set = false;
        }
        escaped = c == '\\' && !escaped;
        text.push(c);
    }
    text
}

/// `None` for what is no expression or would take too much memory.
pub(super) fn compile(expression: &str) -> Option<Regex> {
    RegexBuilder::new(expression).unicode(false).size_limit(MAX_SIZE).build().ok()
}
