//! Functions of assembler files, by the kernel's macros.

use memchr::memchr;

use crate::{Definition, is_word};

/// The macros that begin a function or a label which stacks may name.
const BEGIN: [&[u8]; 12] = [
    b"SYM_FUNC_START",
    b"SYM_CODE_START",
    b"SYM_TYPED_FUNC_START",
    b"SYM_INNER_LABEL",
    b"SYM_FUNC_ALIAS",
    b"ENTRY",
    b"WEAK",
    b"_GLOBAL",
    b"LEAF",
    b"NESTED",
    b"THUNK",
    b"idtentry",
];

pub(crate) fn definitions(text: &[u8]) -> Vec<Definition<'_>> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < text.len() {
        let rest = &text[at..];
        let length = memchr(b'\n', rest).unwrap_or(rest.len());
        if let Some(name) = begun(&rest[..length]) {
            found.push(Definition { name, is_syscall: false, line, end: line });
        }
        at += length + 1;
        line += 1;
    }
    // A function reaches to the next one.
    for at in 0..found.len() {
        let next = found.get(at + 1).map_or(line, |next| next.line);
        found[at].end = next.saturating_sub(1).max(found[at].line);
    }
    found
}

fn begun(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii_start();
    let rest = BEGIN.iter().find_map(|word| line.strip_prefix(*word))?;
    let open = rest.iter().position(|b| !is_word(*b))?;
    let inside = rest.get(open..)?.strip_prefix(b"(")?.trim_ascii_start();
    let length = inside.iter().take_while(|b| is_word(**b)).count();
    inside.get(..length).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_begin_functions() {
        let text = b"SYM_FUNC_START_LOCAL(pump)\n\tret\nSYM_FUNC_END(pump)\nENTRY(gear)\n\tnop\nENTRY\nENTRY(";
        let found: Vec<_> =
            definitions(text).into_iter().map(|d| (d.name.to_vec(), d.line, d.end)).collect();
        assert_eq!(found, [(b"pump".to_vec(), 1, 3), (b"gear".to_vec(), 4, 7)]);
    }
}
