//! The rules of questions, turns, versions and what was applied, each on mails made for it.

use analysis_thread::{QuestionState, Thread, Turn, understand};

const AUTHOR: &str = "Ann Lee";
const REVIEWER: &str = "Bo Ek";
const MAINTAINER: &str = "Cy Oz";

/// One mail of an mbox, sent in the hour of its number; `parent` is the number of the mail it answers.
fn mail(number: usize, parent: Option<usize>, from: &str, subject: &str, body: &str) -> String {
    let address = from.split(' ').next().unwrap_or_default().to_lowercase();
    let answers = parent.map_or(String::new(), |p| format!("In-Reply-To: <{p}@pump.example>\n"));
    format!(
        "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: {from} <{address}@pump.example>\n\
         Subject: {subject}\nDate: Mon, {} Mar 2026 {:02}:00:00 +0000\n\
         Message-ID: <{number}@pump.example>\n{answers}\n{body}\n",
        2 + number / 24,
        number % 24
    )
}

/// A patch that adds a line to a function of a file.
fn patch(file: &str, function: &str, line: &str) -> String {
    format!(
        "Words.\n\nSigned-off-by: Ann Lee <ann@pump.example>\n---\n\
         diff --git a/{file} b/{file}\nindex 1111111..2222222 100644\n--- a/{file}\n+++ b/{file}\n\
         @@ -1,2 +1,3 @@ int {function}(void)\n \tint a;\n+\t{line}\n \treturn 0;\n-- \n2.47.3\n"
    )
}

fn threads(mails: &[String]) -> Vec<Thread> {
    understand(&parse_mail::messages(mails.concat().as_bytes()))
}

fn thread(mails: &[String]) -> Thread {
    let mut all = threads(mails);
    assert_eq!(all.len(), 1, "one thread");
    all.remove(0)
}

/// A patch and what a reviewer says below its added line.
fn reviewed(words: &str) -> Vec<String> {
    let quoted = format!("> +\tone = 1;\n\n{words}\n");
    vec![
        mail(
            0,
            None,
            AUTHOR,
            "[PATCH] pump: start slowly",
            &patch("a.c", "pump_start", "one = 1;"),
        ),
        mail(1, Some(0), REVIEWER, "Re: [PATCH] pump: start slowly", &quoted),
    ]
}

fn asked(words: &str) -> usize {
    thread(&reviewed(words)).questions.len()
}

#[test]
fn objections_and_requests_need_no_question_mark() {
    for words in [
        "This doesn't belong here.",
        "Follow the style of the other drivers.",
        "The four lines above should begin with a tab.",
        "I don't understand why the pump is started twice.",
        "There's a pretty grave bug in this, the lock is taken twice.",
        "You can't just remove a symbol that was released.",
        "This is still formatted badly.",
        "We need to hold the lock here.",
        "PUMP_MAX, not PUMP_LIMIT",
        "Looks good, but you might as well remove the check above.",
    ] {
        assert_eq!(asked(words), 1, "{words}");
    }
}

#[test]
fn praise_accounts_and_lists_are_no_demands() {
    for words in [
        "At least I'd be perfectly happy with it, performance should be better.",
        "All of this looks good to me.",
        "Maybe I forgot to answer.",
        "I've attached my log, it won't apply to your tree.",
        "[   14.287850] pump: start failed, should not happen",
    ] {
        assert_eq!(asked(words), 0, "{words}");
    }
    // What b4 lists of the titles that were applied.
    let note = "Applied, thanks!\n\n[1/1] pump: fix data corruption that should not happen\n      \
                commit: 0123456789abcdef0123456789abcdef01234567\n";
    let mut mails = reviewed("Nice.");
    mails.push(mail(2, Some(0), MAINTAINER, "Re: [PATCH] pump: start slowly", note));
    assert_eq!(thread(&mails).questions.len(), 0);
}

#[test]
fn a_question_in_quotation_marks_is_somebody_elses() {
    assert_eq!(asked("Cy said \"Why is there no lock at all?\""), 0);
    assert_eq!(asked("Why is there no lock at all?"), 1);
}

#[test]
fn words_of_a_cover_letter_demand_nothing() {
    let cover = "This won't even work if the pump is broken. Comments should be sent to me.\n";
    let mails = [
        mail(0, None, AUTHOR, "[PATCHSET] pump: two steps", cover),
        mail(1, Some(0), AUTHOR, "[PATCH 1/2] pump: first", &patch("a.c", "f", "one = 1;")),
        mail(2, Some(0), AUTHOR, "[PATCH 2/2] pump: second", &patch("b.c", "g", "two = 2;")),
    ];
    assert_eq!(thread(&mails).questions.len(), 0);
}

#[test]
fn the_demand_of_a_third_person_within_an_exchange_stands_for_itself() {
    let mut mails = reviewed("Why is the pump started here?");
    let re = "Re: [PATCH] pump: start slowly";
    mails.push(mail(2, Some(1), AUTHOR, re, "> Why is the pump started here?\n\nIt was off.\n"));
    let body = "> Why is the pump started here?\n\nSorry, starting it twice is broken by design.\n";
    mails.push(mail(3, Some(1), MAINTAINER, re, body));
    let found = thread(&mails);
    assert_eq!(found.questions.len(), 2);
    assert!(found.questions[1].asker.shown().contains("Cy"));
    assert_eq!(found.state.turn, Turn::Author);
}

#[test]
fn what_is_said_of_the_text_of_a_patch_is_answered_by_its_next_version() {
    let mut mails = reviewed("Can you say in the commit message why this is safe?");
    let open = thread(&mails);
    assert_eq!(open.questions[0].state, QuestionState::Open);
    let next = patch("a.c", "pump_start", "one = 1;");
    mails.push(mail(2, None, AUTHOR, "[PATCH v2] pump: start slowly", &next));
    let found = thread(&mails);
    assert!(matches!(found.questions[0].state, QuestionState::Changed(_)));
    // Lines that stand as before are not.
    let mut mails = reviewed("This is broken, the lock is not held.");
    mails.push(mail(2, None, AUTHOR, "[PATCH v2] pump: start slowly", &next));
    assert_eq!(thread(&mails).questions[0].state, QuestionState::Open);
}

#[test]
fn how_a_patch_was_tested_is_settled_by_an_answer() {
    let mut mails = reviewed("How much testing did this see?");
    let re = "Re: [PATCH] pump: start slowly";
    let body = "> How much testing did this see?\n\nA week on two boards.\n";
    mails.push(mail(2, Some(1), AUTHOR, re, body));
    assert_eq!(thread(&mails).questions[0].state, QuestionState::Answered);
}

/// Three patches, and what the maintainer says to the cover letter: which of them are said to be
/// applied; `[0]` is the series.
fn applied(words: &str) -> Vec<u32> {
    let mut mails = vec![mail(0, None, AUTHOR, "[PATCH 0/3] pump: three steps", "All.\n")];
    for n in 1..=3 {
        let subject = format!("[PATCH {n}/3] pump: step {n}");
        let body = patch(&format!("f{n}.c"), "f", &format!("step{n} = {n};"));
        mails.push(mail(n, Some(0), AUTHOR, &subject, &body));
    }
    mails.push(mail(4, Some(0), MAINTAINER, "Re: [PATCH 0/3] pump: three steps", words));
    let said = thread(&mails).state.said_applied;
    said.iter().map(|s| s.patch.unwrap_or(0)).collect()
}

#[test]
fn the_patches_that_a_note_names_are_those_that_were_applied() {
    assert_eq!(applied("Applied 1-2, thanks.\n"), [1, 2]);
    assert_eq!(applied("Applied 1 and 3 for 5.12, the second needs work.\n"), [1, 3]);
    assert_eq!(applied("I have applied 1/3 for now.\n"), [1]);
    assert_eq!(applied("Applied all but 2, thanks.\n"), [1, 3]);
    assert_eq!(applied("Applied the first two, thanks.\n"), [1, 2]);
    assert_eq!(applied("Applied for 5.12, thanks.\n"), [0], "a release is no patch");
    assert_eq!(applied("Applied all 3 patches.\n"), [0], "a count is no number");
}

#[test]
fn the_ways_in_which_maintainers_say_that_they_took_it() {
    for words in [
        "Series applied, thanks.",
        "Thanks, I've added the patches to my tree.",
        "FWIW, I did apply your patches yesterday.",
        "They are in the pump-5.11 branch.",
        "This series was applied to pump/pump.git (main) by Cy Oz.",
        "Queued up, thanks!",
        "The following commit has been merged into the pump/urgent branch of tip:",
        "The patch titled\n     Subject: pump: three steps\nhas been added to the -mm tree.",
    ] {
        assert!(!applied(words).is_empty(), "{words}");
    }
    for words in [
        "I applied the patches locally and it hangs.",
        "With the patches applied it boots.",
        "Should these be applied to stable?",
        "Please make sure they are applied in order.",
        "Not applied, sorry.",
        "I'd have applied it, but it does not build.",
        "They are in bad shape.",
    ] {
        assert!(applied(words).is_empty(), "{words}");
    }
}

#[test]
fn a_single_patch_under_another_title_is_the_next_version_where_nothing_else_can_be() {
    let first = patch("a.c", "pump_punch", "check(a);");
    let second = patch("a.c", "pump_punch", "limit(a);");
    let mails = [
        mail(0, None, AUTHOR, "[PATCH v2] pump: check the offset", &first),
        mail(30, None, AUTHOR, "[PATCH v3] pump: limit the length when a hole is made", &second),
    ];
    let all = threads(&mails);
    assert_eq!(all.len(), 1, "joined");
    assert_eq!(all[0].versions.len(), 2);
    // Another function is another patch.
    let other = patch("a.c", "pump_stop", "limit(a);");
    let mails = [
        mails[0].clone(),
        mail(30, None, AUTHOR, "[PATCH v3] pump: limit the length when a hole is made", &other),
    ];
    assert!(threads(&mails).iter().all(|t| t.versions.len() == 1));
}

#[test]
fn patches_below_a_cover_letter_with_a_version_and_no_number_are_of_that_version() {
    let mails = [
        mail(0, None, AUTHOR, "[PATCHSET v3] pump: rules", "All.\n"),
        mail(1, Some(0), AUTHOR, "[PATCH 1/2] pump: first", &patch("a.c", "f", "one = 1;")),
        mail(2, Some(0), AUTHOR, "[PATCH 2/2] pump: second", &patch("b.c", "g", "two = 2;")),
    ];
    let found = thread(&mails);
    assert_eq!(found.versions.len(), 1);
    assert_eq!(found.versions[0].number.major, 3);
}

#[test]
fn a_patch_that_moves_to_another_series_joins_nothing() {
    let series = |at: usize, cover: &str, tag: &str, titles: [&str; 3]| -> Vec<String> {
        let mut mails =
            vec![mail(at, None, AUTHOR, &format!("[PATCH {tag}0/3] {cover}"), "All.\n")];
        for (n, title) in (1..).zip(titles) {
            let subject = format!("[PATCH {tag}{n}/3] {title}");
            let body = patch(&format!("{}.c", title.len()), "f", title);
            mails.push(mail(at + n, Some(at), AUTHOR, &subject, &body));
        }
        mails
    };
    let mut mails =
        series(0, "pump: count references", "v1 ", ["pump: aa", "pump: bbb", "pump: cccc"]);
    mails.extend(series(
        10,
        "valve: remove the old call",
        "v2 ",
        ["valve: d", "pump: cccc", "valve: eeeeee"],
    ));
    assert!(threads(&mails).iter().all(|t| {
        let lineages: std::collections::BTreeSet<usize> =
            t.versions.iter().map(|v| v.lineage).collect();
        lineages.len() == t.versions.len()
    }));
}
