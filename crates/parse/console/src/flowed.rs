//! Paragraphs of `format=flowed` (RFC 3676): a line that ends in a blank goes on in the next one.
//!
//! Invariant: each line of the result begins where one of the input begins; empty lines stand in for those
//! that were joined, so the lines behind them keep their numbers.

use crate::shape;

/// What the header of a part says: `format=flowed`, and with `delsp=yes` the blank at the break is not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flowed {
    pub(crate) delete_space: bool,
}

/// The quote marks in front of a line, and the text without its stuffed blank.
fn unquoted(line: &[u8]) -> (usize, &[u8]) {
    let depth = line.iter().take_while(|byte| **byte == b'>').count();
    let text = &line[depth..];
    (depth, text.strip_prefix(b" ").unwrap_or(text))
}

/// Joins the lines of a paragraph (whole lines without their ends).
pub(crate) fn join(lines: &[&[u8]], flowed: Flowed) -> Vec<Vec<u8>> {
    let mut out: Vec<Vec<u8>> = Vec::with_capacity(lines.len());
    // Where the open line stands in `out`, and its depth.
    let mut open: Option<(usize, usize)> = None;
    for line in lines {
        let (depth, text) = unquoted(line);
        let goes_on = text.ends_with(b" ") && text != b"-- ";
        let begins = || {
            let text = std::str::from_utf8(text).unwrap_or_default();
            shape::is_stamped(line) || shape::begins(text)
        };
        let at = match open.filter(|(_, of)| *of == depth && text != b"-- " && !begins()) {
            Some((at, _)) => {
                if flowed.delete_space {
                    out[at].pop();
                }
                out[at].extend_from_slice(text);
                out.push(Vec::new());
                at
            }
            None => {
                let mut first = vec![b'>'; depth];
                if depth > 0 && !text.is_empty() {
                    first.push(b' ');
                }
                first.extend_from_slice(text);
                out.push(first);
                out.len() - 1
            }
        };
        open = goes_on.then_some((at, depth));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str, delete_space: bool) -> Vec<String> {
        let lines: Vec<&[u8]> = text.lines().map(str::as_bytes).collect();
        join(&lines, Flowed { delete_space })
            .into_iter()
            .map(|line| String::from_utf8(line).unwrap())
            .collect()
    }

    #[test]
    fn lines_of_one_depth_are_joined_and_the_signature_is_not() {
        assert_eq!(joined("a \nb\n-- \nc", false), ["a b", "", "-- ", "c"]);
        assert_eq!(joined(">a \n>b \nc", false), ["> a b ", "", "c"]);
        assert_eq!(joined("a \nb", true), ["ab", ""]);
    }

    #[test]
    fn a_stuffed_blank_is_no_text() {
        assert_eq!(
            joined("  ? do_it+0x1/0x2\n From here", false),
            [" ? do_it+0x1/0x2", "From here"]
        );
    }

    #[test]
    fn a_line_of_the_kernel_that_ends_in_a_blank_is_whole() {
        let text = "[    1.000000] rcu: 1-...0: (1 GPs behind) fqs=2 \n[    1.000001] rcu: x";
        assert_eq!(joined(text, false).len(), 2);
        assert!(joined(text, false)[1].starts_with('['));
    }
}
