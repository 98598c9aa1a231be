//! The record as a database: what was written is there, what failed left nothing.

use io_database::record::{ServerLock, SqliteRecord};
use model::tracker::{
    Action, Bug, Build, Change, Filter, Identity, Job, JobKind, JobState, KeptNames, Key, KeyKind,
    NewCrash, Read as _, Record as _, RecordError, ReproducerLevel, Standing, State,
};

fn bug(title: &str) -> Bug {
    Bug {
        id: 0,
        title: title.into(),
        sequence: 1,
        external: format!("x{title}"),
        standing: Standing::begin(true),
        created: 5,
        first: 5,
        last: 5,
        crashes: 0,
        reproducer: ReproducerLevel::None,
        kind: Some("KASAN".into()),
        frame: None,
        changed: 5,
        previous: None,
        attempts: 0,
        attempted: None,
        kept: 0,
        kept_last: None,
    }
}

fn crash(title: &str, time: i64, key: &str) -> NewCrash {
    NewCrash {
        key: Some(key.into()),
        time,
        identity: Identity { title: title.into(), ..Identity::default() },
        kernel: Some("6.1.0".into()),
        machine: "host".into(),
        ..NewCrash::default()
    }
}

fn change(record: &SqliteRecord, mut run: impl FnMut(&dyn Change)) {
    record
        .change(&mut |change| {
            run(change);
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_was_written_is_read_back_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    change(&SqliteRecord::open(folder.path()).unwrap(), |change| {
        let id = change.add_bug(&bug("WARNING in f")).unwrap();
        let key = Key { kind: KeyKind::Title, value: "WARNING in f".into() };
        change.add_keys(id, &[key.clone(), key]).unwrap();
        let log = change.put(b"a log").unwrap();
        assert_eq!(change.put(b"a log").unwrap(), log);
        let kept = KeptNames { log: Some(log), ..KeptNames::default() };
        change.add_crash(id, id, &crash("WARNING in f", 86_400, "k"), &kept).unwrap();
        change.append(id, 7, "me", &Action::Create { previous: None }, "", None).unwrap();
        change.recount(id).unwrap();
    });
    let record = SqliteRecord::open(folder.path()).unwrap();
    let found = record.bugs(&Filter { text: "warn".into(), ..Filter::default() }).unwrap();
    assert_eq!((found.total, found.bugs[0].crashes, found.bugs[0].first), (1, 1, 86_400));
    let best = record.best_crash(1).unwrap().unwrap();
    assert_eq!(record.artefact(&best.log.unwrap()).unwrap().unwrap(), b"a log");
    assert_eq!(record.history(1).unwrap().len(), 1);
    assert_eq!(record.days(1).unwrap()[0].day, 1);
    assert_eq!(record.machines(1, 9).unwrap(), [("host".to_owned(), 1)]);
}

#[test]
fn a_change_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let record = SqliteRecord::open(folder.path()).unwrap();
    let failed = record.change(&mut |change| {
        change.add_bug(&bug("a"))?;
        change.put(b"text")?;
        Err(RecordError::Abandoned)
    });
    assert_eq!(failed, Err(RecordError::Abandoned));
    assert_eq!(record.bug(1).unwrap(), None);
    assert_eq!(record.count_artefacts().unwrap(), 0);
}

#[test]
fn the_same_delivery_is_refused_by_the_database_itself() {
    let folder = tempfile::tempdir().unwrap();
    let record = SqliteRecord::open(folder.path()).unwrap();
    let twice = record.change(&mut |change| {
        let id = change.add_bug(&bug("a"))?;
        for _ in 0..2 {
            change.add_crash(id, id, &crash("a", 1, "same"), &KeptNames::default())?;
        }
        Ok(())
    });
    assert!(matches!(twice, Err(RecordError::Other(_))), "{twice:?}");
    assert_eq!(record.crash_by_key("same").unwrap(), None);
}

#[test]
fn the_history_cannot_be_changed_by_sql_either() {
    let folder = tempfile::tempdir().unwrap();
    change(&SqliteRecord::open(folder.path()).unwrap(), |change| {
        let id = change.add_bug(&bug("a")).unwrap();
        change.append(id, 7, "me", &Action::Invalid, "", None).unwrap();
    });
    let connection = rusqlite::Connection::open(folder.path().join("record.sqlite")).unwrap();
    for sql in ["UPDATE history SET who = 'you'", "DELETE FROM history"] {
        assert!(connection.execute(sql, []).is_err(), "{sql}");
    }
}

#[test]
fn a_configuration_belongs_to_the_bugs_of_the_client_that_uploaded_it() {
    let folder = tempfile::tempdir().unwrap();
    let record = SqliteRecord::open(folder.path()).unwrap();
    let mut names = Vec::new();
    change(&record, |change| {
        for client in ["one", "two"] {
            let config = change.put(format!("CONFIG_OF={client}").as_bytes()).unwrap();
            // Clients name their builds as they like.
            let build = Build {
                key: "build1".into(),
                client: client.into(),
                config: Some(config.clone()),
                ..Build::default()
            };
            change.put_build(&build).unwrap();
            names.push(config);
            let id = change.add_bug(&bug(client)).unwrap();
            let mut own = crash(client, 1, client);
            own.build = Some("build1".into());
            own.source = client.into();
            change.add_crash(id, id, &own, &KeptNames::default()).unwrap();
        }
    });
    assert_eq!(record.bugs_of_artefact(&names[0]).unwrap(), [1]);
    assert_eq!(record.bugs_of_artefact(&names[1]).unwrap(), [2]);
}

fn job(bug: i64, manager: &str, state: JobState, attempts: u32) -> Job {
    Job {
        id: 0,
        bug,
        kind: JobKind::Test,
        state,
        who: String::new(),
        message_id: None,
        created: 1,
        attempts,
        lease: None,
        manager: manager.into(),
        repository: String::new(),
        branch: String::new(),
        patch: None,
        ended: None,
        crash_title: String::new(),
        error: String::new(),
        log: None,
        commits: Vec::new(),
    }
}

#[test]
fn jobs_are_found_by_bug_and_by_manager_the_oldest_before_the_bound() {
    use JobState::{Done, Running, Waiting};
    let folder = tempfile::tempdir().unwrap();
    let record = SqliteRecord::open(folder.path()).unwrap();
    change(&record, |change| {
        let (a, b) = (change.add_bug(&bug("a")).unwrap(), change.add_bug(&bug("b")).unwrap());
        for (bug, manager, state, attempts) in [
            (a, "one", Done, 1),
            (a, "one", Waiting, 2),
            (b, "two", Waiting, 0),
            (a, "one", Running, 1),
            (b, "one", Waiting, 0),
            (a, "one", Waiting, 0),
            (a, "one", Done, 1),
        ] {
            change.add_job(&job(bug, manager, state, attempts)).unwrap();
        }
    });
    let ids = |jobs: Vec<Job>| jobs.iter().map(|job| job.id).collect::<Vec<_>>();
    assert_eq!(ids(record.jobs_of(1, 9).unwrap()), [6, 2, 4, 7, 1]);
    assert_eq!(ids(record.jobs(6).unwrap()), [6, 5, 3, 2, 4, 7]);
    assert_eq!(ids(record.jobs(2).unwrap()), [6, 5]);
    assert_eq!(ids(record.open_jobs("one", 3).unwrap()), [5, 6, 4]);
    assert_eq!(record.count_open_jobs().unwrap(), 5);
    let connection = rusqlite::Connection::open(folder.path().join("record.sqlite")).unwrap();
    for condition in ["bug = 1 ORDER BY state, id DESC", "state < 2 AND manager = 'one'"] {
        let plan: String = connection
            .query_row(
                &format!("EXPLAIN QUERY PLAN SELECT * FROM job WHERE {condition}"),
                [],
                |row| row.get(3),
            )
            .unwrap();
        assert!(plan.contains("USING INDEX job_"), "{condition}: {plan}");
    }
}

#[test]
fn whoever_follows_the_history_misses_no_entry() {
    let folder = tempfile::tempdir().unwrap();
    let record = SqliteRecord::open(folder.path()).unwrap();
    change(&record, |change| {
        let id = change.add_bug(&bug("a")).unwrap();
        for number in 0..7 {
            let note = Action::Note { text: number.to_string() };
            change.append(id, number, "me", &note, "", None).unwrap();
        }
    });
    let mut seen = Vec::new();
    let mut at = 0;
    loop {
        let entries = record.history_after(at, 3).unwrap();
        let Some((last, _)) = entries.last() else { break };
        at = last.id;
        seen.extend(entries.iter().map(|(entry, bug)| (entry.time, bug.id)));
    }
    assert_eq!(seen, (0..7).map(|number| (number, 1)).collect::<Vec<_>>());
}

#[test]
fn filters_narrow_and_a_private_bug_is_not_among_the_public_ones() {
    let folder = tempfile::tempdir().unwrap();
    let record = SqliteRecord::open(folder.path()).unwrap();
    change(&record, |change| {
        for (number, title) in
            ["KASAN: a in f", "INFO: hung in rtnl_lock", "WARNING in g"].iter().enumerate()
        {
            let id = change.add_bug(&bug(title)).unwrap();
            let mut own = crash(title, number as i64 * 100, &number.to_string());
            own.machine = format!("host{number}");
            change.add_crash(id, id, &own, &KeptNames::default()).unwrap();
            change.recount(id).unwrap();
        }
        let mut hidden = change.bug(2).unwrap().unwrap();
        hidden.standing.public = false;
        change.set_bug(&hidden).unwrap();
        let mut closed = change.bug(3).unwrap().unwrap();
        closed.standing.state = State::Invalid;
        change.set_bug(&closed).unwrap();
        change.set_label(1, "subsystems", "net").unwrap();
    });
    let ids = |filter: Filter| -> Vec<i64> {
        record.bugs(&filter).unwrap().bugs.iter().map(|bug| bug.id).collect()
    };
    assert_eq!(ids(Filter::default()), [2, 1]);
    assert_eq!(ids(Filter { public_only: true, ..Filter::default() }), [1]);
    assert_eq!(ids(Filter { all: true, ..Filter::default() }), [3, 2, 1]);
    assert_eq!(ids(Filter { states: vec![State::Invalid], ..Filter::default() }), [3]);
    assert_eq!(ids(Filter { text: "rtnl".into(), ..Filter::default() }), [2]);
    assert_eq!(ids(Filter { text: "rtnl".into(), public_only: true, ..Filter::default() }), [0; 0]);
    assert_eq!(ids(Filter { machine: Some("host0".into()), ..Filter::default() }), [1]);
    assert_eq!(ids(Filter { kernel: Some("6.1.0".into()), ..Filter::default() }), [2, 1]);
    assert_eq!(ids(Filter { label: Some("subsystems:net".into()), ..Filter::default() }), [1]);
    assert_eq!(ids(Filter { label: Some("subsystems:mm".into()), ..Filter::default() }), [0; 0]);
    assert_eq!(ids(Filter { since: Some(50), ..Filter::default() }), [2]);
    assert_eq!(record.days_of_all(0, true).unwrap(), [(0, 2)]);
    let crashes = |public_only| record.counts(public_only).unwrap().crashes;
    assert_eq!((crashes(false), crashes(true)), (3, 2));
}

#[test]
fn a_newer_record_a_second_server_and_a_full_disk_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let record = SqliteRecord::open(folder.path()).unwrap();
    let connection = rusqlite::Connection::open(folder.path().join("record.sqlite")).unwrap();
    let lock = ServerLock::take(folder.path()).unwrap();
    let second = ServerLock::take(folder.path()).unwrap_err();
    assert!(matches!(second, RecordError::Busy(_)));
    assert!(second.to_string().contains(&std::process::id().to_string()), "{second}");
    drop(lock);
    ServerLock::take(folder.path()).unwrap();
    // The database may grow no more: the same to SQLite as a full disk.
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    record.limit_pages(pages + 2).unwrap();
    let full = record.change(&mut |change| {
        change.add_bug(&bug("a"))?;
        let noise: Vec<u8> =
            (0..2_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        change.put(&noise).map(drop)
    });
    assert!(matches!(full, Err(RecordError::Full(_))), "{full:?}");
    record.limit_pages(1_000_000_000).unwrap();
    assert_eq!(record.bug(1).unwrap(), None);
    change(&record, |change| assert_eq!(change.add_bug(&bug("a")).unwrap(), 1));
    connection.pragma_update(None, "user_version", 9_999).unwrap();
    let newer = SqliteRecord::open(folder.path()).unwrap_err();
    assert!(newer.to_string().contains("newer ktriage"), "{newer}");
}

#[test]
fn a_copy_made_while_others_write_is_a_whole_record() {
    let folder = tempfile::tempdir().unwrap();
    let record = SqliteRecord::open(folder.path()).unwrap();
    change(&record, |change| {
        change.add_bug(&bug("a")).unwrap();
    });
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    record.backup(&copy.join("record.sqlite")).unwrap();
    assert!(record.backup(&copy.join("record.sqlite")).is_err());
    change(&record, |change| {
        change.add_bug(&bug("b")).unwrap();
    });
    let copied = SqliteRecord::open(&copy).unwrap();
    assert_eq!(copied.bugs(&Filter::default()).unwrap().total, 1);
}

/// The program that is killed in the test below.
#[test]
fn opens_the_record_that_is_named() {
    if let Some(folder) = std::env::var_os("RECORD_TO_OPEN") {
        let _ = SqliteRecord::open(folder.as_ref());
    }
}

/// A record of the first version is brought up to date, whenever a program that does it is killed.
#[test]
fn a_kill_while_the_record_is_brought_up_to_date_loses_nothing() {
    const CRASHES: i64 = 2_000;
    const KILLS: u64 = 200;
    let old = tempfile::tempdir().unwrap();
    {
        let record = SqliteRecord::open(old.path()).unwrap();
        change(&record, |change| {
            let id = change.add_bug(&bug("WARNING in f")).unwrap();
            for at in 0..CRASHES {
                let crash = NewCrash {
                    build: Some(format!("build{}", at % 7)),
                    ..crash("WARNING in f", at, &at.to_string())
                };
                change.add_crash(id, id, &crash, &KeptNames::default()).unwrap();
            }
        });
    }
    let file = "record.sqlite";
    {
        let connection = rusqlite::Connection::open(old.path().join(file)).unwrap();
        let back =
            "DROP INDEX crash_build; PRAGMA user_version = 1; PRAGMA wal_checkpoint(TRUNCATE);";
        connection.execute_batch(back).unwrap();
    }
    let mut whole = std::time::Duration::ZERO;
    for round in 0..=KILLS {
        let place = tempfile::tempdir().unwrap();
        std::fs::copy(old.path().join(file), place.path().join(file)).unwrap();
        let start = std::time::Instant::now();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "opens_the_record_that_is_named"])
            .env("RECORD_TO_OPEN", place.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        match round {
            0 => {
                assert!(child.wait().unwrap().success());
                whole = start.elapsed();
            }
            _ => {
                std::thread::sleep(whole * (round * 37 % 100) as u32 / 100);
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        let record = SqliteRecord::open(place.path()).unwrap();
        assert_eq!(record.crashes(1, 10_000).unwrap().len(), CRASHES as usize);
        drop(record);
        let connection = rusqlite::Connection::open(place.path().join(file)).unwrap();
        let sql = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'crash_build'";
        let found: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        let sound: String =
            connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!((found, &*sound), (1, "ok"), "round {round}");
    }
}
