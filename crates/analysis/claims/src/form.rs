//! The form of an analysis, as a kernel list would receive it.
//!
//! Invariant: form says nothing about truth; a finding names the lines and what to do instead.

use std::sync::LazyLock;

use model::LineSpan;
use regex::Regex;

use crate::document::{Document, LineKind};

/// One thing that a list would refuse or a reader would stumble over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormFinding {
    /// The row of [`FORM_RULES`].
    pub rule: &'static str,
    /// What was found.
    pub text: String,
    /// Where; the first few of many.
    pub lines: Vec<LineSpan>,
}

/// Finds what a rule of form objects to: the statement and the lines.
type Find = fn(&Document<'_>) -> Option<(String, Vec<LineSpan>)>;

/// A row of the table of form.
pub struct FormRule {
    /// Identifier.
    pub id: &'static str,
    /// What it looks for.
    pub looks_for: &'static str,
    /// Why it matters, and what to do.
    pub advice: &'static str,
    find: Find,
}

/// Words from which on a text counts as long for a mail that answers a report.
const LONG: usize = 600;
/// A key fact that stands behind this line comes late.
const LATE: u64 = 30;
/// Columns from which on a line of prose counts as not wrapped.
const WIDE: usize = 100;

/// All rules of form. Source: Documentation/process (email-clients, submitting-patches, security-bugs,
/// reporting-issues) and what readers of kernel lists ask for.
pub static FORM_RULES: &[FormRule] = &[
    FormRule {
        id: "F01",
        looks_for: "Markdown",
        advice: "lists take plain text: headings, bold and fences stay as noise",
        find: markdown,
    },
    FormRule { id: "F02", looks_for: "HTML", advice: "lists refuse HTML mail", find: html },
    FormRule {
        id: "F03",
        looks_for: "characters outside ASCII",
        advice: "arrows, dashes and bullets break in many readers; write -> and -",
        find: non_ascii,
    },
    FormRule {
        id: "F04",
        looks_for: "length, and where the key fact stands",
        advice: "summary first, the decisive lines near the top",
        find: length,
    },
    FormRule {
        id: "F05",
        looks_for: "quotation of the report that is answered",
        advice: "quote the lines you speak of with >",
        find: no_quotation,
    },
    FormRule {
        id: "F06",
        looks_for: "who reported it, and what it closes",
        advice: "name the reporter and the report: Reported-by, Closes or a link",
        find: no_reporter,
    },
    FormRule {
        id: "F08",
        looks_for: "what a reader needs to repeat it",
        advice: "give the commit or release, the configuration, the reproducer and the log",
        find: missing_particulars,
    },
    FormRule {
        id: "F09",
        looks_for: "text that comes twice",
        advice: "send one version",
        find: repeated,
    },
    FormRule {
        id: "F10",
        looks_for: "drafting text and placeholders",
        advice: "remove what was not meant for the reader",
        find: drafts,
    },
    FormRule {
        id: "F11",
        looks_for: "lines that are not wrapped",
        advice: "wrap prose at 75 columns, never wrap logs",
        find: unwrapped,
    },
    FormRule {
        id: "F12",
        looks_for: "links that will be gone",
        advice: "put the text into the mail; paste services forget",
        find: perishable,
    },
    FormRule {
        id: "F13",
        looks_for: "attachments",
        advice: "patches and logs stand in the text, where they can be quoted",
        find: attached,
    },
    FormRule {
        id: "F14",
        looks_for: "an answer above what it answers",
        advice: "answer below the lines you quote, and cut the rest",
        find: top_posting,
    },
    FormRule {
        id: "F15",
        looks_for: "a fix that does not say what it fixes",
        advice: "name the commit that brought the bug: Fixes: <12 digits> (\"subject\")",
        find: no_fixes,
    },
];

/// What the structure of a mail shows: HTML, and patches or logs that are attached.
pub(crate) fn of_letter(letter: &crate::letter::Letter) -> Vec<FormFinding> {
    let mut out = Vec::new();
    if let Some(line) = letter.html {
        out.push(FormFinding {
            rule: "F02",
            text: "an HTML part: lists refuse it".to_owned(),
            lines: vec![LineSpan::line(line)],
        });
    }
    for (name, line) in letter.attachments.iter().take(4) {
        out.push(FormFinding {
            rule: "F13",
            text: format!("{name} is attached; inline, a reader can quote it"),
            lines: vec![LineSpan::line(*line)],
        });
    }
    out
}

/// Checks the form.
pub fn check(document: &Document<'_>) -> Vec<FormFinding> {
    FORM_RULES
        .iter()
        .filter_map(|rule| {
            let (text, mut lines) = (rule.find)(document)?;
            lines.truncate(8);
            Some(FormFinding { rule: rule.id, text, lines })
        })
        .collect()
}

/// Words of an attachment in a mail whose parts are not at hand.
fn attached(document: &Document<'_>) -> Option<(String, Vec<LineSpan>)> {
    static ATTACHED: Shape = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:patch|fix|diff|log|dmesg|trace)\b[^.;]{0,25}\bis attached\b|\b(?:see|in) (?:the )?attach(?:ed|ment)\b|\battached (?:is |are )?(?:the |a |my )?(?:patch|fix|diff|log|dmesg)").ok()
    });
    let shape = ATTACHED.as_ref()?;
    let inline = document.of_kind(LineKind::Code).any(|(_, t)| t.starts_with("diff --git "));
    let lines: Vec<LineSpan> =
        document.sentences.iter().filter(|s| shape.is_match(&s.text)).map(|s| s.lines).collect();
    (!lines.is_empty() && !inline)
        .then(|| ("something is attached instead of standing in the text".to_owned(), lines))
}

/// Quoted text in one piece below the author's own, which comes first.
fn top_posting(document: &Document<'_>) -> Option<(String, Vec<LineSpan>)> {
    static WROTE: Shape = LazyLock::new(|| {
        Regex::new(r"(?i)^-{2,} ?original message|^_{20,}$|^on .{6,80} wrote:$").ok()
    });
    let own =
        |kind: &LineKind| matches!(kind, LineKind::Prose | LineKind::Heading | LineKind::Code);
    let first = document.kinds.iter().position(|k| *k == LineKind::Quoted)?;
    let last = document.kinds.iter().rposition(|k| *k == LineKind::Quoted)?;
    let wrote = document.raw[..first]
        .iter()
        .rposition(|line| WROTE.as_ref().is_some_and(|w| w.is_match(line.trim())))?;
    let is_own = |at: usize| {
        own(&document.kinds[at]) && document.kinds[at] != LineKind::Heading && at != wrote
    };
    let above = (0..wrote).any(is_own);
    let below = (last + 1..document.kinds.len()).any(is_own);
    let between = (first..last).any(is_own);
    (above && !below && !between && last - first >= 4).then(|| {
        (
            "the answer stands above all that it quotes".to_owned(),
            vec![LineSpan::new(first as u64 + 1, last as u64 + 1)],
        )
    })
}

/// A commit message, by its sign-off, without `Fixes:`.
fn no_fixes(document: &Document<'_>) -> Option<(String, Vec<LineSpan>)> {
    let trailer = |name: &str| {
        document.of_kind(LineKind::Header).find(|(_, t)| t.trim_start().starts_with(name))
    };
    let (line, _) = trailer("Signed-off-by:")?;
    static FIX: Shape = LazyLock::new(|| Regex::new(r"(?i)\bfix(?:es|ed)?\b").ok());
    let is_fix =
        document.sentences.iter().any(|s| FIX.as_ref().is_some_and(|f| f.is_match(&s.text)))
            || trailer("Reported-by:").is_some();
    (is_fix && trailer("Fixes:").is_none()).then(|| {
        (
            "no Fixes: line names the commit that brought the bug".to_owned(),
            vec![LineSpan::line(line)],
        )
    })
}

type Shape = LazyLock<Option<Regex>>;

fn lines_that(document: &Document<'_>, holds: impl Fn(&str, LineKind) -> bool) -> Vec<LineSpan> {
    (1u64..)
        .zip(document.raw.iter().zip(&document.kinds))
        .filter(|(_, (text, kind))| holds(text, **kind))
        .map(|(number, _)| LineSpan::line(number))
        .collect()
}

fn markdown(document: &Document<'_>) -> Option<(String, Vec<LineSpan>)> {
    let heading =
        lines_that(document, |t, k| k == LineKind::Heading && t.trim_start().starts_with('#'));
    let fence = lines_that(document, |_, k| k == LineKind::Fence);
    let bold = lines_that(document, |t, k| {
        matches!(k, LineKind::Prose | LineKind::Heading) && t.matches("**").count() >= 2
    });
    let mut kinds = Vec::new();
    let mut lines = Vec::new();
    for (name, found) in [("headings", &heading), ("bold", &bold), ("fences", &fence)] {
        if !found.is_empty() {
            kinds.push(name);
            lines.extend(found.iter().take(2));
        }
    }
    lines.sort_unstable();
    (!kinds.is_empty()).then(|| (format!("Markdown {}", kinds.join(", ")), lines))
}

fn html(document: &Document<'_>) -> Option<(String, Vec<LineSpan>)> {
    static TAG: Shape = LazyLock::new(|| {
        Regex::new(
            r"(?i)</?(?:html|body|div|span|p|br|table|tr|td|b|i|ul|li|pre|code|a)(?:\s[^>]*)?>",
        )
        .ok()
    });
    let lines = lines_that(document, |t, k| {
        matches!(k, LineKind::Prose | LineKind::Heading)
            && TAG.as_ref().is_some_and(|tag| tag.is_match(t))
    });
    (!lines.is_empty()).then(|| ("HTML tags".to_owned(), lines))
}

fn non_ascii(document: &Document<'_>) -> Option<(String, Vec<LineSpan>)> {
    let lines = lines_that(document, |t, k| {
        !matches!(k, LineKind::Header | LineKind::Console | LineKind::Quoted)
            && t.chars().any(|c| !c.is_ascii() && !c.is_alphabetic() && c != '\u{a0}')
    });
    (!lines.is_empty()).then(|| ("non-ASCII arrows, dashes or marks".to_owned(), lines))
}

fn word_count(document: &Document<'_>) -> usize {
    (document.raw.iter().zip(&document.kinds))
        .filter(|(_, k)| !matches!(k, LineKind::Quoted | LineKind::Header | LineKind::Console))
        .map(|(t, _)| t.split_whitespace().count())
        .sum()
}

fn length(document: &Document<'_>) -> Option<(String, Vec<LineSpan>)> {
    let words = word_count(document);
    static KEY: Shape = LazyLock::new(|| {
        Regex::new(r"(?i)\bINFO:|\bBUG\b|WARNING|Tasks blocked|blocked for more|detected|segfault|Oops|fault|panic|stuck for|starved|error|failure").ok()
    });
    let first = document
        .of_kind(LineKind::Console)
        .find(|(_, text)| KEY.as_ref().is_some_and(|key| key.is_match(text)))
        .map(|(n, _)| n);
    let rounded = (words + 50) / 100 * 100;
    match first {
        Some(line) if line > LATE => Some((
            format!("about {rounded} words, with the key fact on line {line}"),
            vec![LineSpan::line(line)],
        )),
        None if words > LONG => Some((
            format!("about {rounded} words and not one line of the kernel's own"),
            Vec::new(),
        )),
        _ if words > 2 * LONG => Some((format!("about {rounded} words"), Vec::new())),
        _ => None,
    }
}

/// Whether the text answers somebody, by its subject or its words.
fn is_answer(document: &Document<'_>) -> bool {
    static ANSWER: Shape = LazyLock::new(|| {
        Regex::new(r"(?i)^(?:subject: *re:|in-reply-to:)|\bthis (?:response|reply)\b|\breply via email\b|\bon .{6,40} wrote:").ok()
    });
    ANSWER.as_ref().is_some_and(|a| document.raw.iter().any(|t| a.is_match(t.trim())))
}

fn no_quotation(document: &Document<'_>) -> Option<(String, Vec<LineSpan>)> {
    // Only an answer has something to quote.
    let answers = is_answer(document);
    let quotes = document.of_kind(LineKind::Quoted).next().is_some();
    (answers && !quotes)
        .then(|| ("no > quotation of the report that is answered".to_owned(), Vec::new()))
}

fn no_reporter(document: &Document<'_>) -> Option<(String, Vec<LineSpan>)> {
    static REPORTER: Shape = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:Reported-by|Closes|Link):|\breported by \S+|\bsyzkaller\.appspot\.com/bug|bugzilla\.\S+id=\d").ok()
    });
    let named = REPORTER.as_ref().is_some_and(|r| document.raw.iter().any(|t| r.is_match(t)));
    (!named).then(|| ("no Reported-by, Closes or link to the report".to_owned(), Vec::new()))
}

fn missing_particulars(document: &Document<'_>) -> Option<(String, Vec<LineSpan>)> {
    static VERSION: Shape = LazyLock::new(|| {
        Regex::new(r"\b[2-9]\.\d{1,3}(?:\.\d+)?(?:-rc\d+)?\b|\b[0-9a-f]{12,40}\b|linux-next").ok()
    });
    static CONFIG: Shape =
        LazyLock::new(|| Regex::new(r"(?i)\bCONFIG_\w+=|\.config\b|kernel config|defconfig").ok());
    static REPRODUCER: Shape =
        LazyLock::new(|| Regex::new(r"(?i)\breproduc\w+|\brepro\b|\bsteps\b|\btrigger\w*").ok());
    let has =
        |shape: &Shape| shape.as_ref().is_some_and(|s| document.raw.iter().any(|t| s.is_match(t)));
    // An answer that quotes leaves the particulars to the report it quotes.
    if is_answer(document) && document.of_kind(LineKind::Quoted).next().is_some() {
        return None;
    }
    let mut missing = Vec::new();
    if !has(&VERSION) {
        missing.push("the release or commit");
    }
    if !has(&CONFIG) {
        missing.push("the configuration");
    }
    if !has(&REPRODUCER) {
        missing.push("how to reproduce it");
    }
    if document.of_kind(LineKind::Console).next().is_none() {
        missing.push("any line of the log");
    }
    (!missing.is_empty()).then(|| (format!("missing: {}", missing.join(", ")), Vec::new()))
}

fn repeated(document: &Document<'_>) -> Option<(String, Vec<LineSpan>)> {
    let mut seen: std::collections::HashMap<&str, LineSpan> = std::collections::HashMap::new();
    let mut twice = Vec::new();
    for sentence in document.sentences.iter().filter(|s| s.text.len() >= 60) {
        match seen.get(sentence.text.as_str()) {
            Some(first) => {
                twice.push(*first);
                twice.push(sentence.lines);
            }
            None => {
                seen.insert(&sentence.text, sentence.lines);
            }
        }
    }
    twice.dedup();
    (twice.len() >= 4).then(|| ("whole sentences come twice".to_owned(), twice))
}

fn drafts(document: &Document<'_>) -> Option<(String, Vec<LineSpan>)> {
    static DRAFT: Shape = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:TODO|FIXME|XXX|TBD)\b|\[(?:insert|your|placeholder)[^\]]*\]|<(?:insert|your|commit|placeholder)[^>]*>|\blet me (?:think|check|look|draft)|^here(?:'s| is) (?:the|a|my) (?:draft|email|reply|response|analysis)\b|\bas an AI\b").ok()
    });
    let lines = lines_that(document, |t, k| {
        matches!(k, LineKind::Prose | LineKind::Heading)
            && DRAFT.as_ref().is_some_and(|d| d.is_match(t.trim()))
    });
    (!lines.is_empty()).then(|| ("drafting text or placeholders".to_owned(), lines))
}

fn unwrapped(document: &Document<'_>) -> Option<(String, Vec<LineSpan>)> {
    let lines = lines_that(document, |t, k| {
        k == LineKind::Prose && t.chars().count() > WIDE && t.contains(' ') && !t.contains("://")
    });
    let counted = match lines.len() {
        1 => "a line".to_owned(),
        count => format!("{count} lines"),
    };
    (!lines.is_empty()).then(|| (format!("{counted} of prose longer than {WIDE} columns"), lines))
}

fn perishable(document: &Document<'_>) -> Option<(String, Vec<LineSpan>)> {
    static PERISHABLE: Shape = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:pastebin\.com|termbin\.com|0x0\.st|bit\.ly|tinyurl\.com|drive\.google\.com|dropbox\.com|hastebin|paste\.\w+\.\w+|transfer\.sh|imgur\.com|wetransfer)\b").ok()
    });
    let lines = lines_that(document, |t, k| {
        k != LineKind::Console && PERISHABLE.as_ref().is_some_and(|p| p.is_match(t))
    });
    (!lines.is_empty()).then(|| ("links to services that forget".to_owned(), lines))
}
