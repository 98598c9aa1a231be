//! Pull requests: what is to be pulled from where, and whether somebody says that it was. That it
//! was merged only a tree can show.

use model::LineSpan;
use parse_mail::{Body, Message, quote};

use crate::model::{PullRequest, Pulled, Thread};

pub(crate) fn find(all: &[&Message], thread: &mut Thread) {
    for (entry, message) in all.iter().enumerate() {
        if !message.subject.is_pull || message.subject.is_reply {
            continue;
        }
        let Some(mut pull) = request(&message.body, entry) else { continue };
        pull.pulled = (entry + 1..all.len())
            .filter(|other| answers(*other, entry, thread))
            .find_map(|other| pulled(&all[other].body, other));
        thread.pulls.push(pull);
    }
}

/// The lines that `git request-pull` writes.
fn request(body: &Body, entry: usize) -> Option<PullRequest> {
    let mut pull = PullRequest {
        entry,
        lines: LineSpan::line(0),
        url: String::new(),
        reference: None,
        base: None,
        head: None,
        pulled: None,
    };
    let mut first = None;
    for index in 0..body.len() {
        let line = body.line(index);
        if quote(line.text).depth > 0 {
            continue;
        }
        let lower = line.text.trim().to_ascii_lowercase();
        if let Some(id) = hex_behind(&lower, "the following changes since commit ") {
            pull.base = Some(id);
        } else if lower.ends_with("available in the git repository at:") {
            let place = (index + 1..body.len().min(index + 4))
                .map(|i| body.line(i))
                .find(|l| !l.text.trim().is_empty())?;
            let mut words = place.text.split_whitespace();
            pull.url = words.next()?.to_owned();
            pull.reference = words.next().map(str::to_owned);
            first = Some(line.number);
            pull.lines = LineSpan::new(line.number, place.number);
        } else if let Some(id) = hex_behind(&lower, "for you to fetch changes up to ") {
            pull.head = Some(id);
            if let Some(first) = first {
                pull.lines = LineSpan::new(first, line.number);
            }
        }
    }
    first.map(|_| pull)
}

/// `has been merged into TREE:` and the commit on the next lines, as the tracker of kernel.org writes.
fn pulled(body: &Body, entry: usize) -> Option<Pulled> {
    for index in 0..body.len() {
        let line = body.line(index);
        if quote(line.text).depth > 0 {
            continue;
        }
        if says_pulled(&line.text.to_lowercase()) {
            return Some(Pulled { entry, line: line.number, commit: None });
        }
        if !line.text.contains("has been merged into ") {
            continue;
        }
        let commit = (index..body.len().min(index + 4)).find_map(|i| {
            let text = body.line(i).text;
            let at =
                text.find("/c/").map(|at| at + 3).or_else(|| text.find("id=").map(|a| a + 3))?;
            hex_behind(&text[at..].to_ascii_lowercase(), "")
        });
        return Some(Pulled { entry, line: line.number, commit });
    }
    None
}

/// `Pulled, thanks.`, `Merged into drm-next.`: a line, in small letters, that begins so.
fn says_pulled(lower: &str) -> bool {
    let text = lower.trim_start();
    let text = ["thanks, ", "thank you, ", "now ", "ok, ", "and "]
        .iter()
        .find_map(|w| text.strip_prefix(w))
        .unwrap_or(text);
    ["pulled", "merged"].iter().any(|word| {
        text.strip_prefix(word).is_some_and(|rest| {
            rest.is_empty()
                || rest.starts_with(['.', ',', '!'])
                || [" into ", " to ", " and ", " thanks", " now"]
                    .iter()
                    .any(|w| rest.starts_with(w))
        }) && !text.trim_end().ends_with('?')
    })
}

fn answers(other: usize, entry: usize, thread: &Thread) -> bool {
    let mut up = thread.entries[other].parent;
    for _ in 0..thread.entries.len() {
        match up {
            Some(at) if at == entry => return true,
            Some(at) => up = thread.entries[at].parent,
            None => return false,
        }
    }
    false
}

/// The id of a commit behind `words`.
fn hex_behind(text: &str, words: &str) -> Option<String> {
    let rest = text.strip_prefix(words)?;
    let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
    (8..=64).contains(&end).then(|| rest[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::says_pulled;

    #[test]
    fn a_line_that_begins_with_the_word_says_that_it_was_pulled() {
        for text in ["pulled, thanks.", "thanks, pulled", "merged into drm-next.", "pulled"] {
            assert!(says_pulled(text), "{text}");
        }
        for text in
            ["merged by whom?", "pulled muscles hurt", "please pull", "merged branches conflict"]
        {
            assert!(!says_pulled(text), "{text}");
        }
    }
}
