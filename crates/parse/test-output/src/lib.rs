//! Names the failure that a test's output shows, so that the same failure has the same name on every
//! commit and another failure another.
//!
//! Invariants: bytes in, text out; bounded work and memory; knows nothing about who ran the test.

/// How a line that announces a failure looks.
struct Sign {
    /// The text that gives it away.
    text: &'static str,
    /// Where the text stands.
    place: Place,
    /// How good a name the line makes; the best wins, and of equals the first in the output.
    rank: u8,
}

#[derive(Clone, Copy)]
enum Place {
    /// At the start of the line, after time stamps and the like are cut.
    Start,
    /// Anywhere.
    Inside,
}

const fn sign(rank: u8, place: Place, text: &'static str) -> Sign {
    Sign { text, place, rank }
}

/// The signs of a failure. To teach a new one, add a row and a sample to the test.
const SIGNS: &[Sign] = &[
    // Kernels.
    sign(9, Place::Start, "BUG: "),
    sign(9, Place::Start, "KASAN: "),
    sign(9, Place::Start, "kernel BUG at "),
    sign(9, Place::Start, "general protection fault"),
    sign(9, Place::Start, "Unable to handle kernel "),
    sign(9, Place::Start, "INFO: task "),
    sign(9, Place::Start, "INFO: rcu"),
    sign(9, Place::Start, "rcu: INFO: "),
    sign(9, Place::Start, "UBSAN: "),
    sign(8, Place::Start, "WARNING: "),
    sign(7, Place::Start, "Kernel panic - not syncing"),
    // Sanitizers and debuggers.
    sign(9, Place::Inside, "ERROR: AddressSanitizer: "),
    sign(9, Place::Inside, "WARNING: ThreadSanitizer: "),
    sign(9, Place::Inside, "ERROR: LeakSanitizer: "),
    sign(8, Place::Inside, "runtime error: "),
    // Languages and test programs.
    sign(8, Place::Inside, "' panicked at "),
    sign(8, Place::Inside, ") panicked at "),
    sign(8, Place::Start, "panic: "),
    sign(8, Place::Start, "fatal error: "),
    sign(8, Place::Inside, "Assertion `"),
    sign(8, Place::Inside, "Assertion failed"),
    sign(7, Place::Inside, "AssertionError"),
    sign(6, Place::Start, "--- FAIL: "),
    sign(6, Place::Start, "not ok "),
    sign(6, Place::Start, "FAILED "),
    sign(6, Place::Start, "FAIL: "),
    sign(5, Place::Inside, "Segmentation fault"),
    sign(4, Place::Start, "Error: "),
    sign(4, Place::Start, "error: "),
];

/// Longest name, in characters.
const LONGEST: usize = 120;
/// Longest line that is looked at, in bytes.
const LONGEST_LINE: usize = 4096;

/// The name of the failure that an output shows, if it shows one. Numbers and addresses, which differ
/// from run to run, are written as `N` and `ADDR`.
pub fn title(output: &[u8]) -> Option<String> {
    let mut best: Option<(u8, String)> = None;
    for line in output.split(|&byte| byte == b'\n') {
        let line = String::from_utf8_lossy(&line[..line.len().min(LONGEST_LINE)]);
        let text = without_stamps(line.trim());
        let found = SIGNS.iter().find(|sign| match sign.place {
            Place::Start => text.starts_with(sign.text),
            Place::Inside => text.contains(sign.text),
        });
        if let Some(sign) = found
            && best.as_ref().is_none_or(|(rank, _)| sign.rank > *rank)
        {
            best = Some((sign.rank, name(text)));
        }
    }
    best.map(|(_, title)| title)
}

/// Cuts what consoles and loggers write before the message: `[   12.345678][ T123] `.
fn without_stamps(line: &str) -> &str {
    let mut rest = line;
    while let Some(inside) = rest.strip_prefix('[')
        && let Some((stamp, after)) = inside.split_once(']')
        && stamp.chars().all(|c| c.is_ascii_alphanumeric() || " .:-+".contains(c))
    {
        rest = after.trim_start();
    }
    rest
}

fn name(line: &str) -> String {
    let mut name = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        if name.chars().count() >= LONGEST {
            break;
        }
        let starts_word = !name.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let run =
            rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_hexdigit() || c == 'x').len();
        if starts_word && rest.starts_with("0x") && run > 2
            || starts_word
                && run >= 8
                && !rest[..run].contains('x')
                && rest[..run].contains(|c: char| c.is_ascii_digit())
        {
            name.push_str("ADDR");
            rest = &rest[run..];
        } else if first.is_ascii_digit() && starts_word {
            name.push('N');
            rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        } else {
            name.push(if first.is_control() { ' ' } else { first });
            rest = &rest[first.len_utf8()..];
        }
    }
    name.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::title;

    #[test]
    fn failures_of_common_programs_are_named() {
        for (output, expected) in [
            (
                "booting\n[   12.345678][  T123] BUG: KASAN: use-after-free in foo_bar+0x1a/0x30\n",
                "BUG: KASAN: use-after-free in foo_bar+ADDR/ADDR",
            ),
            (
                "thread 'tests::adds' panicked at src/lib.rs:12:5:\nassertion failed\nerror: test failed",
                "thread 'tests::adds' panicked at src/lib.rs:N:N:",
            ),
            ("--- FAIL: TestQueue (0.03s)\nFAIL\n", "--- FAIL: TestQueue (N.Ns)"),
            (
                "==77==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010 at pc 0x1",
                "==N==ERROR: AddressSanitizer: heap-use-after-free on address ADDR at pc ADDR",
            ),
            (
                "queue: queue.c:31: pop: Assertion `n > 0' failed.",
                "queue: queue.c:N: pop: Assertion `n > N' failed.",
            ),
        ] {
            assert_eq!(title(output.as_bytes()).as_deref(), Some(expected));
        }
        assert_eq!(title(b"all fine\n"), None);
    }

    #[test]
    fn hostile_output_neither_panics_nor_grows() {
        let mut output = b"BUG: ".to_vec();
        output.extend(std::iter::repeat_n(0xff, 1_000_000));
        assert!(title(&output).unwrap().chars().count() <= 130);
    }
}
