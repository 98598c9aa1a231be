//! One frame of a stack trace.
//!
//! Reads every shape that kernels 2.6 to 7.x print on the supported architectures, raw or
//! symbolised: ` func+0x1/0x2 [mod]`, ` ? func+0x1/0x2`, `[<ffffffff81000000>] func+0x1/0x2`,
//! ` func+0x1/0x2 file.c:12`, ` func file.c:12 [inline]`, ` func (file.c:12 file.c:7) mod` of `decode_stacktrace.sh`, `[c000…] [c000…] func+0x1/0x2` of
//! powerpc, `([<0000…>] func+0x1/0x2)` of s390, `pc : func+0x1/0x2` and `RIP: 0010:func+0x1/0x2`
//! registers.

/// One frame of a stack trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Function name as printed, compiler suffixes (`.isra.0`, `.cold`) included.
    pub function: &'a str,
    /// Offset into the function and the function's size, in bytes; absent for inlined frames.
    pub offset: Option<(u64, u64)>,
    /// Module, from `[mod]`.
    pub module: Option<&'a str>,
    /// Source file and line, in symbolised text.
    pub source: Option<(&'a str, u32)>,
    /// Marked `[inline]`.
    pub inline: bool,
    /// False for frames printed with `?`: words found on the stack that may be stale.
    pub reliable: bool,
    /// The calling function, where the frame names it too (`callee from caller` of arm).
    pub caller: Option<&'a str>,
}

/// Reads a stack frame from the message of a line; `None` when the line is not one.
///
/// Lines such as `RIP: 0010:f+0x1/0x2` are read by [`instruction_pointer`].
pub fn parse(text: &str) -> Option<Frame<'_>> {
    let mut rest = text.trim();
    // s390 marks frames of interrupted contexts by a parenthesis.
    if let Some(inner) = rest.strip_prefix('(') {
        rest = inner.strip_suffix(')').unwrap_or(inner).trim_start();
    }
    let addressed = skip_addresses(&mut rest);
    let mut reliable = true;
    if let Some(stale) = rest.strip_prefix("? ") {
        reliable = false;
        rest = stale.trim_start();
    }
    if skip_addresses(&mut rest) {
        rest = rest.trim_start();
    }
    let mut frame = match called_from(rest) {
        Some(frame) => frame,
        None => {
            let (frame, behind) = symbol_and_rest(rest, addressed)?;
            let is_call = frame.function.ends_with("()") && !frame.function.contains("::");
            if is_call || is_prose(behind) {
                return None;
            }
            frame
        }
    };
    frame.reliable = reliable && !rest.ends_with("(unreliable)");
    Some(frame)
}

/// Reads the function of an instruction pointer line: `RIP: 0010:f+0x1/0x2`,
/// `RIP: 0010:[<…>]  [<…>] f+0x1/0x2`, `EIP: f+0x1/0x2`, `pc : f+0x1/0x2`, `PC is at f+0x1/0x2`,
/// `NIP [c0…] f+0x1/0x2`, `epc : f+0x1/0x2`, `Krnl PSW : … (f+0x1/0x2)`, `TPC: <f+0x1/0x2>`, `ERA: 9000… f+0x1/0x2`.
pub fn instruction_pointer(text: &str) -> Option<Frame<'_>> {
    const HEADS: [&str; 13] = [
        "RIP:",
        "EIP is at ",
        "EIP:",
        "IP:",
        "PC is at ",
        "pc : ",
        "pc :",
        "NIP ",
        "epc : ",
        "epc :",
        "Krnl PSW : ",
        "--- interrupt: ",
        "--- Exception: ",
    ];
    // Other architectures: the name, blanks, a colon.
    const NAMES: [&str; 6] = ["epc", "pc", "PC", "ERA", "TPC", "IAOQ[0]"];
    let text = text.trim_start();
    let named = || {
        let (name, rest) = text.split_once(':')?;
        NAMES.contains(&name.trim_end()).then_some(rest)
    };
    let head = HEADS.iter().find(|head| text.starts_with(**head)).copied();
    let mut rest = match head {
        Some(head) => &text[head.len()..],
        None => named()?,
    }
    .trim_start();
    if let Some(inner) = rest.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
        rest = inner;
    }
    if head == Some("Krnl PSW : ") {
        rest = &rest[rest.find('(')? + 1..];
        rest = rest.strip_suffix(')').unwrap_or(rest);
    }
    // powerpc: `--- interrupt: 700 at f+0x1/0x2`.
    if text.starts_with("--- ") {
        rest = rest.split_once(" at ")?.1;
    }
    if let Some((segment, after)) = rest.split_once(':')
        && segment.len() == 4
        && segment.bytes().all(|b| b.is_ascii_hexdigit())
    {
        rest = after.trim_start();
    }
    skip_addresses(&mut rest);
    symbol(rest, false)
        .filter(|frame| frame.offset.is_some() || frame.source.is_some() && !frame.inline)
}

/// `(do_it) from [<80054321>] (caller+0x1/0x2)` and `do_it from caller+0x1/0x2` of arm: the frame
/// is that of `do_it`, whose offset is not printed.
fn called_from(text: &str) -> Option<Frame<'_>> {
    let (callee, mut caller) = text.split_once(" from ")?;
    skip_addresses(&mut caller);
    let caller = caller.trim_start_matches('(').trim_end_matches(')');
    let caller = symbol(caller, false).filter(|frame| frame.offset.is_some())?.function;
    let callee = callee.strip_prefix('(').and_then(|c| c.strip_suffix(')')).unwrap_or(callee);
    let (name, module) = match callee.split_once(" [") {
        Some((name, module)) => (name, module.strip_suffix(']')),
        None => (callee, None),
    };
    let function = name.split('+').next().filter(|name| !name.is_empty())?;
    function.bytes().all(is_symbol_byte).then_some(Frame {
        function,
        offset: None,
        module,
        source: None,
        inline: false,
        reliable: true,
        caller: Some(caller),
    })
}

/// Steps over `[<hex>]`, `[hex]`, `<hex>` and bare addresses (`0x…`, 8 or more hexadecimal digits);
/// tells whether there was one in brackets.
fn skip_addresses(rest: &mut &str) -> bool {
    let mut bracketed = false;
    loop {
        let bytes = rest.as_bytes();
        let open = bytes.iter().take_while(|b| matches!(b, b'[' | b'<')).count();
        let digits =
            bytes[open..].iter().take_while(|b| b.is_ascii_hexdigit() || **b == b'x').count();
        let close = bytes[open + digits..].iter().take_while(|b| matches!(b, b']' | b'>')).count();
        let end = open + digits + close;
        let is_address = if open == 0 {
            digits >= 8 && matches!(bytes.get(end), None | Some(b' ' | b'\t'))
        } else {
            close == open && digits >= 4
        };
        if !is_address || open > 2 {
            return bracketed;
        }
        bracketed |= open > 0;
        *rest = rest[end..].trim_start();
    }
}

fn is_symbol_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric()
        || matches!(b, b'_' | b'.' | b'$' | b':' | b'<' | b'>' | b'~' | b'&' | b'-' | b'@')
}

/// Whether what stands behind a place are the words of somebody who writes about it, or the colon of `faddr2line`.
fn is_prose(behind: &str) -> bool {
    let word = behind.split_ascii_whitespace().next().unwrap_or_default();
    behind.trim_start().starts_with([':', ',', ';', '.'])
        || (!word.is_empty() && word != "from" && word.bytes().all(|b| b.is_ascii_alphabetic()))
}

/// `func+0x1/0x2 [mod] file.c:12 [inline]`.
fn symbol(text: &str, bare_allowed: bool) -> Option<Frame<'_>> {
    symbol_and_rest(text, bare_allowed).map(|(frame, _)| frame)
}

/// The frame, and what stands behind it.
fn symbol_and_rest(text: &str, bare_allowed: bool) -> Option<(Frame<'_>, &str)> {
    let bytes = text.as_bytes();
    let length = symbol_length(bytes);
    let function = &text[..length];
    if !matches!(bytes.first()?, b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'<' | b'$' | b'.' | b'0'..=b'9')
    {
        return None;
    }
    let mut rest = &text[length..];
    // A path.
    if rest.starts_with('/') {
        return None;
    }
    let offset = match rest.strip_prefix('+') {
        Some(after) => {
            let (offset, after) = hex(after)?;
            let (size, after) = match after.strip_prefix('/') {
                Some(after) => hex(after)?,
                None => (0, after),
            };
            rest = after;
            Some((offset, size))
        }
        None => None,
    };
    rest = rest.trim_start();
    let module = module(&mut rest);
    let decoded = match offset {
        None => decoded_places(&mut rest),
        Some(_) => None,
    };
    let source = decoded.or_else(|| source(&mut rest));
    // Such frames name their module without brackets.
    let module = module.or_else(|| {
        let name = decoded.and(Some(rest.trim())).filter(|name| is_module_name(name))?;
        rest = "";
        Some(name)
    });
    let inline = rest.trim_start().starts_with("[inline]");
    let is_frame = offset.is_some()
        || (inline && source.is_some())
        || decoded.is_some()
        || (bare_allowed && rest.is_empty() && !function.bytes().all(|b| b.is_ascii_hexdigit()));
    let frame = Frame { function, offset, module, source, inline, reliable: true, caller: None };
    (is_frame && !function.is_empty()).then_some((frame, rest))
}

/// The length of a function name. Names of C++ and Rust hold spaces and parentheses when
/// demangled: inside `<…>` and `(…)` anything goes.
fn symbol_length(bytes: &[u8]) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(&b) = bytes.get(at) {
        match b {
            b'<' | b'(' | b'{' | b'[' if b != b'[' || depth > 0 => depth += 1,
            // `->` inside a name closes nothing.
            b'>' if at > 0 && bytes[at - 1] == b'-' => {}
            b'>' | b')' | b'}' | b']' if depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            b if is_symbol_byte(b) => {}
            _ => break,
        }
        at += 1;
    }
    if depth > 0 {
        // Never closed: read the plain name only.
        return bytes
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
            .count();
    }
    at
}

fn hex(text: &str) -> Option<(u64, &str)> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let length = digits.bytes().take_while(u8::is_ascii_hexdigit).count();
    let value = u64::from_str_radix(digits.get(..length)?, 16).ok()?;
    Some((value, &digits[length..]))
}

fn module<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let inner = rest.strip_prefix('[')?;
    let end = inner.find(']')?;
    let name = &inner[..end];
    if name == "inline" {
        return None;
    }
    // `[mod build-id]` carries the build id of the module.
    let name = name.split([' ', '(']).next().unwrap_or(name);
    *rest = inner[end + 1..].trim_start();
    is_module_name(name).then_some(name)
}

fn is_module_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// `(fs/a.c:12 (discriminator 2) fs/a.c:7) mod` in place of an offset: the places of the inlined functions, then
/// the function's own; `??:?` where the place is unknown.
fn decoded_places<'a>(rest: &mut &'a str) -> Option<(&'a str, u32)> {
    let inner = rest.strip_prefix('(')?;
    let mut last = None;
    let mut at = inner;
    loop {
        let word = at.split([' ', ')']).next()?;
        if word.starts_with("??:") {
            last = last.or(Some(("??", 0)));
            at = &at[word.len()..];
        } else {
            let mut one = &at[..word.len()];
            last = Some(source(&mut one)?);
            at = &at[word.len()..];
        }
        at = at.trim_start();
        // `(discriminator 2)` of the place before.
        if let Some(behind) = at.strip_prefix('(') {
            at = behind.split_once(')')?.1.trim_start();
        }
        if let Some(behind) = at.strip_prefix(')') {
            *rest = behind.trim_start();
            return last;
        }
    }
}

fn source<'a>(rest: &mut &'a str) -> Option<(&'a str, u32)> {
    let word = rest.split_ascii_whitespace().next()?;
    let (path, line) = word.rsplit_once(':')?;
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let (path, line) = match digits {
        0 => return None,
        _ => (path, line[..digits].parse().ok()?),
    };
    let is_path = path.rsplit_once('.').is_some_and(|(_, extension)| {
        matches!(extension, "c" | "h" | "S" | "s" | "rs" | "cc" | "cpp" | "inc")
    });
    if !is_path {
        return None;
    }
    let start = rest.find(word)?;
    *rest = &rest[start + word.len()..];
    Some((path, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f(text: &str) -> (&str, bool) {
        let frame = parse(text).unwrap_or_else(|| panic!("no frame in {text:?}"));
        (frame.function, frame.reliable)
    }

    #[test]
    fn frames_of_every_architecture() {
        assert_eq!(f(" do_it+0x1/0x2"), ("do_it", true));
        assert_eq!(f("  ? do_it+0x1/0x2 [mod]"), ("do_it", false));
        assert_eq!(f(" [<ffffffff81234567>] do_it.isra.0+0x1/0x2"), ("do_it.isra.0", true));
        assert_eq!(f(" [<ffffffff81234567>] ? do_it+0x1/0x2"), ("do_it", false));
        assert_eq!(
            f("[c0000000f4e3bd70] [c00000000036b3d4] do_it+0x74/0xb0 (unreliable)"),
            ("do_it", false)
        );
        assert_eq!(f("([<00000000001141a2>] do_it+0xba/0x1f8)"), ("do_it", true));
        assert_eq!(f(" [<0000000000a1b2c3>] do_it+0x4/0x10"), ("do_it", true));
        assert_eq!(f("[<80012345>] (do_it) from [<80054321>] (other+0x1/0x2)").0, "do_it");
    }

    #[test]
    fn symbolised_frames_carry_the_source() {
        let frame = parse(" do_it+0x1/0x2 mm/slab.c:12").unwrap();
        assert_eq!(frame.source, Some(("mm/slab.c", 12)));
        let frame = parse(" do_it include/linux/x.h:3 [inline]").unwrap();
        assert!(frame.inline && frame.offset.is_none());
        assert_eq!(frame.source, Some(("include/linux/x.h", 3)));
    }

    #[test]
    fn frames_of_decode_stacktrace_have_places_for_offsets() {
        let frame =
            parse(" ? do_it (fs/a.c:12 (discriminator 2) include/b.h:3 fs/a.c:7) shelf").unwrap();
        assert_eq!((frame.function, frame.source), ("do_it", Some(("fs/a.c", 7))));
        assert!(!frame.reliable && !frame.inline && frame.module == Some("shelf"));
        assert_eq!(parse(" do_it (??:?)").map(|frame| frame.function), Some("do_it"));
        assert_eq!(
            instruction_pointer("RIP: 0010:do_it (fs/a.c:12)").map(|f| f.function),
            Some("do_it")
        );
        for text in ["do_it (again)", "see do_it (fs/a.c:12)", "do_it (fs/a.c:12", "INFO: x (a)"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn names_of_modules_may_carry_their_taint() {
        assert_eq!(parse(" f+0x1/0x2 [shelf(OE)]").unwrap().module, Some("shelf"));
    }

    #[test]
    fn other_lines_are_not_frames() {
        for text in ["Call Trace:", " <TASK>", "Modules linked in: a b", "RAX: 0000", "a b c", ""] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_place_that_somebody_writes_about_is_no_frame() {
        for text in [
            "shelf_read()+0x10/0x80",
            "shelf_read+0x10/0x80 is where it crashed",
            "shelf_read+0x10/0x80, again",
            "shelf_read+0x10/0x80:",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
        for text in [
            "f+0x1/0x2 (P)",
            "f+0x1/0x2 [shelf] (unreliable)",
            "f+0x1/0x2 a/b.c:7 (discriminator 2)",
        ] {
            assert_eq!(parse(text).map(|frame| frame.function), Some("f"), "{text:?}");
        }
    }

    #[test]
    fn instruction_pointers_are_read() {
        for text in [
            "RIP: 0010:do_it+0x1/0x2 mm/a.c:1",
            "RIP: 0010:[<ffffffff82d4e304>]  [<ffffffff82d4e304>] do_it+0x24/0x30",
            "pc : do_it+0x1/0x2",
            "PC is at do_it+0x1/0x2",
            "NIP [c000000000012345] do_it+0x1/0x2",
            "EIP: do_it+0x1/0x2",
            "epc : do_it+0x1/0x2",
            "Krnl PSW : 0704c00180000000 00000000001141a2 (do_it+0xba/0x1f8)",
            "epc   : 80392b5c do_it+0x228/0x45c",
            "  ERA: 900000000410645c do_it+0x1c/0x60",
            "TPC: <do_it+0x34/0x140>",
            " IAOQ[0]: do_it+0x44/0x90",
            "PC: [<00248972>] do_it+0xe/0x1a",
        ] {
            assert_eq!(instruction_pointer(text).map(|f| f.function), Some("do_it"), "{text:?}");
        }
        assert_eq!(instruction_pointer("RIP: 0033:0x447cf9"), None);
    }
}
