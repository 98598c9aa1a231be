//! Bugs as JSON: what `bugs --json` and `bug --json` print and the service's own interface answers.

use model::tracker::{Action, Bug, Crash, Fix, Page, State};
use schemars::JsonSchema;
use serde::Serialize;

use super::text::other_names;
use super::view::BugView;

/// Grows when a field changes its meaning or goes; new fields do not change it.
pub const FORMAT: u32 = 1;

/// A bug in short. Times are seconds since 1970.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Summary {
    /// Its number.
    pub id: i64,
    /// The title of its first crash, with `(2)` behind it for the second bug of that title.
    pub title: String,
    /// Its outside name.
    pub external: String,
    /// Where it stands.
    pub state: State,
    /// Why, as far as it was said.
    pub reason: String,
    /// The bug whose record goes on for it.
    pub duplicate_of: Option<i64>,
    /// Whether its crashes stand in that record.
    pub merged: bool,
    /// The commits that fix it.
    pub fixes: Vec<Fix>,
    /// Whether anybody may see it.
    pub public: bool,
    /// The kind of crash.
    pub kind: Option<String>,
    /// How often it was seen.
    pub crashes: u64,
    /// When it was first seen.
    pub first: i64,
    /// When it was last seen.
    pub last: i64,
    /// When it was closed.
    pub closed: Option<i64>,
    /// Its best reproducer: `none`, `syz`, `c`.
    pub reproducer: &'static str,
}

/// Bugs that fit a question.
#[derive(Debug, Serialize, JsonSchema)]
pub struct List {
    /// Number of this format.
    pub format: u32,
    /// How many fit in all.
    pub total: u64,
    /// Those that are given.
    pub bugs: Vec<Summary>,
}

/// One crash. Names of texts are those under which the service gives them out.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CrashSeen {
    /// Its number.
    pub id: i64,
    /// When.
    pub time: i64,
    /// Its title.
    pub title: String,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// Where it happened.
    pub machine: String,
    /// Where it was read.
    pub source: String,
    /// Its log by content, where it is kept.
    pub log: Option<String>,
    /// Its report by content, where it is kept.
    pub report: Option<String>,
    /// First line of the report in the log, from 1 on.
    pub line: Option<u64>,
}

/// One entry of the history.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Done {
    /// Its number.
    pub id: i64,
    /// When.
    pub time: i64,
    /// Who or what did it.
    pub who: String,
    /// What was done.
    pub action: Action,
    /// Why.
    pub why: String,
}

/// A bug that shares something.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Similar {
    /// Its number.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// What both have.
    pub shared: Vec<String>,
    /// Whether the reproducers of both do the same in the lab.
    pub same_signature: bool,
}

/// How often on one day with one kernel.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SeenOn {
    /// The day, `2024-01-31`.
    pub day: String,
    /// The kernel's release; empty where it is not known.
    pub kernel: String,
    /// How often.
    pub crashes: u64,
}

/// A bug with everything.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Whole {
    /// Number of this format.
    pub format: u32,
    /// The bug in short.
    pub bug: Summary,
    /// Other names of it.
    pub also: Vec<String>,
    /// Labels as `name` or `name:value`.
    pub labels: Vec<String>,
    /// Machines on which it was seen, the most frequent first.
    pub machines: Vec<String>,
    /// The bug of the same title before it.
    pub previous: Option<i64>,
    /// Bugs whose record it carries on.
    pub duplicates: Vec<i64>,
    /// Everything that was done to it, oldest first.
    pub history: Vec<Done>,
    /// Its newest crashes.
    pub crashes: Vec<CrashSeen>,
    /// How often it was seen, by day and kernel.
    pub days: Vec<SeenOn>,
    /// Bugs that may be the same.
    pub similar: Vec<Similar>,
}

/// A bug in short.
pub fn summary(bug: &Bug) -> Summary {
    let standing = &bug.standing;
    Summary {
        id: bug.id,
        title: bug.shown(),
        external: bug.external.clone(),
        state: standing.state,
        reason: standing.reason.clone(),
        duplicate_of: standing.duplicate_of,
        merged: standing.merged,
        fixes: standing.fixes.clone(),
        public: standing.public,
        kind: bug.kind.clone(),
        crashes: bug.crashes,
        first: bug.first,
        last: bug.last,
        closed: standing.closed,
        reproducer: bug.reproducer.name(),
    }
}

/// A list of bugs.
pub fn list(page: &Page) -> List {
    List { format: FORMAT, total: page.total, bugs: page.bugs.iter().map(summary).collect() }
}

fn crash(crash: &Crash) -> CrashSeen {
    CrashSeen {
        id: crash.id,
        time: crash.time,
        title: crash.title.clone(),
        kernel: crash.kernel.clone(),
        machine: crash.machine.clone(),
        source: crash.source.clone(),
        log: crash.log.clone(),
        report: crash.report.clone(),
        line: (crash.line > 0).then_some(crash.line),
    }
}

/// A bug with everything.
pub fn whole(view: &BugView) -> Whole {
    Whole {
        format: FORMAT,
        bug: summary(&view.bug),
        also: other_names(&view.keys, &view.bug.title),
        labels: view
            .labels
            .iter()
            .map(
                |(name, value)| {
                    if value.is_empty() { name.clone() } else { format!("{name}:{value}") }
                },
            )
            .collect(),
        machines: view.machines.iter().map(|(name, _)| name.clone()).collect(),
        previous: view.bug.previous,
        duplicates: view.duplicates.iter().map(|bug| bug.id).collect(),
        history: view
            .history
            .iter()
            .map(|entry| Done {
                id: entry.id,
                time: entry.time,
                who: entry.who.clone(),
                action: entry.action.clone(),
                why: entry.why.clone(),
            })
            .collect(),
        crashes: view.crashes.iter().map(crash).collect(),
        days: view
            .days
            .iter()
            .map(|day| SeenOn {
                day: super::day(day.day),
                kernel: day.kernel.clone(),
                crashes: day.crashes,
            })
            .collect(),
        similar: view
            .similar
            .iter()
            .map(|(bug, likeness)| Similar {
                id: bug.id,
                title: bug.shown(),
                shared: likeness.shared.iter().map(|key| key.value.clone()).collect(),
                same_signature: likeness.same_signature,
            })
            .collect(),
    }
}
