//! Lines that a mail program broke at its width, put together again.
//!
//! What tells a break: the program breaks where the next word would pass its width, so no line around is as
//! long as the two parts together would be, and the second part is nothing that the kernel begins a line with.
//!
//! Invariant: each line of the result begins where one of the input begins; empty lines stand in for those
//! that were joined, so the lines behind them keep their numbers.

use crate::shape;

/// Mail programs break at 72 to 80 columns; quote marks and tabs move that a little. Bytes.
const NARROWEST: usize = 62;
const WIDEST: usize = 82;
/// A last word from this length on may be what no program breaks. Bytes.
const UNBREAKABLE: usize = 30;
/// Lines on both sides among which the longest is looked for.
const AROUND: usize = 40;

/// Joins the lines of a paragraph (whole lines without their ends); `None` when nothing was broken.
pub(crate) fn join(lines: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
    let parts: Vec<bool> =
        (0..lines.len()).scan(None, |root, at| Some(is_part(lines, at, root))).collect();
    parts.contains(&true).then(|| {
        let mut out: Vec<Vec<u8>> = Vec::with_capacity(lines.len());
        let mut first = 0;
        for (at, line) in lines.iter().enumerate() {
            if !parts[at] {
                first = at;
                out.push(line.to_vec());
                continue;
            }
            let whole = &mut out[first];
            let end = whole.trim_ascii_end().len();
            whole.truncate(end);
            whole.push(b' ');
            whole.extend_from_slice(unquoted(line).1.trim_ascii());
            out.push(Vec::new());
        }
        out
    })
}

/// Whether a line is the rest of the one before; `root` is the line that the last one belongs to.
fn is_part(lines: &[&[u8]], at: usize, root: &mut Option<usize>) -> bool {
    let whole = root.replace(at);
    let Some(before) = at.checked_sub(1) else { return false };
    let (head, line) = (lines[before], lines[at]);
    let (depth, text) = unquoted(line);
    let (head_depth, head_text) = unquoted(head);
    // The release always stands behind the taint, whatever the width.
    let awaited = is_release(text) && awaits_release(head_text);
    // Marks of a quote may have come after the break.
    if head_text.len() > WIDEST || head.len() < NARROWEST / 2 && !awaited {
        return false;
    }
    let word =
        text.trim_ascii_start().iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
    let needed = head.trim_ascii_end().len() + 1 + word;
    if word == 0 || shape::is_stamped(line) {
        return false;
    }
    if needed <= NARROWEST && !awaited {
        return false;
    }
    // A quote whose rest slipped out of the marks, with the quote going on behind it.
    let slipped =
        depth < head_depth && lines.get(at + 1).is_some_and(|next| unquoted(next).0 == head_depth);
    if depth != head_depth && !slipped {
        return false;
    }
    if is_ended(head_text) {
        return false;
    }
    let root_line = lines[whole.unwrap_or(before)];
    let root_text = text_of(unquoted(root_line).1);
    let stamped = shape::is_stamped(root_line);
    let indent = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let text_read = text_of(text);
    let fits = if awaited {
        true
    } else if shape::begins(&text_read) {
        is_left_open(&text_of(head_text))
    } else {
        stamped || shape::begins(&root_text) && indent(text) <= indent(unquoted(root_line).1)
    };
    // `format=flowed` leaves a blank at the break, also where the header that says so is lost.
    let is_soft = head.ends_with(b" ") && needed > NARROWEST + 6;
    let is_part =
        fits && is_natural(&text_read) && (awaited || is_soft || !is_wider(lines, at, needed));
    if is_part {
        *root = whole;
    }
    is_part
}

/// Rulers, with a text in their middle or without, are whole, and so is what goes on elsewhere (`...`). A taint of some vendors ends in dashes too.
fn is_ended(text: &[u8]) -> bool {
    let text = crate::prefix::strip(text).1.trim_ascii();
    if text.ends_with(b"...") {
        return true;
    }
    ["---", "===", "***"]
        .iter()
        .any(|ruler| text.starts_with(ruler.as_bytes()) && text.ends_with(ruler.as_bytes()))
}

/// Diffs, rulers, marks of mail and coded attachments are no rest of a line.
fn is_natural(text: &str) -> bool {
    let text = text.trim();
    if text.len() > NARROWEST && !text.contains(' ') {
        return false;
    }
    ![
        "+++",
        "---",
        "@@",
        "diff --git",
        "-- ",
        "~~~",
        "```",
        "From: ",
        "Signed-off-by:",
        "Reported-by:",
    ]
    .iter()
    .any(|mark| text.starts_with(mark))
}

/// Whether a line ends in what the kernel prints before its release: `Not tainted`, `Tainted: G        W`.
fn awaits_release(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let head = head.trim_end();
    head.ends_with("Not tainted")
        || head.rsplit_once("Tainted: ").is_some_and(|(_, taint)| {
            !taint.is_empty() && taint.bytes().all(|b| b.is_ascii_uppercase() || b" -".contains(&b))
        })
}

/// Whether a text begins with a release: `6.1.0-rc7+ #60`.
fn is_release(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let major = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (1..=2).contains(&major)
        && text.get(major) == Some(&b'.')
        && text.get(major + 1).is_some_and(u8::is_ascii_digit)
}

/// Whether the line can only end where a function or a place follows.
fn is_left_open(head: &str) -> bool {
    let head = head.trim_end();
    // powerpc and sparc64: the stack pointer and the address, the function behind them.
    let is_address = |word: &str| {
        let digits = word.strip_prefix('[').and_then(|word| word.strip_suffix(']'));
        digits.is_some_and(|digits| {
            matches!(digits.len(), 8 | 16) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    [", at:", " at", " in", " from", ":]", "0010:", ">]", "("].iter().any(|end| head.ends_with(end))
        // The mark of a leftover, whose function stands behind it.
        || head == "?"
        || head.contains("irqs last ") && head.ends_with("):")
        || head.split_ascii_whitespace().all(is_address) && !head.is_empty()
}

/// Whether a line nearby is so long that the program did not break at `needed` bytes. A line without a blank in
/// its message cannot be broken and tells nothing, and programs break before a frame only now and then.
fn is_wider(lines: &[&[u8]], at: usize, needed: usize) -> bool {
    lines[at.saturating_sub(AROUND)..lines.len().min(at + AROUND)].iter().any(|line| {
        let line = line.trim_ascii_end();
        line.len() >= needed && {
            let (_, text) = crate::prefix::strip(line);
            let text = String::from_utf8_lossy(text.trim_ascii());
            // What no blank parts (an address on the web, a name) stays whole and passes any width.
            text.rsplit_once(' ').is_some_and(|(_, last)| {
                line.len() - last.len() >= needed || last.len() < UNBREAKABLE
            }) && crate::frame::parse(&text).is_none()
        }
    })
}

/// The number of quote marks and the text behind them.
fn unquoted(line: &[u8]) -> (usize, &[u8]) {
    let (mut depth, mut at) = (0, 0);
    while line.get(at) == Some(&b'>') {
        depth += 1;
        at += 1;
        if line.get(at) == Some(&b' ') {
            at += 1;
        }
    }
    (depth, &line[at..])
}

fn text_of(line: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(crate::prefix::strip(line).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str) -> Vec<String> {
        let lines: Vec<&[u8]> = text.lines().map(str::as_bytes).collect();
        join(&lines).map_or_else(
            || text.lines().map(str::to_owned).collect(),
            |lines| lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect(),
        )
    }

    #[test]
    fn a_stamped_line_takes_its_rest_and_the_next_keeps_its_number() {
        let text = "[   12.345678] CPU: 1 PID: 77 Comm: a worker Tainted: G        W\n6.1.0-rc7+ #60\n[   12.345680] Hardware name: QEMU Standard PC (i440FX + PIIX,\n1996), BIOS 1.0 01/01/2020\n[   12.345690] Call Trace:";
        assert_eq!(
            joined(text),
            [
                "[   12.345678] CPU: 1 PID: 77 Comm: a worker Tainted: G        W 6.1.0-rc7+ #60",
                "",
                "[   12.345680] Hardware name: QEMU Standard PC (i440FX + PIIX, 1996), BIOS 1.0 01/01/2020",
                "",
                "[   12.345690] Call Trace:",
            ]
        );
    }

    #[test]
    fn a_log_with_longer_lines_was_not_broken() {
        let text = "[   12.345678] usb 1-1: new high-speed USB device number 7 using xhci\nlogin as root is not allowed\n[   12.345680] usb 1-1: New USB device found, idVendor=0000, idProduct=0000, bcdDevice= 0.00";
        assert_eq!(joined(text).len(), 3);
        assert_eq!(joined(text)[1], "login as root is not allowed");
    }

    #[test]
    fn an_unstamped_line_is_joined_only_where_the_kernel_began_one() {
        let text = "CPU: 1 PID: 77 Comm: a worker Tainted: G        W         6.1.0\n#60\nRIP: 0010:do_it+0x1/0x2";
        assert_eq!(
            joined(text)[0],
            "CPU: 1 PID: 77 Comm: a worker Tainted: G        W         6.1.0 #60"
        );
        let prose = "This happens when the cable is pulled while the machine is busy\nwith a copy, and it does not come back.";
        assert_eq!(joined(prose).len(), 2);
        assert!(joined(prose)[1].starts_with("with"));
    }

    #[test]
    fn a_release_is_joined_to_its_taint_at_any_width() {
        let text = "[   12.345678] CPU: 5 PID: 7 Comm: rdma Tainted: G S        I\n  5.16.0-rc3 #1\n[   12.345679] R13: ffff9d4adade21e0 R14: 0000000000000005 R15: ffff9d4adade2220\nCPU: 1 Not tainted\n6.1.0 #7";
        let lines = joined(text);
        assert!(lines[0].ends_with("I 5.16.0-rc3 #1"), "{lines:?}");
        assert!(lines[3].ends_with("tainted 6.1.0 #7"), "{lines:?}");
    }

    #[test]
    fn a_frame_is_joined_to_the_addresses_before_it() {
        let text = "[   23.803491][   T13] [c00000002db2f440] [c000000000129400]\nturn_bed+0x40/0xc0\n[   23.803577][   T13] softirqs last  enabled at (473218):\n[<ffffffff8d60064a>] turn_softly+0x64a/0xa4c";
        let lines = joined(text);
        assert!(lines[0].ends_with("[c000000000129400] turn_bed+0x40/0xc0"), "{lines:?}");
        assert!(
            lines[2].ends_with("(473218): [<ffffffff8d60064a>] turn_softly+0x64a/0xa4c"),
            "{lines:?}"
        );
    }

    #[test]
    fn an_address_on_the_web_does_not_tell_the_width() {
        let text = "the log is at https://marl.example/pub/logs/2024/11/21/marl-bed-turn-console.txt\n[   12.345678] CPU: 1 PID: 77 Comm: marld Tainted: G  OE   --------- -  -\n4.18.0-305.el8.x86_64 #1\n[   12.345680] Hardware name: Marl 7";
        assert!(joined(text)[1].ends_with("-  - 4.18.0-305.el8.x86_64 #1"), "{:?}", joined(text));
        let ruler = "[   12.345678] ------------[ cut here, and more words until the line is wide ]----\nx y";
        assert_eq!(joined(ruler).len(), 2);
        assert_eq!(joined(ruler)[1], "x y");
    }

    #[test]
    fn the_rest_of_a_quoted_line_may_stand_outside_of_the_marks() {
        let text = "> [   12.345678] CPU: 1 PID: 77 Comm: a worker Tainted: G        W\n6.1.0 #60\n> [   12.345679] Call Trace:";
        assert!(joined(text)[0].ends_with("W 6.1.0 #60"));
    }
}
