//! `function+0xoffset/0xsize [module]` wherever it stands in a line.

use parse_console::frame::instruction_pointer;

/// A function with an offset, in the text of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot<'a> {
    /// Where it begins in the text.
    pub start: usize,
    /// Where it ends, module included.
    pub end: usize,
    /// Name as printed, compiler suffixes included.
    pub function: &'a str,
    /// Bytes from the start of the function.
    pub offset: u64,
    /// Bytes up to the next name; 0 where the line has none.
    pub size: u64,
    /// The module, from `[mod]`.
    pub module: Option<&'a str>,
    /// The module's build id, from `[mod build-id]`.
    pub module_build_id: Option<&'a str>,
    /// The raw address, from `[<address>] function+…`.
    pub address: Option<u64>,
    /// Which instruction is meant.
    pub points: Points,
}

/// Which instruction an address means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Points {
    /// The instruction at it: an instruction pointer, a function's first byte.
    At,
    /// The one before it: a return address stands behind the call.
    Behind,
}

/// All functions with offsets in the text of a line, in order. Those that have a file and line already are left out.
pub fn spots(text: &str) -> Vec<Spot<'_>> {
    let bytes = text.as_bytes();
    let mut found: Vec<Spot<'_>> = Vec::new();
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(&bytes[from..], b"+0x").map(|at| from + at) {
        from = at + 3;
        if let Some(spot) = spot(text, at) {
            from = spot.end.max(from);
            if !has_source(&text[spot.end..]) {
                found.push(spot);
            }
        }
    }
    if let Some(pointer) = instruction_pointer(text)
        && let Some(spot) = found.iter_mut().find(|spot| spot.function == pointer.function)
    {
        spot.points = Points::At;
    }
    found
}

/// The spot whose `+` stands at `plus`.
fn spot(text: &str, plus: usize) -> Option<Spot<'_>> {
    let bytes = text.as_bytes();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$');
    let start = plus - bytes[..plus].iter().rev().take_while(|byte| is_name(byte)).count();
    let function = text.get(start..plus)?;
    let first = function.bytes().next()?;
    if first.is_ascii_digit() || first == b'$' || !function.bytes().any(|b| b.is_ascii_alphabetic())
    {
        return None;
    }
    let (offset, mut at) = hexadecimal(bytes, plus + 3)?;
    // Without a size nothing tells which kernel it is of; `%pS` always prints it.
    if !bytes.get(at..)?.starts_with(b"/0x") {
        return None;
    }
    let (size, end) = hexadecimal(bytes, at + 3)?;
    at = end;
    // A number that goes on is none: the line is damaged.
    if bytes.get(at).is_some_and(is_name) {
        return None;
    }
    let (module, module_build_id, end) = module(text, at);
    let before = text[..start].trim_end();
    let points =
        if offset == 0 || before.starts_with("WARNING:") { Points::At } else { Points::Behind };
    Some(Spot {
        start,
        end,
        function,
        offset,
        size,
        module,
        module_build_id,
        address: address(before),
        points,
    })
}

/// The number whose digits begin at `at`, and where they end.
fn hexadecimal(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let digits = bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let text = std::str::from_utf8(&bytes[at..at + digits]).ok()?;
    Some((u64::from_str_radix(text, 16).ok()?, at + digits))
}

/// ` [mod]` or ` [mod build-id]` at `at`: module, build id, end.
fn module(text: &str, at: usize) -> (Option<&str>, Option<&str>, usize) {
    let none = (None, None, at);
    let Some(inner) = text[at..].strip_prefix(" [") else { return none };
    let Some(length) = inner.find(']') else { return none };
    let mut words = inner[..length].split(' ');
    // `[mod(OE)]` carries the taint.
    let name = words.next().unwrap_or_default().split('(').next().unwrap_or_default();
    let is_module = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.is_empty() || name == "inline" || !name.bytes().all(is_module) {
        return none;
    }
    let build_id = words.next().filter(|word| is_build_id(word));
    (Some(name), build_id, at + 2 + length + 1)
}

/// Digits of a build id: 8 to 32 bytes.
pub(crate) fn is_build_id(word: &str) -> bool {
    (16..=64).contains(&word.len())
        && word.len().is_multiple_of(2)
        && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The address in `[<address>]` at the end of a text; `? ` may follow it.
fn address(before: &str) -> Option<u64> {
    let before = before.strip_suffix('?').map_or(before, str::trim_end);
    let inner = before.strip_suffix(">]")?;
    let digits = &inner[inner.rfind("[<")? + 2..];
    parsed(digits)
}

fn parsed(digits: &str) -> Option<u64> {
    // Hashed and zeroed pointers are no addresses of code; those of 64-bit kernels have their top bit set.
    let value = u64::from_str_radix(digits.trim_start_matches("0x"), 16).ok()?;
    (value >> 31 != 0 && (digits.trim_start_matches("0x").len() == 8 || value >> 63 == 1))
        .then_some(value)
}

/// ` file.c:12` behind a spot: it is symbolised already.
fn has_source(rest: &str) -> bool {
    let word = rest.split_ascii_whitespace().next().unwrap_or_default().trim_start_matches('(');
    let Some((path, line)) = word.rsplit_once(':') else { return false };
    line.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
        && [".c", ".h", ".S", ".rs"].iter().any(|end| path.ends_with(end))
}

/// An address without a name, where a frame stands or an instruction pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bare {
    /// Where it begins in the text.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// The address.
    pub address: u64,
    /// Which instruction is meant.
    pub points: Points,
}

/// The address of a line that is nothing but one: ` ? 0xffffffffc0001234`, ` [<ffffffff81001234>]`,
/// `RIP: 0010:0xffffffffc0001234`.
pub fn bare_address(text: &str) -> Option<Bare> {
    let trimmed = text.trim();
    let mut rest = trimmed.trim_start_matches(['?', ' ']);
    let mut points = Points::Behind;
    for head in ["RIP: 0010:", "RIP: e030:", "pc : ", "IP: "] {
        if let Some(behind) = rest.strip_prefix(head) {
            (rest, points) = (behind, Points::At);
        }
    }
    let inner = rest.strip_prefix("[<").and_then(|rest| rest.strip_suffix(">]"));
    let digits = inner.or_else(|| rest.strip_prefix("0x"))?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let address = parsed(digits).filter(|address| address >> 63 == 1)?;
    let start = text.find(rest)?;
    Some(Bare { start, end: start + rest.len(), address, points })
}

/// Whether the line gives the instruction pointer of user mode, whose code bytes are no kernel's.
pub fn is_user_mode(text: &str) -> bool {
    // The code segment of user mode has privilege 3 in its low bits: 0x33, 0x23.
    text.trim_start()
        .strip_prefix("RIP: ")
        .is_some_and(|rest| rest.starts_with("0033:") || rest.starts_with("0023:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Spot<'_> {
        spots(text).into_iter().next().unwrap_or_else(|| panic!("nothing in {text:?}"))
    }

    #[test]
    fn functions_with_offsets_are_found_wherever_they_stand() {
        for text in [
            " do_it+0x1a/0x2b0",
            " ? do_it+0x1a/0x2b0",
            " [<ffffffff81234567>] do_it+0x1a/0x2b0",
            "RIP: 0010:do_it+0x1a/0x2b0",
            "hardirqs last  enabled at (123): [<ffffffff81234567>] do_it+0x1a/0x2b0",
            " #0: ffff888003a1b2c8 (&x->lock){+.+.}-{3:3}, at: do_it+0x1a/0x2b0",
            "BUG: KASAN: slab-use-after-free in do_it+0x1a/0x2b0",
            "(do_it+0x1a/0x2b0)",
        ] {
            let spot = one(text);
            assert_eq!((spot.function, spot.offset, spot.size), ("do_it", 0x1a, 0x2b0), "{text:?}");
        }
        let spot = one(" xfs_do-it.isra.0+0x1/0x2 [xfs 0123456789abcdef0123]");
        assert_eq!(spot.function, "it.isra.0");
        assert_eq!(spot.module, Some("xfs"));
        assert_eq!(spot.module_build_id, Some("0123456789abcdef0123"));
        assert_eq!(one(" f+0x1/0x2 [mod(OE)]").module, Some("mod"));
        assert_eq!(spots("a+0x1/0x20 and b+0x2/0x30 [m]").len(), 2);
    }

    #[test]
    fn what_is_damaged_or_symbolised_already_is_left_alone() {
        for text in [
            " do_it+0x1a",
            " do_it+0x1a/0x",
            " do_it+0x1a/0x2bzz",
            " +0x1/0x2",
            " 12+0x1/0x2",
            " do_it+0x1/0x2 mm/slub.c:12",
            " do_it+0x1/0x2 [xfs] fs/xfs/xfs.c:12 (discriminator 2)",
        ] {
            assert!(spots(text).is_empty(), "{text:?}");
        }
    }

    #[test]
    fn an_instruction_pointer_means_its_instruction_and_a_frame_the_call_before_it() {
        assert_eq!(one("RIP: 0010:f+0x1/0x2").points, Points::At);
        assert_eq!(one("pc : f+0x1/0x2 [m]").points, Points::At);
        assert_eq!(one("WARNING: CPU: 0 PID: 1 at mm/a.c:3 f+0x1/0x2").points, Points::At);
        assert_eq!(one("lr : f+0x1/0x2").points, Points::Behind);
        assert_eq!(one(" f+0x1/0x2").points, Points::Behind);
        assert_eq!(one(" ? __pfx_f+0x0/0x10").points, Points::At);
    }

    #[test]
    fn raw_addresses_are_read_where_nothing_else_stands() {
        assert_eq!(one(" [<ffffffff81234567>] ? f+0x1/0x2").address, Some(0xffff_ffff_8123_4567));
        assert_eq!(one(" [<0000000012345678>] f+0x1/0x2").address, None);
        let bare = bare_address(" ? 0xffffffffc0001234").unwrap();
        assert_eq!((bare.address, bare.points), (0xffff_ffff_c000_1234, Points::Behind));
        assert_eq!(bare_address("RIP: 0010:0xffffffffc0001234").unwrap().points, Points::At);
        for text in
            ["RIP: 0033:0x447380", "0x1234", "RAX: ffffffff81234567", "0xffffffff81234567 is odd"]
        {
            assert_eq!(bare_address(text), None, "{text:?}");
        }
        assert!(is_user_mode("RIP: 0033:0x447380") && !is_user_mode("RIP: 0010:f+0x1/0x2"));
    }
}
