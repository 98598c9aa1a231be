//! Candidates as text.

use std::fmt::Write as _;

use analysis_tree::answer::{Answer, Ranked, Searched};
use analysis_tree::reason::Reason;
use analysis_tree::term::{Sort, Term};
use model::calendar::civil_from_days;

use crate::Escaped;

/// Digits of a commit that are shown.
const DIGITS: usize = 12;
/// Reports of the same crash that are shown.
const MOST_REPORTS: usize = 5;
/// Below this a candidate is not worth a line.
const LEAST: f64 = 0.005;
/// Terms of a query that are shown.
const MOST_TERMS: usize = 8;

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Which change mends it.
    Fixed,
    /// Which change brought it.
    Suspects,
}

/// An answer for a terminal; `most` candidates at most.
pub fn text(asked: Asked, titles: &[String], answer: &Answer, most: usize) -> String {
    let mut out = String::new();
    if let Some(title) = titles.first() {
        let _ = writeln!(out, "{}", Escaped(title));
    }
    if answer.query.is_empty() {
        out.push_str("Nothing to search by: it holds no crash, no bug id and no commit.\n");
        return out;
    }
    let shown: Vec<(&Ranked, Ground)> = answer
        .candidates
        .iter()
        .take(most)
        .map(|candidate| (candidate, ground(asked, candidate)))
        .filter(|(candidate, ground)| *ground != Ground::Guess || candidate.probability >= LEAST)
        .collect();
    for (candidate, ground) in &shown {
        one(&mut out, candidate, *ground);
    }
    let of = |wanted: Ground| shown.iter().filter(move |(_, ground)| *ground == wanted);
    let says = of(Ground::Says).count();
    let guesses = of(Ground::Guess).count();
    let said: f64 = of(Ground::Guess).map(|(c, _)| c.probability).sum();
    if says + guesses == 0 {
        let _ = writeln!(out, "Not found in what was searched: {}.", searched(answer));
    }
    if says > 0 {
        out.push_str(
            "\nsays: its own text names the bug or the commit; that it helps is not checked.\n",
        );
    } else if guesses > 0 {
        let what = match asked {
            Asked::Fixed => "mends it",
            Asked::Suspects => "brought it",
        };
        let _ = writeln!(
            out,
            "\nGUESS: ranked by weights learnt from labelled crashes. {} % that none of these {what}.",
            percent(1.0 - said)
        );
    }
    if says + guesses > 0 {
        let _ = writeln!(out, "Searched: {}.", searched(answer));
    }
    if let Some(range) = &answer.range {
        let _ = writeln!(
            out,
            "Only the {} commits since {} are suspects.",
            range.commits,
            Escaped(&range.good.join(", "))
        );
    }
    let _ = writeln!(out, "Query: {}.", query(&answer.query));
    reports(&mut out, answer);
    out
}

/// On what a candidate rests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ground {
    /// It is what was asked about.
    Itself,
    /// Its text says so.
    Says,
    /// It is likely.
    Guess,
}

fn ground(asked: Asked, candidate: &Ranked) -> Ground {
    let any = |is: fn(&Reason) -> bool| asked == Asked::Fixed && candidate.reasons.iter().any(is);
    if any(|reason| matches!(reason, Reason::SameBug(_) | Reason::MendsCommit(_))) {
        Ground::Says
    } else if any(|reason| matches!(reason, Reason::IsCommit(_))) {
        Ground::Itself
    } else {
        Ground::Guess
    }
}

/// A probability in percent; what is learnt is never sure.
fn percent(probability: f64) -> String {
    let percent = (100.0 * probability).clamp(0.0, 100.0);
    if percent < 1.0 {
        "< 1".to_owned()
    } else if percent > 95.0 {
        "> 95".to_owned()
    } else {
        format!("{percent:.0}")
    }
}

fn one(out: &mut String, candidate: &Ranked, ground: Ground) {
    let Some(shown) = candidate.versions.first() else { return };
    let name = match (&shown.commit, &shown.message_id) {
        (Some(commit), _) => commit.chars().take(DIGITS).collect(),
        (None, Some(id)) => format!("<{id}>"),
        (None, None) => String::new(),
    };
    let mark = match ground {
        Ground::Itself => "itself".to_owned(),
        Ground::Says => "says".to_owned(),
        Ground::Guess => format!("{} %", percent(candidate.probability)),
    };
    let _ = writeln!(
        out,
        "\n{mark:>6}  {}\n        {}  {}",
        Escaped(&shown.title),
        date(shown.date).unwrap_or_default(),
        Escaped(&name)
    );
    for why in &candidate.reasons {
        let _ = writeln!(out, "        - {}", Escaped(&reason(why)));
    }
    if candidate.versions.len() > 1 {
        let _ = writeln!(out, "        {} versions or copies of it", candidate.versions.len());
    }
    for (commit, tags) in &candidate.releases {
        let commit: String = commit.chars().take(DIGITS).collect();
        let tags = match tags.split_first() {
            None => "in no tag of the tree".to_owned(),
            Some((first, [])) => format!("in {first}"),
            Some((first, others)) => format!("first in {first}, in {} further tags", others.len()),
        };
        let _ = writeln!(out, "        {commit}: {}", Escaped(&tags));
    }
    for (commit, tag) in &candidate.since {
        let _ = writeln!(
            out,
            "        it says that it mends {}; the first tag that holds that one is {}",
            Escaped(commit),
            Escaped(tag)
        );
    }
}

fn reports(out: &mut String, answer: &Answer) {
    if answer.reports.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nReports under the same title, the newest first:");
    for earlier in answer.reports.iter().take(MOST_REPORTS) {
        let id = earlier.report.message_id.as_deref().unwrap_or_default();
        let _ = writeln!(
            out,
            "  {}  {}  <{}>",
            date(earlier.report.date).unwrap_or_default(),
            Escaped(&earlier.title),
            Escaped(id)
        );
    }
    if answer.reports.len() > MOST_REPORTS {
        let _ = writeln!(out, "  and {} more", answer.reports.len() - MOST_REPORTS);
    }
}

/// A reason as a clause.
pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::SameBug(id) => format!("names the same bug, {id}"),
        Reason::MendsCommit(commit) => format!("says that it mends {commit}"),
        Reason::IsCommit(commit) => format!("is {commit}, or a copy of it"),
        Reason::SameThread => "answers the report or links to it".to_owned(),
        Reason::QuotesCrash(title) => format!("quotes the same crash: {title}"),
        Reason::Touches(list) => format!("changes {}", frames(list)),
        Reason::Defines(list) => format!("adds {}", list.join(", ")),
        Reason::ChangesUse(list) => format!("changes lines that use {}", frames(list)),
        Reason::Names(list) => format!("its text names {}", frames(list)),
        Reason::GuiltyFile(file) => format!("changes {file}, at which the report points"),
        Reason::NamedByFix { title } => format!("what may be a fix names it in Fixes: {title}"),
        Reason::DaysBefore(days) => format!("first seen {days} days before the report"),
        Reason::DaysAfter(days) => format!("first seen {days} days after the report"),
    }
}

fn frames(list: &[(usize, String)]) -> String {
    let all: Vec<String> =
        list.iter().map(|(at, name)| format!("{name} (function {at} of the stacks)")).collect();
    all.join(", ")
}

/// `LIST (N changes and reports, up to DATE)`.
pub(crate) fn source(source: &Searched, until: Option<i64>) -> String {
    let newest = match (source.newest, until) {
        (Some(newest), Some(until)) => Some(newest.min(until - 1)),
        (newest, _) => newest,
    };
    let newest = newest.and_then(date).map_or_else(String::new, |day| format!(", up to {day}"));
    format!("{} ({} changes and reports{newest})", source.name, source.changes)
}

fn searched(answer: &Answer) -> String {
    let all: Vec<String> = answer.searched.iter().map(|s| source(s, answer.until)).collect();
    Escaped(&all.join(", ")).to_string()
}

fn query(query: &[(Term, u32)]) -> String {
    // Those first that something has.
    let mut query: Vec<&(Term, u32)> = query.iter().collect();
    query.sort_by_key(|(_, count)| *count == 0);
    let shown: Vec<String> = query
        .iter()
        .take(MOST_TERMS)
        .map(|(term, count)| format!("{} {} ({count})", sort(term.sort), term.text))
        .collect();
    let more = match query.len().saturating_sub(MOST_TERMS) {
        0 => String::new(),
        n => format!(" and {n} more terms"),
    };
    format!("{}{more}", Escaped(&shown.join(", ")))
}

/// What a term stands for, in a word.
pub(crate) const fn sort(sort: Sort) -> &'static str {
    match sort {
        Sort::Function => "changed function",
        Sort::Identifier => "changed use",
        Sort::Mention => "named in the text",
        Sort::File => "file",
        Sort::Word => "word of the title",
        Sort::Title => "title",
        Sort::Crash => "quoted crash",
        Sort::Bug => "bug",
        Sort::Mail => "mail",
        Sort::Commit => "commit",
        Sort::FixesCommit => "Fixes: commit",
        Sort::FixesTitle => "Fixes: title",
        Sort::Patch => "changed lines",
        Sort::ReportTitle => "title of a report",
        Sort::ReportFunction => "function of a report",
        Sort::ReportBug => "bug of a report",
    }
}

/// `YYYY-MM-DD`; none for no date.
pub(crate) fn date(seconds: i64) -> Option<String> {
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    (seconds > 0).then(|| format!("{year:04}-{month:02}-{day:02}"))
}
