//! What must not be said of a thread: each test is a shape of real lists in which a plausible reading
//! is wrong.

use std::fs;
use std::process::Command;

use serde_json::Value;

/// One mail of an mbox; `parent` is the number of the mail that it answers.
fn mail(number: usize, parent: Option<usize>, from: &str, subject: &str, body: &str) -> String {
    let address = from.split(' ').next().unwrap_or_default().to_lowercase();
    let answers = parent.map_or(String::new(), |p| format!("In-Reply-To: <{p}@list.example>\n"));
    format!(
        "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: {from} <{address}@list.example>\n\
         Subject: {subject}\nDate: Mon, 2 Mar 2026 {:02}:{:02}:00 +0000\n\
         Message-ID: <{number}@list.example>\n{answers}\n{body}\n",
        8 + number / 60,
        number % 60
    )
}

/// A patch that adds one line.
fn patch(file: &str, line: &str) -> String {
    format!(
        "Words.\n\nSigned-off-by: Ann Lee <ann@list.example>\n---\n\
         diff --git a/{file} b/{file}\nindex 1111111..2222222 100644\n--- a/{file}\n+++ b/{file}\n\
         @@ -1,2 +1,3 @@ int pump_fn(void)\n \tint a;\n+\t{line}\n \treturn 0;\n-- \n2.47.3\n"
    )
}

/// The only thread of these mails.
fn thread(mails: &[String]) -> Value {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("t.mbox");
    fs::write(&path, mails.concat()).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .args(["thread", "--json"])
        .arg(&path)
        .output()
        .expect("ktriage runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(all["threads"].as_array().map(Vec::len), Some(1), "{all}");
    all["threads"][0].take()
}

fn series() -> Vec<String> {
    vec![
        mail(0, None, "Ann Lee", "[PATCH 0/2] pump: two steps", "Both.\n"),
        mail(1, Some(0), "Ann Lee", "[PATCH 1/2] pump: first", &patch("a.c", "one = 1;")),
        mail(2, Some(0), "Ann Lee", "[PATCH 2/2] pump: second", &patch("b.c", "two = 2;")),
    ]
}

const ON_FIRST: &str = "Re: [PATCH 1/2] pump: first";
const ON_SECOND: &str = "Re: [PATCH 2/2] pump: second";
const QUESTION: &str = "> +\tone = 1;\n\nWhy is the field not locked here?\n";

#[test]
fn a_tag_on_one_patch_confirms_nothing_about_another() {
    let mut mails = series();
    mails.push(mail(3, Some(1), "Bo Ek", ON_FIRST, QUESTION));
    mails.push(mail(4, Some(2), "Bo Ek", ON_SECOND, "Reviewed-by: Bo Ek <bo@list.example>\n"));
    assert_eq!(thread(&mails)["questions"][0]["state"], "open");
    mails.push(mail(5, Some(1), "Bo Ek", ON_FIRST, "Reviewed-by: Bo Ek <bo@list.example>\n"));
    assert_eq!(thread(&mails)["questions"][0]["state"], "confirmed");
    mails.pop();
    mails.push(mail(
        5,
        Some(0),
        "Bo Ek",
        "Re: [PATCH 0/2] pump: two steps",
        "Acked-by: Bo Ek <bo@list.example>\n",
    ));
    assert_eq!(thread(&mails)["questions"][0]["state"], "confirmed", "the whole series");
}

#[test]
fn one_applied_patch_is_not_the_series() {
    let mut mails = series();
    mails.push(mail(3, Some(2), "Cy Oz", ON_SECOND, "Applied.\n"));
    let line = |mails: &[String]| thread(mails)["state"]["line"].to_string();
    assert!(
        line(&mails).contains("under review, 1 of them said to be applied."),
        "{}",
        line(&mails)
    );
    mails.push(mail(4, Some(1), "Bo Ek", ON_FIRST, "Applied both, thanks.\n"));
    assert!(line(&mails).contains("2 patches, said to be applied."), "{}", line(&mails));
}

#[test]
fn one_patch_sent_again_leaves_the_tags_of_the_others() {
    let mut mails = series();
    mails.push(mail(3, Some(1), "Bo Ek", ON_FIRST, "Acked-by: Bo Ek <bo@list.example>\n"));
    mails.push(mail(
        4,
        Some(2),
        "Bo Ek",
        ON_SECOND,
        "Acked-by: Bo Ek <bo@list.example>\nCould you regenerate this against next?\n",
    ));
    mails.push(mail(5, Some(4), "Ann Lee", "[PATCH 2/2] pump: second", &patch("b.c", "two = 22;")));
    let thread = thread(&mails);
    assert_eq!(thread["state"]["newest"], "v1 again");
    assert_eq!(thread["title"], "pump: two steps");
    assert_eq!(thread["state"]["review_tags"][0]["count"], 1, "the new patch has none");
    assert_eq!(thread["questions"][0]["state"], "changed", "{}", thread["questions"][0]);
    assert_eq!(thread["questions"][0]["waits_for"][0], "Bo Ek");
}

#[test]
fn what_a_prompt_wrote_as_an_id_joins_nothing_and_a_series_without_threading_is_one() {
    let strip = |m: String| m.replace("In-Reply-To: <0@list.example>", "In-Reply-To: <yes>");
    let mails: Vec<String> = series().into_iter().map(strip).collect();
    let found = thread(&mails);
    assert_eq!(found["versions"][0]["patches"].as_array().map(Vec::len), Some(2));
    assert_eq!(found["absent"].as_array().map(Vec::len), Some(0), "{}", found["absent"]);
}

#[test]
fn the_end_of_a_broken_quote_is_nobodys_question() {
    let mut mails = series();
    let body = "> > Note that the other driver appears to have such a field in its own\n\
                table\n> > (struct pump::field). Can this one be made to use what is there and do\n\
                that?\n> >\n\nIt is not exposed.\n";
    mails.push(mail(3, Some(1), "Bo Ek", ON_FIRST, body));
    assert_eq!(thread(&mails)["questions"].as_array().map(Vec::len), Some(0));
}

#[test]
fn lines_of_two_files_of_a_directory_are_not_mistaken_for_each_other() {
    let directory = tempfile::tempdir().expect("a directory");
    let folder = directory.path().join("cur");
    fs::create_dir(&folder).expect("a directory");
    let mut mails = series();
    // The question quotes text of the cover letter, whose lines have the numbers of code elsewhere.
    let asked = "> Both.\n\nBoth of what?\n";
    mails.push(mail(3, Some(0), "Bo Ek", "Re: [PATCH 0/2] pump: two steps", asked));
    for (number, mail) in mails.iter().enumerate() {
        let text = mail.split_once('\n').expect("a From line").1;
        fs::write(folder.join(format!("{number}:2,")), text).expect("written");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .args(["thread", "--json"])
        .arg(directory.path())
        .output()
        .expect("ktriage runs");
    let all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let thread = &all["threads"][0];
    let mut seen = std::collections::BTreeSet::new();
    for message in thread["messages"].as_array().expect("messages") {
        assert!(seen.insert(message["lines"][0].as_u64()), "{message}");
        assert_eq!(message["file_line"], 1);
    }
    let question = &thread["questions"][0];
    assert_eq!(question["about"]["path"], Value::Null, "{question}");
    let asked = question["asked"][0]["lines"][0].as_u64().expect("a line");
    let last = thread["messages"][3]["lines"][0].as_u64().expect("a line");
    assert_eq!(asked - last + 1, 9, "{question}");
}

#[test]
fn a_refusal_in_words_is_told_until_it_is_taken_back() {
    let mut mails = vec![
        mail(0, None, "Ann Lee", "[PATCH] pump: start slowly", &patch("a.c", "1")),
        mail(1, Some(0), "Bo Ek", "Re: [PATCH] pump: start slowly", "NAK. It breaks suspend.\n"),
    ];
    let refused = thread(&mails);
    assert_eq!(refused.pointer("/state/refused/0/name"), Some(&Value::from("Bo Ek")), "{refused}");
    let line = refused.pointer("/state/line").map(ToString::to_string).unwrap_or_default();
    assert!(line.contains("1 NAK in words"), "{line}");
    mails.push(mail(
        2,
        Some(1),
        "Bo Ek",
        "Re: [PATCH] pump: start slowly",
        "It was my firmware. I withdraw my NAK.\n",
    ));
    assert_eq!(thread(&mails).pointer("/state/refused"), Some(&Value::Array(Vec::new())));
}

#[test]
fn words_about_tests_that_nobody_made_are_no_results() {
    for (words, passed) in [
        ("I haven't tested on arm yet.", None),
        ("This can be tested with kunit.", None),
        ("If it was tested on arm, fine.", None),
        ("I tested it on arm: 1000 cycles, no failure.", Some(true)),
        ("I tested this on arm and it still hangs.", Some(false)),
    ] {
        let found = thread(&[
            mail(0, None, "Ann Lee", "[PATCH] pump: start slowly", &patch("a.c", "1")),
            mail(1, Some(0), "Bo Ek", "Re: [PATCH] pump: start slowly", words),
        ]);
        let done = found.pointer("/tests/done/0/passed").cloned().unwrap_or_default();
        assert_eq!(done, passed.map_or(Value::Null, Value::from), "{words}");
    }
}

#[test]
fn a_patch_that_quotes_a_report_still_answers_its_cover_letter() {
    let words = "The pump runs away when it is started twice in a row.";
    let mut mails = vec![mail(9, None, "Cy Dee", "pump runs away", &format!("{words}\n"))];
    mails.push(mail(0, Some(9), "Ann Lee", "[PATCH 0/1] pump: stop it", "One step.\n"));
    let body = format!("As Cy reports:\n\n> {words}\n\n{}", patch("a.c", "one = 1;"));
    mails.push(mail(1, Some(0), "Ann Lee", "[PATCH 1/1] pump: stop it", &body));
    let found = thread(&mails);
    let messages = found["messages"].as_array().expect("messages");
    let of = |id: &str| messages.iter().find(|m| m["message_id"] == id).expect("a message");
    assert_eq!(of("1@list.example")["parent"], of("0@list.example")["id"]);
    assert_eq!(found["versions"].as_array().map(Vec::len), Some(1), "{found}");
}

#[test]
fn patches_with_the_dates_on_which_they_were_written_refute_no_cover_letter() {
    let mut mails = vec![mail(0, None, "Ann Lee", "[PATCH 0/2] pump: two steps", "Both.\n")];
    for (number, file) in [(1, "a.c"), (2, "b.c")] {
        let subject = format!("[PATCH {number}/2] pump: step {number}");
        let body = patch(file, "one = 1;");
        mails.push(mail(number, Some(0), "Ann Lee", &subject, &body).replace("2 Mar", "2 Jan"));
    }
    let found = thread(&mails);
    let messages = found["messages"].as_array().expect("messages");
    assert!(messages.iter().all(|m| m.get("date_refused").is_none()), "{found}");
    let ids: Vec<&str> = messages.iter().filter_map(|m| m["message_id"].as_str()).collect();
    assert_eq!(ids, ["0@list.example", "1@list.example", "2@list.example"]);
}

#[test]
fn one_tester_of_each_patch_is_one_tester() {
    let mut mails = series();
    for (number, parent, subject) in [(3, 1, ON_FIRST), (4, 2, ON_SECOND)] {
        let tag = "Tested-by: Bo Ek <bo@list.example>\n";
        mails.push(mail(number, Some(parent), "Bo Ek", subject, tag));
    }
    assert_eq!(thread(&mails).pointer("/tests/tested_by"), Some(&Value::from(1)));
}

#[test]
fn a_tag_in_answer_to_the_cover_letter_is_for_the_patch_that_the_line_above_names() {
    for (above, patch) in [("For patch 2:", Some("M3")), ("For the series:", None)] {
        let mut mails = series();
        let body = format!("{above}\n\nReviewed-by: Bo Ek <bo@list.example>\n");
        mails.push(mail(3, Some(0), "Bo Ek", "Re: [PATCH 0/2] pump: two steps", &body));
        let found = thread(&mails);
        let tags = found["tags"].as_array().expect("tags");
        let tag = tags.iter().find(|t| t["tag"] == "Reviewed-by").expect("the tag");
        assert_eq!(tag["patch"].as_str(), patch, "{above}");
    }
}
