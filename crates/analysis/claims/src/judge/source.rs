//! Claims about commits, releases, source lines, earlier reports and links.

use std::sync::LazyLock;

use model::LineSpan;
use regex::Regex;

use super::{Shape, is_match};
use crate::claims::{Case, Found, Judgement};
use crate::document::{Document, LineKind};
use crate::evidence::{Cited, End, Source};
use crate::verdict::Verdict::{
    Contradicted, NotReproducible, Plausible, Supported, Unproven, Untested, Unusable,
};

/// How far from the causal word a commit may stand, in bytes.
const NEAR: usize = 110;

static HASH: Shape = LazyLock::new(|| Regex::new(r"\b[0-9a-f]{7,40}\b").ok());

/// Whether a word of hexadecimal digits is a commit, not a number, an address or a word.
fn is_hash(word: &str) -> bool {
    word.bytes().any(|b| b.is_ascii_digit())
        && word.bytes().any(|b| b.is_ascii_alphabetic())
        && !(word.len() == 16 && (word.starts_with("ffff") || word.starts_with("dead")))
        && !(word.len() == 8 && word.starts_with("ffff"))
}

fn hashes(text: &str) -> impl Iterator<Item = regex::Match<'_>> {
    HASH.as_ref().into_iter().flat_map(move |h| h.find_iter(text)).filter(|m| is_hash(m.as_str()))
}

/// The commit that a causal word speaks of: the nearest one, unless the words in front of it say that it
/// is another's parent or fix.
pub(crate) fn commit_near(found: &Found<'_>) -> Option<String> {
    let text = &found.sentence.text;
    let nearest = hashes(text)
        .map(|m| {
            let distance = if m.start() >= found.range.end {
                m.start() - found.range.end
            } else {
                found.range.start.saturating_sub(m.end())
            };
            (distance, m)
        })
        .min_by_key(|(distance, _)| *distance)?;
    let (distance, hash) = nearest;
    if distance > NEAR {
        return None;
    }
    let from = text.floor_char_boundary(hash.start().saturating_sub(30));
    let before = text[from..hash.start()].to_ascii_lowercase();
    if ["parent", "before", "predecessor", "fixed by", "fixed in", "fix in", "revert"]
        .iter()
        .any(|w| before.contains(w))
    {
        return None;
    }
    Some(hash.as_str().chars().take(12).collect())
}

static BISECT_LOG: Shape = LazyLock::new(|| {
    Regex::new(r"^(?:git bisect (?:good|bad|start)|# (?:good|bad): \[|# first bad commit: \[|[0-9a-f]{12,40} is the first bad commit)").ok()
});
static FIRST_BAD: Shape = LazyLock::new(|| {
    Regex::new(
        r"(?:# first bad commit: \[([0-9a-f]{7,40})\]|^([0-9a-f]{7,40}) is the first bad commit)",
    )
    .ok()
});
static BISECTED: Shape = LazyLock::new(|| {
    Regex::new(r"(?i)\bbisect(?:ed|ion|ing)\b[^.;]{0,60}\b(?:to|points?|pointed|identif\w+|led|lead|names?|lands?|landed|found|shows?)\b|\b(?:i|we) bisected\b").ok()
});
static REVERT_TESTED: Shape = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:with|after|by) (?:\S+ ){0,6}?revert\w*\b[^.;]{0,80}\b(?:no longer|goes? away|went away|is gone|disappear\w*|cannot (?:be )?reproduc\w*|does not (?:occur|happen|reproduce|trigger)|works?|survive\w*|passes)\b|\brevert\w*\b[^.;]{0,60}\b(?:made|makes|fixes|fixed|cured|solves|solved) (?:it|the)\b").ok()
});
static MODAL: Shape =
    LazyLock::new(|| Regex::new(r"(?i)\b(?:should|would|could|might|may|if)\b").ok());
static ASKS_TEST: Shape = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:confirm|verif\w+|test\w*|check)\b[^.;]{0,80}\b(?:parent|before (?:the|that|this) commit|without (?:the|that|this) commit|immediately before)\b").ok()
});

/// A run without the commit that the analysis states.
pub(crate) fn stated_revert(document: &Document<'_>) -> Option<LineSpan> {
    let sentence = document
        .sentences
        .iter()
        .find(|s| is_match(&REVERT_TESTED, &s.text) && !is_match(&MODAL, &s.text))?;
    Some(sentence.lines)
}

/// A test of a commit that the analysis states: what, and where.
pub(crate) fn stated_test(document: &Document<'_>) -> Option<(&'static str, LineSpan)> {
    document.sentences.iter().find_map(|sentence| {
        if is_match(&BISECTED, &sentence.text) && !is_match(&MODAL, &sentence.text) {
            return Some(("a bisection is stated; its log is not shown", sentence.lines));
        }
        (is_match(&REVERT_TESTED, &sentence.text) && !is_match(&MODAL, &sentence.text))
            .then_some(("a test with the commit reverted is stated; its log and the number of runs are not shown", sentence.lines))
    })
}

/// A bisection log supports; a stated test makes it plausible; else nothing tests it.
pub(crate) fn culprit(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let hash = commit_near(found.first()?)?;
    let text = &found.first()?.sentence.text;
    let written = hashes(text).map(|m| m.as_str()).find(|m| m.starts_with(&hash)).unwrap_or(&hash);
    let statement = format!("commit {written} introduced the bug");
    let document = case.document;
    let own = |lines: LineSpan| Cited { source: Source::Analysis, lines };
    let mut log_line = None;
    for (number, text) in (1u64..).zip(&document.raw) {
        let text = text.trim().trim_start_matches(['>', ' ', '|']);
        if let Some(first_bad) = FIRST_BAD.as_ref().and_then(|s| s.captures(text)) {
            let named = first_bad.get(1).or(first_bad.get(2)).map_or("", |m| m.as_str());
            let line = own(LineSpan::line(number));
            return Some(if named.starts_with(&hash) || hash.starts_with(named) {
                Judgement::new(statement, Supported, "the quoted bisection ends there; whether each step was judged right is a question of its own").citing([line])
            } else {
                Judgement::new(
                    statement,
                    Contradicted,
                    format!("the quoted bisection ends at {named}"),
                )
                .citing([line])
            });
        }
        if log_line.is_none() && is_match(&BISECT_LOG, text) {
            log_line = Some(number);
        }
    }
    if let Some((how, lines)) = stated_test(document) {
        return Some(Judgement::new(statement, Plausible, how).citing([own(lines)]));
    }
    let mut reason = match log_line {
        Some(_) => "the quoted bisection does not end".to_owned(),
        None => "no bisection and no test of its parent".to_owned(),
    };
    let mut cited = Vec::new();
    if let Some(asks) = case.sentence_of(&ASKS_TEST) {
        reason.push_str(&format!("; the analysis itself asks for that test ({})", asks.lines));
        cited.push(own(asks.lines));
    }
    if let Some((holdout, line)) = independent_holdout(case, &hash) {
        reason.push_str(&format!(
            ". By its subject it can lengthen the chain only: the stall at {line} has {holdout} as its own holdout and does not need it"
        ));
        cited.push(line);
    }
    Some(Judgement::new(statement, Unproven, reason).citing(cited))
}

impl Case<'_> {
    fn sentence_of(&self, shape: &Shape) -> Option<&crate::document::Sentence> {
        self.sentence(shape.as_ref()?)
    }
}

/// Words of a text, lower case, of at least four letters.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|w| w.len() >= 4)
        .map(str::to_ascii_lowercase)
        .collect()
}

/// The subject given for a commit: `HASH ("subject")`.
fn subject(document: &Document<'_>, hash: &str) -> Option<String> {
    document.sentences.iter().find_map(|sentence| {
        let at = sentence.text.find(hash)?;
        let rest = &sentence.text[at..];
        let open = rest.find("(\"").filter(|o| *o < 60)?;
        let end = rest[open + 2..].find('"')?;
        Some(rest[open + 2..open + 2 + end].to_owned())
    })
}

/// A runnable holdout at the end of an open chain, when the commit's subject shares words with the stacks
/// of the waiting tasks and none with that of the holdout.
pub(crate) fn independent_holdout(case: &Case<'_>, hash: &str) -> Option<(String, Cited)> {
    let exhibit = case.evidence.graph_exhibit();
    let ends = exhibit.open_ends()?;
    let [End::Runnable(holdout)] = ends.as_slice() else { return None };
    let subject = words(&subject(case.document, hash)?);
    let (mut waiting, mut own) = (false, false);
    for snapshot in &exhibit.seen.snapshots {
        let is_holdout = snapshot.task.as_ref().is_some_and(|t| t.to_string() == *holdout);
        let shares = snapshot
            .frames
            .iter()
            .any(|f| words(&f.function.replace('_', " ")).iter().any(|w| subject.contains(w)));
        if is_holdout { own |= shares } else { waiting |= shares }
    }
    let line = exhibit.stalls().find_map(|(_, s)| s.tasks.first().map(|t| exhibit.cite(t.line)))?;
    (waiting && !own).then(|| (holdout.clone(), line))
}

/// A commit that the analysis names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedCommit {
    /// The abbreviated hash as written.
    pub hash: String,
    /// Lines that name it.
    pub lines: Vec<u64>,
    /// Its subject, where the analysis gives one.
    pub subject: Option<String>,
}

/// All commits that the prose names, in the order of their first line.
pub(crate) fn named_commits(document: &Document<'_>) -> Vec<NamedCommit> {
    let mut out: Vec<NamedCommit> = Vec::new();
    for sentence in &document.sentences {
        for found in hashes(&sentence.text) {
            // A commit is written with its word, a subject, or at the usual length.
            let named = found.len() >= 10 || sentence.text.to_ascii_lowercase().contains("commit");
            if !named {
                continue;
            }
            let line = sentence.lines_of(found.range()).first;
            match out.iter_mut().find(|c| c.hash == found.as_str()) {
                Some(known) => known.lines.push(line),
                None => out.push(NamedCommit {
                    hash: found.as_str().to_owned(),
                    lines: vec![line],
                    subject: subject(document, found.as_str()),
                }),
            }
        }
    }
    out.truncate(64);
    out
}

/// Statements about source lines are judged sentence by sentence.
pub(crate) fn place_key(found: &Found<'_>) -> Option<String> {
    Some(found.sentence.lines.first.to_string())
}

static PLACED: Shape = LazyLock::new(|| {
    Regex::new(r"\b(\w+)\(\)\s*[\[(](?:in )?((?:[\w.+-]+/)*[\w.+-]+\.(?:c|h|S|rs)):(\d{1,6})").ok()
});
static LINE: Shape = LazyLock::new(|| Regex::new(r"\blines? (\d{1,6})\b").ok());

/// Line numbers are compared with the places of symbolised frames, and with each other.
pub(crate) fn places(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let sentence = found.first()?.sentence;
    let text = &sentence.text;
    let placed: Vec<(String, String, u32)> = PLACED
        .as_ref()?
        .captures_iter(text)
        .filter_map(|c| Some((c[1].to_owned(), c[2].to_owned(), c[3].parse().ok()?)))
        .collect();
    for (function, file, line) in &placed {
        for exhibit in case.evidence.exhibits() {
            for console in &exhibit.lines {
                let Some(frame) = parse_console::frame::parse(&console.text) else { continue };
                let Some((known_file, known_line)) =
                    frame.source.filter(|_| frame.function == *function)
                else {
                    continue;
                };
                let cited = exhibit.cite(console.number);
                let statement = format!("{function}() is at {file}:{line}");
                let same_file = known_file.ends_with(file.as_str()) || file.ends_with(known_file);
                if !same_file {
                    return Some(
                        Judgement::new(
                            statement,
                            Contradicted,
                            format!("the log places it in {known_file}"),
                        )
                        .citing([cited]),
                    );
                }
                if known_line == *line {
                    return Some(
                        Judgement::new(statement, Supported, "the log gives that place")
                            .citing([cited]),
                    );
                }
            }
        }
    }
    let lines: Vec<u32> =
        LINE.as_ref()?.captures_iter(text).filter_map(|c| c[1].parse().ok()).collect();
    if lines.is_empty() {
        return None;
    }
    // `line 12` of a log or a mail is no line of source.
    let about_source =
        !placed.is_empty() || text.contains("()") || text.contains(".c") || text.contains(".h");
    if !about_source {
        return None;
    }
    let statement = match placed.first() {
        Some((function, file, _)) => format!("what {function}() does in {file}"),
        None => "what the source does at the given lines".to_owned(),
    };
    let mut reason = "check the source".to_owned();
    if let Some((function, _, start)) = placed.first() {
        let inside: Vec<u32> =
            lines.iter().copied().filter(|l| l >= start && *l - start < 400).collect();
        for odd in lines.iter().filter(|l| *l < start) {
            let call = match inside.as_slice() {
                [] => String::new(),
                [one] => format!(" with its call at {one}"),
                [first, ..] => format!(" with a call at {first}"),
            };
            reason.push_str(&format!(
                "; but \"line {odd}\" hardly lies in {function}(), placed at {start}{call}"
            ));
        }
    }
    Some(
        Judgement::new(statement, Plausible, reason)
            .citing([Cited { source: Source::Analysis, lines: sentence.lines }]),
    )
}

static TESTED_ON: Shape = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:tested|booted|reproduc\w+|ran|run|tried|bisected)\b[^.;]{0,40}\b(?:on|with|against|under|in)\b[^;]{0,20}\bv?\d+\.\d+").ok()
});

/// Only a run tells which releases are affected.
pub(crate) fn releases(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let statement = "which releases are affected";
    if let Some(tested) = case.sentence_of(&TESTED_ON).filter(|s| !is_match(&MODAL, &s.text)) {
        return Some(
            Judgement::new(statement, Plausible, "runs are stated; their logs are not shown")
                .citing([Cited { source: Source::Analysis, lines: tested.lines }]),
        );
    }
    let argued = found.iter().any(|f| {
        let text = f.sentence.text.to_ascii_lowercase();
        [" as ", "because", "since they", "since it", "due to"].iter().any(|w| text.contains(w))
    });
    let reason = if argued {
        "an argument from the source only"
    } else {
        "no run on such a release is shown"
    };
    let _ = first;
    Some(Judgement::new(statement, Untested, reason))
}

static QUERY: Shape = LazyLock::new(|| {
    Regex::new(r#"(?i)\?q=|--grep|\b(?:search\w*|quer(?:y|ied)|grep\w*|looked for)\b[^.]{0,80}["'“`]|\b(?:dfn|dfhh|nq|bs):"#).ok()
});

/// A negative result is worth its query.
pub(crate) fn no_prior_report(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let mut what: Vec<&str> = found
        .iter()
        .filter_map(|f| {
            let text = f.text.to_ascii_lowercase();
            [
                ("fix", "no fix"),
                ("patch", "no fix"),
                ("discuss", "no discussion"),
                ("report", "no prior report"),
                ("duplicate", "no duplicate"),
            ]
            .into_iter()
            .find(|(w, _)| text.contains(w))
            .map(|(_, name)| name)
        })
        .collect();
    what.sort_unstable();
    what.dedup();
    let statement = if what.is_empty() { "nothing was found".to_owned() } else { what.join(", ") };
    let raw = (1u64..).zip(&case.document.raw).find(|(_, text)| is_match(&QUERY, text));
    if let Some((line, _)) = raw {
        return Some(
            Judgement::new(statement, Plausible, "the query is given: it can be repeated")
                .citing([Cited { source: Source::Analysis, lines: LineSpan::line(line) }]),
        );
    }
    let dated = found.iter().any(|f| {
        let text = f.sentence.text.to_ascii_lowercase();
        text.contains("as of today") || text.contains("as of now") || text.contains("currently")
    });
    let mut reason = "no query is given".to_owned();
    if !found.iter().any(|f| {
        f.sentence.text.contains("lore.kernel.org") || f.sentence.text.contains("bugzilla")
    }) {
        reason.push_str(" and no place that was searched");
    }
    if dated {
        reason.push_str("; \"as of today\" has no date");
    }
    Some(Judgement::new(statement, NotReproducible, reason))
}

/// Masked addresses take the Message-IDs with them.
pub(crate) fn masked_links(_: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let count = found.len();
    let statement = match count {
        1 => "a link".to_owned(),
        count => format!("links to {count} places"),
    };
    let masked = found.iter().any(|f| f.text.to_ascii_lowercase().contains("email"));
    let reason = match masked {
        true => "an archive has masked the Message-IDs",
        false => "the links are cut or masked",
    };
    Some(Judgement::new(statement, Unusable, format!("{reason}; they lead nowhere")))
}

/// Whether the document gives a `Tested-by:` of somebody.
pub(crate) fn has_tested_by(document: &Document<'_>) -> Option<u64> {
    document
        .of_kind(LineKind::Header)
        .find(|(_, text)| text.trim_start().starts_with("Tested-by:"))
        .map(|(line, _)| line)
}
