//! An analysis that came as a raw mail in MIME: its text as the reader of the mail sees it.
//!
//! Invariants: where the transfer encoding keeps lines, each line keeps its number in the file; a line that the mailer
//! broke softly is given back on the lines it stood on, cut at blanks, or whole on the first of them where it is a
//! kernel's. Attachments are not the author's words.

use parse_mail::Message;

/// A decoded mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    /// The text to judge.
    pub(crate) text: Vec<u8>,
    /// Line numbers are those of the decoded text: base64 has no lines.
    pub(crate) renumbered: bool,
    /// The names of attachments with their first line.
    pub(crate) attachments: Vec<(String, u64)>,
    /// The mail has HTML, with the line that says so.
    pub(crate) html: Option<u64>,
}

/// How much of a file is searched for the end of the head of a mail, in bytes.
const MOST_HEAD: usize = 64 << 10;

/// Decodes a mail whose head declares a structure or an encoding; nothing for anything else.
pub(crate) fn open(bytes: &[u8]) -> Option<Letter> {
    // The separator of an mbox stands in front of the head.
    let (skipped, mail) = match bytes.starts_with(b"From ") {
        true => {
            let end = bytes.iter().position(|b| *b == b'\n')? + 1;
            (1, &bytes[end..])
        }
        false => (0, bytes),
    };
    if !declares_mime(mail) {
        return None;
    }
    let message = parse_mail::message(mail, skipped + 1);
    if message.body.is_empty() {
        return None;
    }
    let raw: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
    let html = raw.iter().position(|line| {
        let lower = String::from_utf8_lossy(&line[..line.len().min(200)]).to_ascii_lowercase();
        lower.trim_start().starts_with("content-type: text/html")
    });
    let attachments = message
        .parts
        .iter()
        .filter_map(|part| {
            let name = part.attachment.clone()?;
            Some((name, message.body.line(part.first).number))
        })
        .collect();
    let head: Vec<&[u8]> =
        raw.iter().copied().take_while(|line| !line.iter().all(u8::is_ascii_whitespace)).collect();
    let (text, renumbered) = lay_out(&message, &raw, &head);
    Some(Letter { text, renumbered, attachments, html: html.map(|at| at as u64 + 1) })
}

fn declares_mime(mail: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&mail[..mail.len().min(MOST_HEAD)]);
    let mut known = 0;
    let mut structured = false;
    for (at, line) in head.lines().enumerate() {
        if line.trim().is_empty() {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if at == 0 && !lower.contains(':') {
            return false;
        }
        known += usize::from(
            ["from:", "to:", "subject:", "date:", "message-id:", "mime-version:", "received:"]
                .iter()
                .any(|name| lower.starts_with(name)),
        );
        structured |= lower.starts_with("content-type: multipart/")
            || lower.starts_with("content-type: text/html")
            || (lower.starts_with("content-transfer-encoding:")
                && (lower.contains("quoted-printable") || lower.contains("base64")));
    }
    known >= 2 && structured
}

/// The lines of the own text, each at its number; decoded one after the other where numbers collide.
fn lay_out(message: &Message, raw: &[&[u8]], head: &[&[u8]]) -> (Vec<u8>, bool) {
    let own = |index: usize| {
        !message.parts.iter().any(|p| p.attachment.is_some() && (p.first..p.end).contains(&index))
    };
    let lines: Vec<(u64, &str)> = (0..message.body.len())
        .filter(|index| own(*index))
        .map(|index| message.body.line(index))
        .map(|line| (line.number, line.text))
        .collect();
    let collide = lines.windows(2).any(|pair| pair[1].0 <= pair[0].0);
    let mut out: Vec<String> =
        head.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    if collide {
        out.push(String::new());
        out.extend(lines.iter().map(|(_, text)| (*text).to_owned()));
        return (out.join("\n").into_bytes(), true);
    }
    out.resize(raw.len(), String::new());
    for (at, (number, text)) in lines.iter().enumerate() {
        let first = usize::try_from(*number).unwrap_or(usize::MAX).saturating_sub(1);
        if first >= out.len() {
            continue;
        }
        // The lines up to the next one belong to this one, as far as they end in a soft break.
        let mut broken = 1;
        let next = lines.get(at + 1).map_or(raw.len(), |(n, _)| *n as usize - 1);
        while first + broken < next.min(raw.len())
            && raw[first + broken - 1].trim_ascii_end().ends_with(b"=")
        {
            broken += 1;
        }
        let widths: Vec<usize> = raw[first..first + broken].iter().map(|l| l.len()).collect();
        for (offset, piece) in cut(text, &widths).into_iter().enumerate() {
            out[first + offset] = piece;
        }
    }
    (out.join("\n").into_bytes(), false)
}

/// A text on as many lines as it stood on, cut at blanks.
fn cut(text: &str, widths: &[usize]) -> Vec<String> {
    let whole = text.starts_with('>')
        || parse_console::lines(text.as_bytes())
            .next()
            .is_some_and(|l| crate::console::is_console(&l));
    if widths.len() < 2 || whole {
        return vec![text.to_owned()];
    }
    let mut out = Vec::with_capacity(widths.len());
    let mut rest = text;
    for width in &widths[..widths.len() - 1] {
        let limit = rest.floor_char_boundary(*width);
        let Some(at) = rest[..limit].rfind(' ') else { break };
        out.push(rest[..at].to_owned());
        rest = &rest[at + 1..];
    }
    out.push(rest.to_owned());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(mail: &str) -> (Vec<String>, Letter) {
        let letter = open(mail.as_bytes()).expect("a mail");
        let lines = String::from_utf8(letter.text.clone()).expect("text");
        (lines.lines().map(str::to_owned).collect(), letter)
    }

    #[test]
    fn soft_breaks_keep_the_numbers_of_lines() {
        let (lines, letter) = text(
            "From: a@b.org\nSubject: x\nContent-Transfer-Encoding: quoted-printable\nContent-Type: text/plain\n\nCPU 1 was stuck for as lo=\nng as 22=20s =3D much.\nNext.\n",
        );
        assert_eq!(lines[5..8], ["CPU 1 was stuck for as", "long as 22 s = much.", "Next."]);
        assert!(!letter.renumbered);
    }

    #[test]
    fn attachments_are_not_the_authors_words() {
        let (lines, letter) = text(
            "From: a@b.org\nSubject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"X\"\n\n--X\nContent-Type: text/plain\n\nHello.\n--X\nContent-Type: text/x-patch\nContent-Disposition: attachment; filename=\"a.patch\"\n\n--- a/x\n--X--\n",
        );
        assert_eq!(lines[8], "Hello.");
        assert!(lines.iter().all(|l| !l.contains("--- a/x")), "{lines:?}");
        assert_eq!(letter.attachments, [("a.patch".to_owned(), 14)]);
    }

    #[test]
    fn base64_is_decoded_and_says_that_lines_are_counted_anew() {
        let (lines, letter) = text(
            "From: a@b.org\nSubject: x\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\nT25lLgpUd28uCg==\n",
        );
        assert_eq!(lines[5..], ["One.", "Two."]);
        assert!(letter.renumbered);
    }

    #[test]
    fn what_is_no_mail_stays_as_it_is() {
        for text in ["", "Hello\n", "From: x\n\nContent-Type: text/html\n", "From \n"] {
            assert_eq!(open(text.as_bytes()), None, "{text:?}");
        }
    }
}
