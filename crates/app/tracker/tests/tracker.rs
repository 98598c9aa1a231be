//! A bug's life in the record.

use analysis_tracker::{Rate, Reason};
use app_tracker::{Error, Policy, Tracker};
use io_database::record::SqliteRecord;
use model::tracker::{
    Action, Filter, Fix, Identity, NewCrash, NewReproducer, ReproducerLevel, State,
};
use tempfile::TempDir;

const DAY: i64 = 86_400;

struct Place {
    _folder: TempDir,
    tracker: Tracker,
    count: std::cell::Cell<u64>,
}

impl Place {
    fn new() -> Self {
        Self::with(Policy::default())
    }

    fn with(policy: Policy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let record = SqliteRecord::open(folder.path()).unwrap();
        let tracker = Tracker::new(Box::new(record), policy).unwrap();
        Self { _folder: folder, tracker, count: std::cell::Cell::new(0) }
    }

    /// The bug under which a crash of that title is filed.
    fn crash(&self, title: &str, alternatives: &[&str], time: i64) -> i64 {
        self.count.set(self.count.get() + 1);
        let crash = NewCrash {
            key: Some(self.count.get().to_string()),
            time,
            identity: Identity {
                title: title.into(),
                alternatives: alternatives.iter().map(|&title| title.to_owned()).collect(),
                ..Identity::default()
            },
            machine: "host".into(),
            log: format!("log {}", self.count.get()).into_bytes().into(),
            ..NewCrash::default()
        };
        self.tracker.ingest(&[crash], "test", time).unwrap()[0].bug
    }

    #[expect(clippy::needless_pass_by_value, reason = "so that calls read as sentences")]
    fn act(&self, bug: i64, action: Action) -> Result<i64, Error> {
        self.tracker.act(bug, &action, "me", "because", 1_000).map(|bug| bug.id)
    }

    fn state(&self, bug: i64) -> State {
        self.bug(bug).standing.state
    }

    fn bug(&self, bug: i64) -> model::tracker::Bug {
        self.tracker.read().bug(bug).unwrap().unwrap()
    }
}

fn fix() -> Action {
    Action::Fix { fixes: vec![Fix { title: "net: mend it".into(), hash: None }] }
}

#[test]
fn a_closed_bug_that_returns_opens_a_second_one_that_knows_it() {
    let place = Place::new();
    let first = place.crash("WARNING in f", &[], 10);
    assert_eq!(place.crash("WARNING in f", &[], 20), first);
    place.act(first, Action::Invalid).unwrap();
    let second = place.crash("WARNING in f", &[], 30);
    assert_ne!(second, first);
    let bug = place.bug(second);
    assert_eq!((bug.shown(), bug.previous), ("WARNING in f (2)".into(), Some(first)));
    assert_eq!(place.tracker.find("Re: [x] WARNING in f (2)").unwrap().id, second);
    assert_eq!(place.tracker.find("WARNING in f").unwrap().id, second);
    assert_eq!(place.tracker.find(&place.bug(first).external).unwrap().id, first);
    assert!(matches!(place.tracker.find("WARNING in g"), Err(Error::NoBug(_))));
}

#[test]
fn other_names_lead_to_the_same_bug_and_stay_stable() {
    let place = Place::new();
    let bug = place.crash("KASAN: use-after-free Read in f", &["KASAN: bad access in f"], 1);
    assert_eq!(
        place.crash("KASAN: slab-use-after-free Read in f", &["KASAN: bad access in f"], 2),
        bug
    );
    assert_eq!(place.crash("KASAN: slab-use-after-free Read in f", &[], 3), bug);
    // Reading and writing are two bugs.
    let other = place.crash("KASAN: use-after-free Write in f", &["KASAN: bad access in f"], 4);
    assert_ne!(other, bug);
    assert_eq!(place.bug(bug).crashes, 3);
}

#[test]
fn the_same_delivery_is_counted_once() {
    let place = Place::new();
    let crash = NewCrash {
        key: Some("same".into()),
        identity: Identity { title: "WARNING in f".into(), ..Identity::default() },
        ..NewCrash::default()
    };
    let filed = place.tracker.ingest(&[crash.clone(), crash.clone()], "t", 1).unwrap();
    assert!(!filed[0].is_repeat && filed[1].is_repeat);
    assert!(place.tracker.ingest(&[crash], "t", 2).unwrap()[0].is_repeat);
    assert_eq!(place.bug(1).crashes, 1);
}

#[test]
fn merging_and_splitting_lose_nothing() {
    let place = Place::new();
    let (a, b, c) = (
        place.crash("WARNING in a", &[], 1),
        place.crash("WARNING in b", &[], 2),
        place.crash("WARNING in c", &[], 3),
    );
    place.crash("WARNING in b", &[], 4);
    place.act(a, Action::Merge { into: b }).unwrap();
    assert_eq!((place.bug(a).crashes, place.bug(b).crashes), (0, 3));
    assert_eq!(place.crash("WARNING in a", &[], 5), b, "new ones go where the others went");
    place.act(b, Action::Merge { into: c }).unwrap();
    assert_eq!(place.bug(c).crashes, 5);
    assert!(place.act(c, Action::Duplicate { of: a }).is_err(), "a circle");
    place.act(b, Action::Split { title: None, to: None }).unwrap();
    assert_eq!((place.bug(b).crashes, place.bug(c).crashes), (4, 1));
    place.act(a, Action::Undo { entry: 0 }).unwrap();
    assert_eq!((place.bug(a).crashes, place.bug(b).crashes), (2, 2));
    assert_eq!((place.bug(a).first, place.bug(a).last), (1, 5));
    assert_eq!(place.crash("WARNING in a", &[], 6), a);
    let days: u64 = place.tracker.read().days(a).unwrap().iter().map(|day| day.crashes).sum();
    assert_eq!(days, 3);
}

#[test]
fn crashes_of_one_title_leave_for_a_bug_of_their_own() {
    let place = Place::new();
    let bug = place.crash("KASAN: use-after-free Read in f", &["KASAN: bad access in f"], 1);
    place.crash("KASAN: slab-use-after-free Read in f", &["KASAN: bad access in f"], 2);
    let split = |title: &str| Action::Split { title: Some(title.into()), to: None };
    assert!(matches!(place.act(bug, split("KASAN: z in f")), Err(Error::NoTitle { .. })));
    let new = place.act(bug, split("KASAN: slab-use-after-free Read in f")).unwrap();
    assert_eq!((place.bug(bug).crashes, place.bug(new).crashes), (1, 1));
    assert_eq!(
        place.crash("KASAN: slab-use-after-free Read in f", &["KASAN: bad access in f"], 3),
        new
    );
    assert_eq!(place.crash("KASAN: use-after-free Read in f", &["KASAN: bad access in f"], 4), bug);
}

#[test]
fn every_change_stands_in_the_history_and_can_be_undone_from_the_end() {
    let place = Place::new();
    let bug = place.crash("WARNING in f", &[], 1);
    place.act(bug, Action::Report { stage: "list".into(), message_id: None }).unwrap();
    place.act(bug, fix()).unwrap();
    place.act(bug, Action::Contained { kernels: vec!["6.1".into()] }).unwrap();
    assert_eq!(place.state(bug), State::Fixed);
    place.act(bug, Action::Note { text: "remember".into() }).unwrap();
    let history = place.tracker.read().history(bug).unwrap();
    let fixed = history.iter().find(|entry| entry.action == fix()).unwrap().id;
    assert!(place.act(bug, Action::Undo { entry: fixed }).is_err(), "a later one stands on it");
    for (expected, _) in [(State::FixKnown, 0), (State::Reported, 0), (State::New, 0)] {
        place.act(bug, Action::Undo { entry: 0 }).unwrap();
        assert_eq!(place.state(bug), expected);
    }
    assert!(matches!(place.act(bug, Action::Undo { entry: 0 }), Err(Error::NoUndo(_))));
    let history = place.tracker.read().history(bug).unwrap();
    assert_eq!(history.len(), 8, "created, four actions, three undone");
    assert!(history.iter().skip(1).all(|entry| entry.who == "me" && entry.why == "because"));
}

#[test]
fn silence_ends_a_bug_and_a_reproducer_keeps_it() {
    let policy = Policy { silence: Some(Rate { least: 10.0, most: 50.0 }), ..Policy::default() };
    let place = Place::with(policy);
    let (silent, kept) = (place.crash("WARNING in f", &[], 0), place.crash("WARNING in g", &[], 0));
    let reproduced = NewCrash {
        identity: Identity { title: "WARNING in g".into(), ..Identity::default() },
        reproducers: vec![NewReproducer {
            level: ReproducerLevel::C,
            text: b"main(){}".to_vec(),
            ..NewReproducer::default()
        }],
        ..NewCrash::default()
    };
    place.tracker.ingest(&[reproduced], "t", 0).unwrap();
    assert!(place.tracker.expire(50 * DAY).unwrap().is_empty());
    let expired = place.tracker.expire(51 * DAY).unwrap();
    assert_eq!(expired.iter().map(|one| one.bug).collect::<Vec<_>>(), [silent]);
    assert_eq!((place.state(silent), place.state(kept)), (State::Obsolete, State::New));
    assert!(place.tracker.expire(51 * DAY).unwrap().is_empty(), "once");
    assert_eq!(place.bug(kept).reproducer, ReproducerLevel::C);
}

#[test]
fn some_dozens_of_logs_stay_and_all_counts() {
    let place = Place::new();
    let mut bug = 0;
    for time in 0..600 {
        bug = place.crash("WARNING in f", &[], time * 4_000);
    }
    let kept = place.tracker.read().kept_crashes(bug).unwrap();
    assert!(kept.len() <= 80, "{}", kept.len());
    assert_eq!(place.bug(bug).crashes, 600);
    assert_eq!(kept[0].time, 599 * 4_000, "the newest");
    assert_eq!(kept.last().unwrap().time, 0, "and the first");
    assert_eq!(
        place.tracker.read().count_artefacts().unwrap() as usize,
        kept.len(),
        "what nothing names is gone"
    );
}

#[test]
fn a_duplicate_keeps_its_crashes_while_the_other_is_open() {
    let place = Place::new();
    let (a, b) = (place.crash("WARNING in a", &[], 1), place.crash("WARNING in b", &[], 1));
    place.act(a, Action::Duplicate { of: b }).unwrap();
    assert_eq!(place.crash("WARNING in a", &[], 2), a);
    assert_eq!(place.bug(a).crashes, 2);
    place.act(b, Action::Invalid).unwrap();
    assert_ne!(place.crash("WARNING in a", &[], 3), a);
    let open = place.tracker.read().bugs(&Filter::default()).unwrap();
    assert_eq!(open.total, 1);
}

#[test]
fn two_bugs_that_see_each_other_in_one_group_are_one() {
    let place = Place::new();
    let crash = |title: &str, follower: &str| NewCrash {
        identity: Identity {
            title: title.into(),
            group: Some("hung/bank".into()),
            followers: vec![follower.into()],
            ..Identity::default()
        },
        ..NewCrash::default()
    };
    let (a, b) = ("INFO: task hung in a", "INFO: task hung in b");
    let filed = place
        .tracker
        .ingest(&[crash(a, b), crash(b, a), crash("INFO: task hung in c", a)], "t", 1)
        .unwrap();
    assert_eq!(filed[1].reason, Some(Reason::Group));
    assert_eq!(filed[0].bug, filed[1].bug);
    assert_ne!(filed[0].bug, filed[2].bug, "a never saw c");
    let alike = place.tracker.similar(&place.bug(filed[2].bug), 3).unwrap();
    assert_eq!(alike[0].0.id, filed[0].bug);
}
