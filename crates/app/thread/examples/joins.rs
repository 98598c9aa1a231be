//! Which versions of series are joined across threads: `cargo run --example joins -- DIR [COUNT SEED]`
//! draws pairs of versions that follow each other for somebody to judge; with pairs of Message-IDs on standard
//! input, it tells whether each pair is one series.

use std::collections::BTreeSet;
use std::io::BufRead as _;
use std::path::Path;

use analysis_thread::{Thread, Version, understand_about};
use app_thread::{Filter, Mirror};
use parse_mail::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("usage: joins DIR [COUNT SEED]")?;
    let path = Path::new(&directory);
    let mut mirror = Mirror::open(path, &path.join("ktriage-mail.sqlite"))?;
    mirror.update(|_| {})?;
    match (arguments.next(), arguments.next()) {
        (Some(count), Some(seed)) => draw(&mirror, count.parse()?, seed.parse()?),
        _ => check(&mirror),
    }
}

#[expect(clippy::print_stdout, reason = "an example that reports")]
fn say(text: &str) {
    println!("{text}");
}

/// A thread and its mails.
type Found = Option<(Thread, Vec<Message>)>;

/// The thread of a mail with all versions, and its mails.
fn read(mirror: &Mirror, id: &str) -> Result<Found, Box<dyn std::error::Error>> {
    let Some(number) = mirror.thread_of(id)? else { return Ok(None) };
    let mails = mirror.series(number)?;
    Ok(understand_about(&mails.messages, id).map(|thread| (thread, mails.messages)))
}

/// The version that a mail begins or is of.
fn version_of<'t>(thread: &'t Thread, messages: &[Message], id: &str) -> Option<&'t Version> {
    let is =
        |entry: usize| messages[thread.entries[entry].message].message_id.as_deref() == Some(id);
    thread
        .versions
        .iter()
        .find(|v| is(v.entry) || v.cover.is_some_and(is) || v.patches.iter().any(|p| is(p.entry)))
}

fn check(mirror: &Mirror) -> Result<(), Box<dyn std::error::Error>> {
    let (mut joined, mut otherwise, mut all) = (0, 0, 0);
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let Some((a, b)) = line.split_once(' ') else {
            match line.strip_prefix("me:") {
                Some(me) => time_waiting(mirror, me.trim())?,
                None => show(mirror, line.trim())?,
            }
            continue;
        };
        all += 1;
        let mut reasons = Vec::new();
        let mut same = false;
        if let Some((thread, messages)) = read(mirror, a)?
            && let (Some(one), Some(two)) =
                (version_of(&thread, &messages, a), version_of(&thread, &messages, b))
        {
            same = one.lineage == two.lineage;
            reasons = two.linked_by.iter().map(|l| l.name()).collect();
        }
        joined += usize::from(same);
        otherwise += usize::from(same && reasons.iter().any(|r| *r != "change-id"));
        if !same {
            say(&format!("not joined: <{a}> <{b}>"));
        }
    }
    say(&format!(
        "{joined} of {all} joined; {otherwise} for another reason than the change-id as well"
    ));
    Ok(())
}

/// How long the answer to what waits for somebody takes, the first and the second time.
fn time_waiting(mirror: &Mirror, me: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut took = Vec::new();
    let mut found = None;
    for _ in 0..2 {
        let begin = std::time::Instant::now();
        found = Some(mirror.morning(me, 50, 0, None)?);
        took.push(begin.elapsed().as_millis());
    }
    if let Some(found) = found {
        let total = found.total;
        say(&format!("{} to do in 50 of {total} threads, {took:?} ms", found.view.waits.len()));
    }
    Ok(())
}

/// The versions of a series and why each is one.
fn show(mirror: &Mirror, id: &str) -> Result<(), Box<dyn std::error::Error>> {
    let Some((thread, messages)) = read(mirror, id)? else { return Ok(()) };
    for version in &thread.versions {
        let subject = &messages[thread.entries[version.entry].message].subject.text;
        let why: Vec<&str> = version.linked_by.iter().map(|l| l.name()).collect();
        say(&format!("{} {} {subject} [{}]", version.lineage, version.name(), why.join(", ")));
    }
    Ok(())
}

/// Numbers of a generator of Lehmer's: enough to draw by chance, and the same on every machine.
fn next(state: &mut u64) -> u64 {
    *state = *state * 48_271 % 2_147_483_647;
    *state
}

fn draw(mirror: &Mirror, count: usize, seed: u64) -> Result<(), Box<dyn std::error::Error>> {
    let filter = Filter { words: vec!["patch".to_owned()], ..Filter::default() };
    let found = mirror.index().threads(&filter, usize::MAX)?.threads;
    let mut state = seed % 2_147_483_646 + 1;
    let mut seen = BTreeSet::new();
    for _ in 0..count * 100 {
        if seen.len() >= count || found.is_empty() {
            break;
        }
        let thread = found[usize::try_from(next(&mut state))? % found.len()];
        let Some(id) = mirror.index().first_id(thread)? else { continue };
        let Some((thread, messages)) = read(mirror, &id)? else { continue };
        let Some(newest) = thread.state.newest else { continue };
        let lineage = thread.versions[newest].lineage;
        let mine: Vec<&Version> = thread.versions.iter().filter(|v| v.lineage == lineage).collect();
        if mine.len() < 2 {
            continue;
        }
        let at = usize::try_from(next(&mut state))? % (mine.len() - 1);
        let show = |v: &Version| {
            let message = &messages[thread.entries[v.entry].message];
            let files: BTreeSet<&str> = v
                .patches
                .iter()
                .filter_map(|p| p.diff.as_ref())
                .flat_map(|d| &d.files)
                .map(parse_mail::FileDiff::path)
                .collect();
            format!(
                "{} {} | {} | {} | <{}> | {} patches | {}",
                message.date.map_or(String::new(), |d| d.utc()[..10].to_owned()),
                v.name(),
                v.author.shown(),
                message.subject.text,
                message.message_id.as_deref().unwrap_or_default(),
                v.patches.len(),
                files.into_iter().take(3).collect::<Vec<_>>().join(" "),
            )
        };
        let pair = (show(mine[at]), show(mine[at + 1]));
        let why: Vec<&str> = mine[at + 1].linked_by.iter().map(|l| l.name()).collect();
        if seen.insert(pair.clone()) {
            say(&format!("{}\n  {}\n  {}\n  {}", seen.len(), pair.0, pair.1, why.join(", ")));
        }
    }
    Ok(())
}
