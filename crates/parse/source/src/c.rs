//! Definitions of functions in C.

use memchr::{memchr, memchr_iter, memmem};

use crate::{Definition, is_start, is_word};

/// Bytes from the start of a definition to the brace of its body, at most.
const MAX_HEAD: usize = 4096;

/// Macros with arguments that stand beside the name of a function and are not its name.
const ATTRIBUTES: [&[u8]; 33] = [
    b"__attribute__",
    b"__printf",
    b"__scanf",
    b"__section",
    b"__aligned",
    b"__acquires",
    b"__releases",
    b"__must_hold",
    b"__cond_acquires",
    b"__cond_lock",
    b"__alloc_size",
    b"__alloc_align",
    b"__malloc",
    b"__no_sanitize",
    b"__target",
    b"__nonnull",
    b"__diagnose_as",
    b"__access",
    b"__assume_aligned",
    b"__declspec",
    b"__error",
    b"__warning",
    b"__alias",
    b"__ref_acquires",
    b"__counted_by",
    b"__copy",
    b"__acquires_shared",
    b"__releases_shared",
    b"__must_hold_shared",
    b"__cond_releases",
    b"__optimize",
    b"__cleanup",
    b"DECLSPEC",
];

/// Words before a bracket that make what follows no definition.
const NO_NAMES: [&[u8]; 8] =
    [b"if", b"for", b"while", b"switch", b"return", b"sizeof", b"typeof", b"defined"];

pub(crate) fn definitions(text: &[u8]) -> Vec<Definition<'_>> {
    let mut found = Vec::new();
    let mut lines = Lines { text, at: 0, line: 1 };
    let mut at = 0;
    while let Some(&first) = text.get(at) {
        if first == b'#' {
            at = after_directive(text, at);
            continue;
        }
        if !is_start(first) {
            at = next_line(text, at);
            continue;
        }
        match head(text, at) {
            Head::Function { name, brace } => {
                let end = body_end(text, brace);
                if let Some(Name { text: name, at: place, is_syscall }) = name {
                    let line = lines.of(place);
                    let end = lines.of(end.min(text.len().saturating_sub(1)));
                    found.push(Definition { name, is_syscall, line, end });
                }
                at = next_line(text, end);
            }
            Head::Other(end) => at = next_line(text, end.max(at)),
        }
    }
    found
}

/// Counts lines forward only.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line of a place, from 1.
    fn of(&mut self, at: usize) -> usize {
        if let Some(between) = self.text.get(self.at..at) {
            self.line += memchr_iter(b'\n', between).count();
            self.at = at;
        }
        self.line
    }
}

fn next_line(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    memchr(b'\n', rest).map_or(text.len(), |end| at + end + 1)
}

/// After a directive of the preprocessor with its continued lines.
fn after_directive(text: &[u8], mut at: usize) -> usize {
    loop {
        let next = next_line(text, at);
        let line = text.get(at..next).unwrap_or_default();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !line.ends_with(b"\\") || next >= text.len() {
            return next;
        }
        at = next;
    }
}

struct Name<'a> {
    text: &'a [u8],
    at: usize,
    is_syscall: bool,
}

enum Head<'a> {
    /// What it defines and where its body starts.
    Function { name: Option<Name<'a>>, brace: usize },
    /// Something else, which ends here.
    Other(usize),
}

/// Reads from the first column of a line up to what ends a head: `{` of a body, `;`, `=`.
fn head(text: &[u8], start: usize) -> Head<'_> {
    let limit = text.len().min(start + MAX_HEAD);
    let (mut at, mut depth) = (start, 0_usize);
    let mut word: Option<(usize, usize)> = None;
    let mut group: Option<(usize, usize, usize)> = None;
    while at < limit {
        let byte = text[at];
        match byte {
            b'/' if text.get(at + 1) == Some(&b'*') => {
                let rest = text.get(at + 2..limit).unwrap_or_default();
                let Some(end) = memmem::find(rest, b"*/") else { return Head::Other(at) };
                at += end + 4;
                continue;
            }
            b'/' if text.get(at + 1) == Some(&b'/') => {
                at = next_line(text, at);
                continue;
            }
            b'#' if depth == 0 && at > start && text[at - 1] == b'\n' => {
                return Head::Other(at - 1);
            }
            b'}' if depth == 0 => return Head::Other(at),
            b';' | b'=' | b'"' if depth == 0 => return Head::Other(at),
            b'{' if depth == 0 => {
                return Head::Function { name: group.and_then(|g| name(text, g)), brace: at };
            }
            b'(' => {
                if depth == 0
                    && let Some((from, to)) = word.take()
                    && !ATTRIBUTES.contains(&&text[from..to])
                {
                    if NO_NAMES.contains(&&text[from..to]) {
                        return Head::Other(at);
                    }
                    group = Some((from, to, at + 1));
                }
                depth += 1;
            }
            b')' => {
                let Some(less) = depth.checked_sub(1) else { return Head::Other(at) };
                depth = less;
                word = None;
            }
            _ if is_start(byte) => {
                let from = at;
                while at < limit && is_word(text[at]) {
                    at += 1;
                }
                if depth == 0 {
                    word = Some((from, at));
                }
                continue;
            }
            _ if byte.is_ascii_whitespace() => {}
            _ if depth == 0 => word = None,
            _ => {}
        }
        at += 1;
    }
    Head::Other(start)
}

/// The name that a head defines: the word before its brackets, or what a defining macro is told.
fn name(text: &[u8], (from, to, inside): (usize, usize, usize)) -> Option<Name<'_>> {
    let own = &text[from..to];
    let is_macro = own.iter().any(u8::is_ascii_uppercase)
        && own
            .iter()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_' || *b == b'x');
    if !is_macro {
        return Some(Name { text: own, at: from, is_syscall: false });
    }
    let rest = text.get(inside..)?;
    let blank = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
    let length = rest.get(blank..)?.iter().take_while(|b| is_word(**b)).count();
    let first = rest.get(blank..blank + length).filter(|word| !word.is_empty())?;
    let is_syscall = memmem::find(own, b"SYSCALL_DEFINE").is_some();
    Some(Name { text: first, at: inside + blank, is_syscall })
}

/// The last byte of a body: its brace closes on the same line, or in the first column of a later one.
fn body_end(text: &[u8], brace: usize) -> usize {
    let line_end = next_line(text, brace);
    let line = text.get(brace..line_end).unwrap_or_default();
    let open = memchr_iter(b'{', line).count();
    if open == memchr_iter(b'}', line).count() {
        return line_end.saturating_sub(1).max(brace);
    }
    let rest = text.get(brace..).unwrap_or_default();
    memmem::find(rest, b"\n}").map_or(text.len(), |end| brace + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, usize, usize)> {
        definitions(text.as_bytes())
            .into_iter()
            .map(|d| (String::from_utf8_lossy(d.name).into_owned(), d.line, d.end))
            .collect()
    }

    fn named(text: &str) -> Vec<String> {
        names(text).into_iter().map(|(name, ..)| name).collect()
    }

    #[test]
    fn a_definition_has_the_line_of_its_name_and_of_its_end() {
        let text = "#define X(a) \\\n  foo(a) {\n\nstatic int pump_run(struct pump *p,\n\t\t    int n)\n{\n\tif (n)\n\t\tgo(p);\nout:\n\treturn 0;\n}\n\nint\nlast(void)\n{\n}\n";
        assert_eq!(names(text), [("pump_run".to_owned(), 4, 11), ("last".to_owned(), 14, 16)]);
    }

    #[test]
    fn prototypes_tables_and_types_define_nothing() {
        let text = "int f(void);\nstruct s {\n\tint (*f)(int);\n};\nstatic const struct ops o = {\n\t.f = f,\n};\nmodule_init(f);\nunion u { int a; } x(void);\nstruct p { int a; } __attribute__((packed));\nenum e { A, B };\ntypedef int (*fn)(int);\n";
        assert_eq!(named(text), Vec::<String>::new());
    }

    #[test]
    fn attributes_are_not_names() {
        let text = "static __printf(1, 2) void say(const char *f, ...)\n{\n}\nstatic void drop(struct s *s) __releases(s->lock)\n{\n}\nvoid __init __weak early(void) { }\nstatic inline int one(int a) { return a; }\n";
        assert_eq!(named(text), ["say", "drop", "early", "one"]);
    }

    #[test]
    fn defining_macros_name_their_first_argument() {
        let text = "SYSCALL_DEFINE3(pump, int, a,\n\t\tint, b)\n{\n}\nDEFINE_IDTENTRY(exc_gear)\n{\n}\nEXPORT_SYMBOL(exc_gear)\n\nint next(void) /* { */\n{\n}\n";
        assert_eq!(named(text), ["pump", "exc_gear", "next"]);
        assert!(definitions(text.as_bytes())[0].is_syscall);
    }

    #[test]
    fn damaged_text_gives_what_can_be_read() {
        for text in ["", "a(", "a()", "a(){", "a))", "#\\", "a /*", "a(\"", "\u{fffd}(){"] {
            let _ = named(text);
        }
        assert_eq!(named("int a(void)\n{\n"), ["a"]);
        assert_eq!(names(&"f(".repeat(10_000)), []);
    }
}
