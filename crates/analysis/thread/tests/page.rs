//! The acceptance example: a long review on a saved page, every item of it. The page itself is no
//! part of the project; without it the test says so and passes.

use std::path::PathBuf;

use analysis_thread::{Place, QuestionState, Relation, Side, Thread, understand};
use model::LineSpan;

#[expect(clippy::print_stdout, reason = "a test that skips says so")]
fn thread() -> Option<(Thread, Vec<parse_mail::Message>)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../../shared/seeds/004_0d5c1611b1198c25.txt");
    let Ok(bytes) = std::fs::read(&path) else {
        println!("skipped: {} is absent", path.display());
        return None;
    };
    let messages = parse_mail::messages(&bytes);
    let mut threads = understand(&messages);
    assert_eq!(threads.len(), 1);
    Some((threads.remove(0), messages))
}

fn utc(seconds: i64) -> String {
    parse_mail::Moment { seconds, zone: None }.utc()
}

#[test]
fn messages_come_in_order_with_the_times_that_quotes_and_ages_give() {
    let Some((thread, messages)) = thread() else { return };
    let expected = [
        ("2026-05-09 08:09:44", true, "Tetsuo Handa", 9),
        ("2026-05-15 07:10:00", true, "Dmitry Vyukov", 1381),
        ("2026-05-20", false, "Sebastian Andrzej Siewior", 1365),
        ("2026-05-20", false, "Tetsuo Handa", 1747),
        ("2026-05-21 08:38:00", true, "Sebastian Andrzej Siewior", 499),
        ("2026-05-21 13:06:00", true, "Alexander Potapenko", 354),
        ("2026-05-21", false, "Tetsuo Handa", 413),
        ("2026-05-21 15:28:26", true, "Tetsuo Handa", 566),
        ("2026-05-21 18:14:00", true, "Sebastian Andrzej Siewior", 611),
        ("2026-05-22", false, "Tetsuo Handa", 634),
        ("2026-05-22 11:10:47", true, "Tetsuo Handa", 941),
        ("2026-05-22 13:27:00", true, "Sebastian Andrzej Siewior", 1285),
        ("2026-05-29", false, "Tetsuo Handa", 1252),
    ];
    let parents = [
        None,
        Some(0),
        Some(0),
        Some(1),
        Some(0),
        Some(0),
        Some(5),
        Some(4),
        Some(7),
        Some(8),
        None,
        Some(10),
        Some(11),
    ];
    assert_eq!(thread.entries.len(), expected.len());
    for (at, (time, exact, name, line)) in expected.into_iter().enumerate() {
        let entry = &thread.entries[at];
        let message = &messages[entry.message];
        assert_eq!((message.from.name.as_str(), message.from_line), (name, line), "M{}", at + 1);
        assert_eq!(message.from.address, None, "no address is made up");
        assert_eq!(entry.when.is_exact, exact, "M{}", at + 1);
        assert_eq!(entry.parent, parents[at], "M{}", at + 1);
        let middle = entry.when.low + (entry.when.high - entry.when.low) / 2;
        if exact {
            assert_eq!(utc(middle), time, "M{}", at + 1);
        } else {
            assert!(
                utc(entry.when.low).as_str() <= format!("{time} 23:59:59").as_str(),
                "M{}",
                at + 1
            );
            assert!(utc(entry.when.high).as_str() >= time, "M{}", at + 1);
        }
    }
    assert_eq!(thread.silent.len(), 1);
    assert_eq!(
        (thread.silent[0].person.name.as_str(), thread.silent[0].line),
        ("Aleksandr Nogikh", 1430)
    );
    let missing: Vec<String> = thread.missing_versions.iter().map(ToString::to_string).collect();
    assert_eq!(missing, ["v1", "v2"]);
}

#[test]
fn versions_and_drafts_have_their_lines_counts_blobs_and_relations() {
    let Some((thread, _)) = thread() else { return };
    let names: Vec<String> = thread.versions.iter().map(analysis_thread::Version::name).collect();
    assert_eq!(names, ["v3", "v4"]);
    assert_eq!(thread.state.newest, Some(1));
    let blob = |diff: &parse_mail::Diff| {
        let file = diff.file("kernel/kcov.c").expect("kcov.c");
        (file.old_blob.clone().unwrap_or_default(), file.new_blob.clone().unwrap_or_default())
    };
    let check = |diff: &parse_mail::Diff,
                 lines: (u64, u64),
                 counts: (usize, usize),
                 blobs: (&str, &str)| {
        assert_eq!(diff.lines, LineSpan::new(lines.0, lines.1));
        assert_eq!((diff.added(), diff.removed()), counts);
        assert_eq!(blob(diff), (blobs.0.to_owned(), blobs.1.to_owned()));
        assert_eq!(diff.damage, None);
    };
    let of = |v: usize| thread.versions[v].patches[0].diff.as_ref().expect("a diff");
    check(of(0), (76, 350), (65, 40), ("0b369e88c7c9", "965c11a75b36"));
    check(of(1), (974, 1248), (51, 73), ("0b369e88c7c9", "b96d6ad68f92"));
    assert_eq!(thread.drafts.len(), 2);
    check(&thread.drafts[0].diff, (444, 497), (7, 5), ("965c11a75b36", "70ce99c3205d"));
    check(&thread.drafts[1].diff, (681, 939), (47, 77), ("0b369e88c7c9", "3b0444ef8588"));
    assert_eq!(thread.drafts[0].relation, Relation::Incremental(0));
    assert_eq!(thread.drafts[1].relation, Relation::Replacement(0));
    assert_eq!((thread.drafts[0].entry, thread.drafts[1].entry), (6, 9));
}

#[test]
fn what_changed_is_shown_line_by_line() {
    let Some((thread, _)) = thread() else { return };
    let find = |from, to| {
        thread.comparisons.iter().find(|c| c.from == from && c.to == to).expect("a comparison")
    };
    let whole = find(Side::Version(0), Side::Version(1));
    assert!(whole.moved_base.contains(&(
        "include/linux/sched.h".into(),
        "368c7b4d7cb5".into(),
        "ee06cba5c6f5".into()
    )));
    assert!(whole.moved_base.contains(&(
        "lib/Kconfig.debug".into(),
        "13f3297aa823".into(),
        "8ff5adcfe1e0".into()
    )));
    assert!(!whole.moved_base.iter().any(|m| m.0 == "kernel/kcov.c"));
    let gone: Vec<u64> = whole.changes.iter().flat_map(|c| &c.gone).map(|l| l.number).collect();
    let new: Vec<u64> = whole.changes.iter().flat_map(|c| &c.new).map(|l| l.number).collect();
    for (line, what) in [
        (85, "state only under PREEMPT_RT"),
        (186, "in_task() check replaced"),
        (347, "option depends"),
    ] {
        assert!(gone.contains(&line), "{what}: L{line} not in {gone:?}");
    }
    for (line, what) in
        [(1118, "lock with irqsave"), (1016, "two lists"), (1219, "more buffers"), (1239, "range")]
    {
        assert!(new.contains(&line), "{what}: L{line} not in {new:?}");
    }
    let draft = find(Side::Draft(1), Side::Version(1));
    let new: Vec<u64> = draft.changes.iter().flat_map(|c| &c.new).map(|l| l.number).collect();
    let gone: Vec<u64> = draft.changes.iter().flat_map(|c| &c.gone).map(|l| l.number).collect();
    assert!(new.contains(&1016) && new.contains(&1142) && new.contains(&1239), "{new:?}");
    assert!(gone.contains(&832) && gone.contains(&930), "{gone:?}");
}

#[test]
fn tags_commits_bugs_and_links_are_all_and_no_more() {
    let Some((thread, _)) = thread() else { return };
    let tags: Vec<(String, u64, bool, bool)> = thread
        .tags
        .iter()
        .map(|t| (t.trailer.tag.clone(), t.lines.first, t.is_unknown, t.lacks_address))
        .collect();
    let expected = [
        ("Analyzed-by", 49, true, true),
        ("Signed-off-by", 50, false, false),
        ("Fixes", 51, false, false),
        ("Analyzed-by", 963, true, true),
        ("Signed-off-by", 964, false, false),
        ("Fixes", 965, false, false),
    ]
    .map(|(t, l, u, a)| (t.to_owned(), l, u, a));
    assert_eq!(tags, expected);
    assert!(thread.tags.iter().all(|t| t.place == Place::Message));
    let commits: Vec<&str> = thread.commits.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(commits, ["d5d2c51f1e5f", "5ff3b30ab57d", "3253cb49cbad4"]);
    assert_eq!(thread.commits[2].release.as_deref(), Some("v6.18-rc1"));
    let bugs: Vec<(&str, u64)> =
        thread.bugs.iter().map(|b| (b.id.id.as_str(), b.lines[0])).collect();
    assert_eq!(
        bugs,
        [
            ("90984d3713722683112e", 65),
            ("47cf95ca1f9dcca872c8", 66),
            ("8a173e13208949931dc7", 67),
            ("3f51ad7ac3ae57a6fdcc", 68),
            ("e6686317bd9fe911591a", 69),
        ]
    );
    assert!(thread.bugs.iter().all(|b| b.versions == [0] && !b.in_trailer));
    assert!(
        thread
            .bug_notes
            .iter()
            .any(|n| n.statement.contains("v4") && n.statement.contains("lose the link"))
    );
    assert!(
        thread
            .bug_notes
            .iter()
            .any(|n| n.lines == [LineSpan::new(60, 63)] && n.statement.contains("Closes"))
    );
    let links: Vec<u64> = thread.links.iter().map(|l| l.line).collect();
    assert_eq!(links, [602, 657]);
    assert_eq!(thread.links[0].note.as_deref(), Some("expires in 7 days"));
}

#[test]
fn all_eleven_questions_stand_as_they_do() {
    let Some((thread, _)) = thread() else { return };
    // First line of the question, who asks, how it stands, a line of an answer.
    let expected: [(u64, &str, &str, &[u64]); 11] = [
        (1432, "Dmitry Vyukov", "open", &[1756, 1763]),
        (1471, "Dmitry Vyukov", "changed", &[1773]),
        (1373, "Sebastian Andrzej Siewior", "resolved", &[602, 627, 656]),
        (532, "Sebastian Andrzej Siewior", "moot", &[577, 595]),
        (552, "Sebastian Andrzej Siewior", "open", &[]),
        (355, "Alexander Potapenko", "changed", &[418]),
        (1319, "Sebastian Andrzej Siewior", "open", &[1264]),
        (1341, "Sebastian Andrzej Siewior", "open", &[]),
        (1344, "Sebastian Andrzej Siewior", "open", &[1271]),
        (1348, "Sebastian Andrzej Siewior", "partly", &[1278]),
        (1283, "Tetsuo Handa", "open", &[]),
    ];
    let found: Vec<(u64, &str, &str)> = thread
        .questions
        .iter()
        .map(|q| {
            let state = match q.state {
                QuestionState::Open => "open",
                QuestionState::Partly => "partly",
                QuestionState::Changed(1) => "changed",
                QuestionState::Resolved(1) => "resolved",
                QuestionState::Moot(1) => "moot",
                _ => "another",
            };
            (q.asked[0].1.first, q.asker.name.as_str(), state)
        })
        .collect();
    let wanted: Vec<(u64, &str, &str)> = expected.iter().map(|e| (e.0, e.1, e.2)).collect();
    assert_eq!(found, wanted);
    for (question, (_, _, _, answers)) in thread.questions.iter().zip(expected) {
        for line in answers {
            assert!(
                question.exchanges.iter().any(|e| e.lines.first == *line),
                "no L{line} in {:?}",
                question.exchanges
            );
        }
        assert_eq!(question.exchanges.is_empty(), answers.is_empty(), "{}", question.text);
    }
    let q = &thread.questions;
    assert_eq!(q[0].asked[0].1, LineSpan::new(1432, 1436));
    let asked: Vec<LineSpan> = q[2].asked.iter().map(|a| a.1).collect();
    assert!(
        asked.contains(&LineSpan::new(1373, 1375)) && asked.contains(&LineSpan::new(515, 519)),
        "{asked:?}"
    );
    let asked: Vec<LineSpan> = q[5].asked.iter().map(|a| a.1).collect();
    assert!(
        asked.contains(&LineSpan::new(355, 356)) && asked.contains(&LineSpan::new(403, 411)),
        "{asked:?}"
    );
    assert!(q[5].evidence.contains(&1117), "{:?}", q[5].evidence);
    assert!(q[4].reason.contains("5ff3b30ab57d"), "{}", q[4].reason);
    assert_eq!(
        q[10].asked_of,
        ["Dmitry Vyukov", "Sebastian Andrzej Siewior", "Alexander Potapenko"]
    );
    let old: Vec<(u64, usize)> = thread.superseded.iter().map(|s| (s.lines.last, s.by)).collect();
    assert_eq!(old, [(439, 1), (671, 1)]);
}

#[test]
fn the_withdrawn_claim_the_tests_and_the_findings_are_there() {
    let Some((thread, _)) = thread() else { return };
    assert_eq!(thread.withdrawn.len(), 1);
    let claim = &thread.withdrawn[0];
    assert_eq!(claim.lines, [LineSpan::line(12), LineSpan::new(606, 607)], "{}", claim.text);
    assert!(claim.refuted.iter().any(|l| l.contains(627)));
    assert!(claim.conceded.contains(656));
    assert!(claim.backed_by.as_deref().is_some_and(|b| b.contains("share.google")));

    let lines = |list: &[analysis_thread::TestNote]| -> Vec<u64> {
        list.iter().map(|t| t.lines.last).collect()
    };
    assert_eq!(lines(&thread.tests.asked), [58, 1436, 1283]);
    assert_eq!(thread.tests.asked[0].lines, LineSpan::new(56, 58));
    assert_eq!(
        thread.tests.asked[0].configs,
        ["CONFIG_PREEMPT_RT=y", "CONFIG_PREEMPT_RT=n", "syzkaller"]
    );
    assert_eq!(lines(&thread.tests.offered), [1764]);
    assert_eq!(lines(&thread.tests.done), [53, 967]);
    assert!(thread.tests.done.iter().all(|t| t.passed.is_none()));
    assert_eq!(thread.tests.tested_by, 0);

    let faults: Vec<_> = thread.findings.iter().filter(|f| !f.is_style).collect();
    assert_eq!(faults.len(), 1, "{faults:?}");
    let shows = |line: u64| faults[0].lines.iter().any(|l| l.contains(line));
    assert!(shows(1214) && shows(1215) && shows(1222) && shows(1226), "{:?}", faults[0]);
    assert!(
        faults[0].statement.contains("kcov_init()")
            && faults[0].statement.contains("kcov_remote_area_put()")
    );
    assert!(thread.findings.iter().any(|f| f.statement == "vmalloc_node() became vmalloc()"));
    assert!(thread.findings.iter().any(|f| f.statement.contains("braces")));
}

#[test]
fn the_state_line_counts_and_says_whose_turn_it_is() {
    let Some((thread, _)) = thread() else { return };
    let state = &thread.state;
    assert_eq!(
        (state.open, state.partly, state.changed, state.closed, state.answered),
        (6, 1, 2, 2, 0)
    );
    let line = &state.line;
    assert!(
        line.starts_with("v4 of 1 patch, under review. 6 open, 1 partly, 2 changed but unconfirmed, 2 closed. No review tags, no test result, no merge seen. Ball: "),
        "{line}"
    );
    assert!(line.ends_with("Last mail ~29 May 2026."), "{line}");
    let turn = |author: bool| -> Vec<usize> {
        let mut all: Vec<usize> = state
            .ball
            .iter()
            .filter(|(who, _)| who.starts_with("author") == author)
            .flat_map(|(_, n)| n.iter().map(|n| n + 1))
            .collect();
        all.sort_unstable();
        all
    };
    // In order of time: 1 CI, 9 sizes, 11 testing; 5 Fixes, 7 lists, 8 ifdef, 10 buffers.
    assert_eq!(turn(false), [1, 9, 11]);
    assert_eq!(turn(true), [5, 7, 8, 10]);
}
