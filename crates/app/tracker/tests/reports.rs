//! Reports by mail: each bug once a stage, the oldest first, to somebody.

use app_tracker::{MailPolicy, Policy, Reporting, Stage, Tracker};
use io_database::record::SqliteRecord;
use model::tracker::{Action, Identity, NewCrash};

const DAY: i64 = 86_400;

fn tracker(folder: &tempfile::TempDir, bugs: usize) -> Tracker {
    let record = SqliteRecord::open(folder.path()).unwrap();
    let tracker = Tracker::new(Box::new(record), Policy::default()).unwrap();
    let crashes: Vec<NewCrash> = (1..=bugs)
        .map(|at| NewCrash {
            identity: Identity { title: format!("WARNING in f{at}"), ..Identity::default() },
            ..NewCrash::default()
        })
        .collect();
    tracker.ingest(&crashes, "t", 1).unwrap();
    tracker
}

fn policy(quota: u32) -> MailPolicy {
    let stage = |name: &str, to: &str| Stage {
        name: name.into(),
        to: vec![to.into()],
        quota,
        ..Stage::default()
    };
    MailPolicy {
        from: "bot@bugs.example".into(),
        prefixes: vec!["#ktriage".into()],
        allow: ["ann@team.example".to_owned()].into(),
        authserv_id: "mx".into(),
        stages: vec![stage("team", "ann@team.example"), stage("list", "list@lists.example")],
    }
}

fn report(tracker: &Tracker, quota: u32, day: i64) -> Vec<i64> {
    let compose = |reporting: &Reporting<'_>| Ok(format!("To: {}", reporting.to.join(", ")));
    tracker.report(&policy(quota), day * DAY, &compose).unwrap()
}

fn act(tracker: &Tracker, bug: i64, action: &Action) {
    tracker.act(bug, action, "me", "", 1).unwrap();
}

/// Ann's command, by mail.
fn command(tracker: &Tracker, bug: i64, text: &str) {
    let external = tracker.read().bug(bug).unwrap().unwrap().external;
    let mail = format!(
        "Authentication-Results: mx; dkim=pass header.d=team.example\nFrom: ann@team.example\nTo: bot+{external}@bugs.example\nMessage-ID: <{bug}{text}@team.example>\n\n#ktriage {text}\n"
    );
    tracker.receive(mail.as_bytes(), &[], &policy(9), 1, &|_| String::new()).unwrap();
}

#[test]
fn a_report_that_is_undone_is_not_sent_again_and_stops_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(&folder, 3);
    assert_eq!(report(&tracker, 1, 1), [1]);
    act(&tracker, 1, &Action::Undo { entry: 0 });
    assert_eq!(report(&tracker, 1, 2), [2]);
    // What somebody told of and took back was never sent.
    act(&tracker, 3, &Action::Report { stage: "team".into(), message_id: None });
    assert_eq!(report(&tracker, 1, 3), [0; 0]);
    act(&tracker, 3, &Action::Undo { entry: 0 });
    assert_eq!(report(&tracker, 1, 4), [3]);
    assert_eq!(tracker.read().undelivered(9).unwrap().len(), 3);
}

#[test]
fn a_bug_goes_to_the_next_stage_when_it_is_sent_on() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(&folder, 2);
    assert_eq!(report(&tracker, 9, 1), [1, 2]);
    assert_eq!(report(&tracker, 9, 2), [0; 0]);
    command(&tracker, 2, "upstream");
    assert_eq!(report(&tracker, 9, 3), [2]);
    assert_eq!(report(&tracker, 9, 4), [0; 0]);
}

#[test]
fn nothing_is_mailed_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(&folder, 2);
    command(&tracker, 1, "uncc");
    assert_eq!(report(&tracker, 1, 1), [2], "it takes nothing from the quota either");
    let texts: Vec<String> =
        tracker.read().undelivered(9).unwrap().into_iter().map(|mail| mail.text).collect();
    assert!(texts.contains(&"To: ann@team.example".to_owned()) && !texts.contains(&"To: ".into()));
}

#[test]
fn the_oldest_bug_is_reported_first_however_many_came_later() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(&folder, 1_001);
    assert_eq!(report(&tracker, 1, 1), [1]);
    assert_eq!(report(&tracker, 2, 2), [2, 3]);
}

#[test]
fn others_can_write_while_a_report_is_composed() {
    let folder = tempfile::tempdir().unwrap();
    let (tracker, other) = (tracker(&folder, 1), tracker(&folder, 0));
    let compose = |_: &Reporting<'_>| {
        other.act(1, &Action::Invalid, "me", "", 1)?;
        Ok(String::new())
    };
    assert_eq!(tracker.report(&policy(1), DAY, &compose).unwrap(), [0; 0], "it is closed now");
}
