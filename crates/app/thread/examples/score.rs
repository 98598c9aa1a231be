//! How well threads are understood, against judgements of people: `cargo run --example score -- DIR
//! [dev|held]`, where DIR holds a mirror of each list that `labels/threads.json` names. The file has no
//! text of a mail, only Message-IDs, lines and judgements.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use analysis_thread::{Question, QuestionState, Thread, Turn, understand_about};
use app_thread::Mirror;
use serde::Deserialize;

/// Lines by which a judged line may miss the lines that the program names.
const SLACK: u64 = 2;

#[derive(Deserialize)]
struct Label {
    list: String,
    half: String,
    thread: String,
    /// `v2`, `v2|v3` where both are right, `none`, or `?` where nobody can tell.
    newest: String,
    applied: Applied,
    /// `nobody`, `author`, `reviewers` (anyone but the author), `superseded`, `?`.
    turn: String,
    questions: Vec<Asked>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Applied {
    /// `all`, nothing, or `?` where nobody can tell.
    Word(String),
    Patches(Vec<u32>),
}

#[derive(Deserialize)]
struct Asked {
    message_id: String,
    line: u64,
    /// The states that are right: `o` open, `a` answered or changed and unconfirmed, `c` closed.
    state: String,
    /// Neither to be found nor wrong when it is.
    #[serde(default)]
    optional: bool,
}

/// Rights and all of one measure.
#[derive(Default)]
struct Count {
    right: usize,
    all: usize,
}

impl Count {
    fn add(&mut self, right: bool) {
        self.right += usize::from(right);
        self.all += 1;
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("usage: score DIR [dev|held]")?;
    let half = arguments.next();
    let labels: Vec<Label> = serde_json::from_str(include_str!("../labels/threads.json"))?;
    let verbose = std::env::var_os("VERBOSE").is_some();
    let mut counts: BTreeMap<(String, &'static str), Count> = BTreeMap::new();
    let mut mirrors: BTreeMap<String, Mirror> = BTreeMap::new();
    for label in labels.iter().filter(|l| half.as_ref().is_none_or(|h| *h == l.half)) {
        if !mirrors.contains_key(&label.list) {
            let path = Path::new(&directory).join(&label.list);
            let mut mirror = Mirror::open(&path, &path.join("ktriage-mail.sqlite"))?;
            mirror.update(|_| {})?;
            mirrors.insert(label.list.clone(), mirror);
        }
        let mirror = &mirrors[&label.list];
        let Some(number) = mirror.thread_of(&label.thread)? else {
            say(&format!("{}: not in the mirror", label.thread));
            continue;
        };
        let mine: HashSet<String> =
            mirror.index().mails(number)?.into_iter().filter_map(|r| r.message_id).collect();
        let mails = mirror.series(number)?;
        let Some(thread) = understand_about(&mails.messages, &label.thread) else { continue };
        let mut note = |what: &'static str, right: bool, text: &str| {
            counts.entry((label.half.clone(), what)).or_default().add(right);
            if verbose && !right {
                say(&format!("{} {} <{}> {what}: {text}", label.half, label.list, label.thread));
            }
        };
        sums(label, &thread, &mut note);
        questions(label, &thread, &mails.messages, &mine, &mut note);
    }
    for ((half, what), count) in &counts {
        say(&format!(
            "{half:5} {what:10} {:4} of {:4} {:5.1} %",
            count.right,
            count.all,
            count.right as f64 * 100.0 / count.all.max(1) as f64
        ));
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example that reports")]
fn say(text: &str) {
    println!("{text}");
}

/// Newest version, turn, applied.
fn sums(label: &Label, thread: &Thread, note: &mut impl FnMut(&'static str, bool, &str)) {
    let state = &thread.state;
    let newest = state.newest.map(|v| thread.versions[v].number.to_string());
    let newest = newest.unwrap_or_else(|| "none".to_owned());
    if label.newest != "?" {
        let right = label.newest.split('|').any(|n| n == newest);
        note("versions", right, &format!("{newest}, not {}", label.newest));
    }
    let superseded = thread.superseded().is_some();
    let turn = match &state.turn {
        _ if superseded => "superseded",
        Turn::Nobody => "nobody",
        Turn::Author => "author",
        Turn::Reviewers | Turn::Maintainer | Turn::People(_) => "reviewers",
    };
    if label.turn != "?" {
        note("turn", turn == label.turn, &format!("{turn}, not {}", label.turn));
    }
    let nobody_knows = matches!(&label.applied, Applied::Word(word) if word == "?");
    if label.turn == "superseded" || superseded || nobody_knows {
        return;
    }
    let size = state.newest.map_or(1, |v| thread.versions[v].size.max(1));
    let mut patches: Vec<u32> = state.said_applied.iter().filter_map(|s| s.patch).collect();
    patches.sort_unstable();
    patches.dedup();
    let all = state.said_applied.iter().any(|s| s.patch.is_none())
        || patches.len() as u64 >= u64::from(size);
    let right = match &label.applied {
        Applied::Word(word) if word.is_empty() => state.said_applied.is_empty(),
        Applied::Word(_) => all,
        Applied::Patches(wanted) => {
            *wanted == patches && !state.said_applied.iter().any(|s| s.patch.is_none())
        }
    };
    note("applied", right, &format!("{:?}", state.said_applied));
}

fn questions(
    label: &Label,
    thread: &Thread,
    messages: &[parse_mail::Message],
    mine: &HashSet<String>,
    note: &mut impl FnMut(&'static str, bool, &str),
) {
    let places = |question: &Question| -> Vec<(String, u64, u64)> {
        question
            .asked
            .iter()
            .filter_map(|(entry, lines)| {
                let message = &messages[thread.entries[*entry].message];
                let before = message.lines.first - 1;
                let id = message.message_id.clone()?;
                Some((id, lines.first - before, lines.last - before))
            })
            .collect()
    };
    let fits = |asked: &Asked, places: &[(String, u64, u64)]| {
        places.iter().any(|(id, first, last)| {
            *id == asked.message_id
                && (first.saturating_sub(SLACK)..=last + SLACK).contains(&asked.line)
        })
    };
    let mut taken = vec![false; label.questions.len()];
    for question in &thread.questions {
        let places = places(question);
        if !places.iter().any(|p| mine.contains(&p.0)) {
            continue;
        }
        let distance = |asked: &Asked| {
            places
                .iter()
                .filter(|p| p.0 == asked.message_id)
                .map(|p| asked.line.abs_diff(p.1).min(asked.line.abs_diff(p.2)))
                .min()
        };
        let found = (0..label.questions.len())
            .filter(|at| !taken[*at] && fits(&label.questions[*at], &places))
            .min_by_key(|at| (label.questions[*at].optional, distance(&label.questions[*at])));
        let Some(found) = found else {
            note("precision", false, &format!("{:?} {}", places.first(), question.text));
            continue;
        };
        taken[found] = true;
        let asked = &label.questions[found];
        if asked.optional {
            continue;
        }
        note("precision", true, "");
        let state = match question.state {
            QuestionState::Open => "o",
            QuestionState::Partly => "oa",
            QuestionState::Answered | QuestionState::Changed(_) => "a",
            _ => "c",
        };
        let right = state.chars().any(|s| asked.state.contains(s));
        note(
            "state",
            right,
            &format!("{state} not {}: {} [{}]", asked.state, question.text, question.reason),
        );
    }
    // The author's own questions that a newer version has overtaken stand in a list of their own.
    for old in &thread.superseded {
        let message = &messages[thread.entries[old.entry].message];
        let before = message.lines.first - 1;
        let Some(id) = message.message_id.clone() else { continue };
        let places = [(id, old.lines.first - before, old.lines.last - before)];
        let found = (0..label.questions.len())
            .find(|at| !taken[*at] && fits(&label.questions[*at], &places));
        if let Some(found) = found {
            taken[found] = true;
        }
    }
    for (asked, taken) in label.questions.iter().zip(&taken).filter(|(a, _)| !a.optional) {
        note("recall", *taken, &format!("<{}> line {} not found", asked.message_id, asked.line));
    }
}
