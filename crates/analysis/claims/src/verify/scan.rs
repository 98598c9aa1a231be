//! Small readers of text that all families share.

use model::Task;

/// The text behind the first occurrence of `mark`.
pub(super) fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.find(mark).map(|at| &text[at + mark.len()..])
}

/// The text between two marks.
pub(super) fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let rest = after(text, from)?;
    rest.find(to).map(|end| &rest[..end])
}

/// The decimal number with which a text begins, and what follows it.
pub(super) fn number(text: &str) -> Option<(u64, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    Some((text[..length].parse().ok()?, &text[length..]))
}

/// The decimal number behind a mark.
pub(super) fn number_after(text: &str, mark: &str) -> Option<u64> {
    number(after(text, mark)?.trim_start()).map(|(value, _)| value)
}

/// The hexadecimal number, with or without `0x`, with which a text begins, and what follows it.
pub(super) fn hex(text: &str) -> Option<(u64, &str)> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let length = digits.bytes().take_while(u8::is_ascii_hexdigit).count();
    Some((u64::from_str_radix(&digits[..length], 16).ok()?, &digits[length..]))
}

/// The text up to the first blank.
pub(super) fn word(text: &str) -> &str {
    text.split_ascii_whitespace().next().unwrap_or_default()
}

/// A function name without the suffixes that compilers add: `f.isra.0`, `f.cold`, `f.constprop.0.isra.1`.
pub(super) fn plain(name: &str) -> &str {
    const SUFFIXES: [&str; 6] = [".isra", ".constprop", ".part", ".cold", ".llvm", ".lto_priv"];
    // powerpc marks the code of a function by a dot in front of its name.
    let name = name.strip_prefix('.').unwrap_or(name);
    SUFFIXES.iter().filter_map(|suffix| name.find(suffix)).min().map_or(name, |at| &name[..at])
}

/// The function with which a text begins: `f+0x1/0x2`, `f.isra.0 (a.c:1)`, `f()`; without suffixes.
pub(super) fn function(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let length = text
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$'))
        .count();
    let name = plain(&text[..length]);
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_').then_some(name)
}

/// A task written `name/pid`, the name with any signs in it; ends at a blank behind the pid.
pub(super) fn task_slash(text: &str) -> Option<Task> {
    task_at(text, '/')
}

/// A task written `name:pid`.
pub(super) fn task_colon(text: &str) -> Option<Task> {
    task_at(text, ':')
}

/// The first `mark` with a number behind it that ends a word parts name and pid.
fn task_at(text: &str, mark: char) -> Option<Task> {
    let mut from = 0;
    while let Some(at) = text[from..].find(mark).map(|at| from + at) {
        from = at + mark.len_utf8();
        let Some((pid, rest)) = number(&text[from..]) else { continue };
        // In `kworker/0:1/77` the first number is a part of the name.
        let mut behind = rest.chars();
        let goes_on = match behind.next() {
            Some('/' | ':') => behind.next().is_some_and(char::is_alphanumeric),
            Some(next) => next.is_alphanumeric(),
            None => false,
        };
        if !goes_on {
            return Some(Task::new(text[..at].trim(), u32::try_from(pid).ok()?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_only_what_compilers_add() {
        assert_eq!(plain("do_it.isra.0"), "do_it");
        assert_eq!(plain("do_it.constprop.0.cold"), "do_it");
        assert_eq!(plain("partition"), "partition");
        assert_eq!(function("do_it.cold+0x1/0x2 [m]"), Some("do_it"));
        assert_eq!(function("0x1234"), None);
    }

    #[test]
    fn names_of_tasks_may_hold_the_mark_that_parts_them() {
        assert_eq!(task_slash("kworker/u8:3/77"), Some(Task::new("kworker/u8:3", 77)));
        assert_eq!(task_slash("swapper/0/1"), Some(Task::new("swapper/0", 1)));
        assert_eq!(task_colon("kworker/0:1:14 blocked"), Some(Task::new("kworker/0:1", 14)));
        assert_eq!(task_slash("nobody"), None);
    }
}
