//! Small helpers over lines of text: folding, words, sentences, identifiers.

/// White space folded to single blanks.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// A sentence and the offsets of its first and last byte in the text it was cut from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sentence<'a> {
    pub(crate) text: &'a str,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Sentence<'_> {
    /// Whether it ends in a question mark that ends a sentence, not one of a link or of code.
    pub(crate) fn is_question(&self) -> bool {
        let text = self.text.trim_end_matches([')', '"', '\'', '!', '*', '_']);
        let Some(before) = text.strip_suffix('?') else { return false };
        // Some write a blank before the mark.
        let tight = before.trim_end_matches(['?', '!']);
        // Some write a blank before the mark; `a ? b : c` is code.
        let loose = tight.trim_end();
        let is_prose = loose.split(' ').count() >= 3
            && loose.rsplit(' ').next().is_some_and(|w| {
                w.len() >= 2
                    && w.contains(char::is_alphabetic)
                    && w.chars().all(|c| c.is_alphanumeric() || "/_.-()'".contains(c))
            })
            && !loose.contains(" = ");
        let before = if tight.ends_with(' ') && is_prose { loose } else { tight };
        let last_word = before.rsplit(' ').next().unwrap_or(before);
        before.ends_with(|c: char| {
            c.is_alphanumeric() || matches!(c, ')' | '"' | '\'' | '`' | '*' | '_' | '%' | '/')
        }) && !last_word.contains("://")
            && before.contains(char::is_alphabetic)
    }
}

/// Cuts folded text into sentences at `.`, `?`, `!` before a blank. Common abbreviations do not end one.
pub(crate) fn sentences(text: &str) -> Vec<Sentence<'_>> {
    const SHORT: [&str; 9] =
        ["e.g.", "i.e.", "vs.", "etc.", "cf.", "approx.", "incl.", "Fig.", "No."];
    let mut found = Vec::new();
    let mut start = 0;
    let bytes = text.as_bytes();
    for at in 0..bytes.len() {
        if !matches!(bytes[at], b'.' | b'?' | b'!') {
            continue;
        }
        let mut end = at + 1;
        while end < bytes.len()
            && matches!(bytes[end], b'"' | b')' | b'\'' | b'?' | b'!' | b'*' | b'_')
        {
            end += 1;
        }
        if end < bytes.len() && bytes[end] != b' ' {
            continue;
        }
        if bytes[at] == b'.' && SHORT.iter().any(|s| text[..=at].ends_with(s)) {
            continue;
        }
        // `2. The lock` is one item of a list.
        if bytes[at] == b'.' && text[start..at].trim_start().bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        if end > start {
            let piece = text[start..end].trim_start();
            if !piece.is_empty() {
                found.push(Sentence { text: piece, start: end - piece.len(), end });
            }
        }
        start = end;
    }
    let rest = text[start..].trim();
    if !rest.is_empty() {
        let begin = text.len() - text[start..].trim_start().len();
        found.push(Sentence { text: rest, start: begin, end: text.len() });
    }
    found
}

/// Function names written as calls: `in_task()`.
pub(crate) fn calls(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("()") {
        let head = &text[..at];
        let length =
            head.bytes().rev().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        if length >= 3 {
            found.push(&head[head.len() - length..]);
        }
    }
    found
}

/// Stems of the words that carry meaning: lower case, the first five letters of longer words.
pub(crate) fn content_words(text: &str) -> Vec<String> {
    const STOP: [&str; 60] = [
        "about", "after", "again", "also", "another", "because", "been", "before", "being",
        "between", "both", "could", "does", "doing", "done", "each", "else", "even", "from",
        "have", "having", "here", "into", "just", "like", "make", "many", "might", "more", "most",
        "much", "need", "only", "other", "over", "patch", "please", "question", "really", "same",
        "should", "some", "such", "than", "that", "their", "them", "then", "there", "these",
        "they", "this", "those", "what", "when", "where", "which", "will", "with", "would",
    ];
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|w| w.len() >= 4)
        .map(str::to_lowercase)
        .filter(|w| !STOP.contains(&w.as_str()))
        .map(|w| if w.contains('_') { w } else { w.chars().take(5).collect() })
        .collect()
}

/// Whether `text` holds `phrase` with no letter on either side. Both in lower case.
pub(crate) fn has_phrase(text: &str, phrase: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    text.match_indices(phrase).any(|(at, _)| {
        let first = phrase.chars().next().is_some_and(char::is_alphanumeric);
        let last = phrase.chars().next_back().is_some_and(char::is_alphanumeric);
        (!first || edge(text[..at].chars().next_back()))
            && (!last || edge(text[at + phrase.len()..].chars().next()))
    })
}

/// Whether one of `phrases` stands in `lower`; which.
pub(crate) fn first_of<'p>(lower: &str, phrases: &[&'p str]) -> Option<&'p str> {
    phrases.iter().copied().find(|phrase| has_phrase(lower, phrase))
}

/// Whether `lower` begins with one of `phrases` as whole words.
pub(crate) fn starts_with_any(lower: &str, phrases: &[&str]) -> bool {
    let lower = lower.trim_start_matches(|c: char| !c.is_alphanumeric());
    phrases.iter().any(|phrase| {
        lower.strip_prefix(phrase).is_some_and(|rest| {
            rest.chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '\'')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn question_marks_of_links_and_code_end_no_question() {
        let asks = |text: &str| sentences(text).iter().filter(|s| s.is_question()).count();
        assert_eq!(asks("See https://x.example/bug?extid=1 first. Why not?"), 1);
        assert_eq!(asks("a = b ? c : d; is what it says"), 0);
        assert_eq!(asks("Is (this) right (or not)? e.g. so? Sure."), 2);
        assert_eq!(asks("[syzbot?] ? ?"), 0);
    }

    #[test]
    fn calls_are_told_from_words() {
        assert_eq!(calls("use in_task() or foo (x)"), ["in_task"]);
    }

    #[test]
    fn phrases_match_whole_words() {
        assert!(has_phrase("this races with x", "races with"));
        assert!(!has_phrase("traces within", "races with"));
    }
}
