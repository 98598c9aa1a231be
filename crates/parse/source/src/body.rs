//! What the body of a function calls.

use memchr::memmem;

use crate::{Definition, is_word};

/// The first line of a function's body on which `name` stands as a call, `name(`, outside of comments and strings.
#[must_use]
pub fn call(text: &[u8], function: &Definition<'_>, name: &str) -> Option<usize> {
    if name.is_empty() {
        return None;
    }
    let mut in_comment = false;
    let lines = text.split(|byte| *byte == b'\n').enumerate();
    let body = lines.skip(function.line.saturating_sub(1)).take_while(|(at, _)| *at < function.end);
    let mut is_body = false;
    for (at, line) in body {
        let code = code(line, &mut in_comment);
        // The name in the head is no call.
        let from =
            if is_body { 0 } else { code.iter().position(|b| *b == b'{').unwrap_or(code.len()) };
        is_body |= from < code.len();
        if calls(code.get(from..).unwrap_or_default(), name.as_bytes()) {
            return Some(at + 1);
        }
    }
    None
}

fn calls(code: &[u8], name: &[u8]) -> bool {
    memmem::find_iter(code, name).any(|at| {
        let before = at.checked_sub(1).and_then(|before| code.get(before));
        let after = code.get(at + name.len()..).unwrap_or_default().trim_ascii_start();
        !before.is_some_and(|b| is_word(*b)) && after.first() == Some(&b'(')
    })
}

/// A line without its comments and strings.
fn code(line: &[u8], in_comment: &mut bool) -> Vec<u8> {
    let mut code = Vec::with_capacity(line.len());
    let mut at = 0;
    let mut quote: Option<u8> = None;
    while let Some(&byte) = line.get(at) {
        let next = line.get(at + 1).copied();
        if *in_comment {
            if byte == b'*' && next == Some(b'/') {
                *in_comment = false;
                at += 1;
            }
        } else if let Some(mark) = quote {
            if byte == b'\\' {
                at += 1;
            } else if byte == mark {
                quote = None;
            }
        } else {
            match (byte, next) {
                (b'/', Some(b'*')) => {
                    *in_comment = true;
                    at += 1;
                }
                (b'/', Some(b'/')) => return code,
                (b'"' | b'\'', _) => quote = Some(byte),
                _ => code.push(byte),
            }
        }
        at += 1;
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"int run(int a)\n{\n\t/* stop(a); */\n\tsay(\"halt(\");\n\tgo (a); // turn(a)\n\trun_more(a);\n}\nint b(void)\n{\n\tstop(1);\n}\n";

    #[test]
    fn a_call_has_its_line_and_comments_strings_and_other_bodies_call_nothing() {
        let run = &crate::definitions("a.c", TEXT)[0];
        assert_eq!(call(TEXT, run, "go"), Some(5));
        assert_eq!(call(TEXT, run, "run_more"), Some(6));
        for no in ["stop", "halt", "turn", "run", "more", "b", ""] {
            assert_eq!(call(TEXT, run, no), None, "{no}");
        }
    }
}
