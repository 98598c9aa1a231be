//! `ktriage thread --list … --me`: what each of the people of a series reads in the morning, as text, page
//! and JSON, and that it follows new mails.

#![expect(clippy::print_stdout, reason = "a test that skips says so")]

use std::path::Path;

use serde_json::Value;

#[path = "support/archive.rs"]
mod archive;

use archive::{Archive, list, mail};

const ANN: &str = "Ann Lee <ann@pump.example>";
const BO: &str = "Bo Ek <bo@review.example>";

fn patch(added: &str) -> String {
    format!(
        "Words.\n\nSigned-off-by: Ann Lee <ann@pump.example>\n---\n\
         diff --git a/pump.c b/pump.c\n--- a/pump.c\n+++ b/pump.c\n@@ -1,2 +1,3 @@ int pump_start(void)\n \
         \tint a;\n+\t{added}\n \treturn 0;\n-- \n2.47.3\n"
    )
}

/// The kinds of a section's items.
fn kinds(mirror: &Path, me: &str, section: &str) -> Vec<String> {
    let found: Value =
        serde_json::from_str(&list(mirror, &["--me", me, "--json"])).expect("one JSON object");
    let items = found[section].as_array().expect("a section").clone();
    items.iter().map(|i| i["kind"].as_str().expect("a kind").to_owned()).collect()
}

#[test]
fn each_person_reads_what_concerns_them_and_new_mails_change_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let mirror = &directory.path().join("mirror");
    let Some(archive) = Archive::begin(mirror.join("pumps/git/0.git")) else {
        println!("skipped: no git command");
        return;
    };
    let (ann, bo) = ("ann@pump.example", "bo@review.example");
    let put = |id: &str, day: u32, from: &str, parent: Option<&str>, subject: &str, text: &str| {
        archive.put(mail(id, day, from, parent, subject, text).as_bytes());
    };
    let re = "Re: [PATCH] pump: start slowly";
    put("v1@x", 2, ANN, None, "[PATCH] pump: start slowly", &patch("one = 1;"));
    put(
        "other@x",
        2,
        ANN,
        None,
        "[PATCH] valve: open later",
        &patch("valve = 1;").replace("pump", "valve"),
    );
    assert_eq!(kinds(mirror, ann, "untouched"), ["untouched", "untouched"], "since March");
    let asks = "> +\tone = 1;\n\nWhy is there no lock <script>?\n";
    put("q@x", 3, BO, Some("v1@x"), re, asks);
    assert_eq!(kinds(mirror, ann, "waits_for_you"), ["question"]);
    assert_eq!(kinds(mirror, ann, "untouched"), ["untouched"]);
    assert_eq!(kinds(mirror, bo, "you_wait_for"), ["question"]);
    let text = list(mirror, &["--me", ann]);
    assert!(
        text.contains("pump: start slowly\n    Bo Ek asks (Q1): Why is there no lock <script>?\n    https://lore.kernel.org/all/q@x/ L9"),
        "{text}"
    );
    let page = mirror.join("morning.html");
    list(mirror, &["--me", ann, "--html", &page.display().to_string()]);
    let page = std::fs::read_to_string(page).expect("a page");
    assert!(
        page.contains("Why is there no lock &lt;script&gt;?") && !page.contains("<script"),
        "{page}"
    );

    put("v2@x", 4, ANN, None, "[PATCH v2] pump: start slowly", &patch("two = 2;"));
    assert_eq!(kinds(mirror, bo, "new_versions"), ["new_version"]);
    assert_eq!(
        kinds(mirror, ann, "waits_for_you"),
        Vec::<String>::new(),
        "the line is another now"
    );
    put(
        "r@x",
        5,
        BO,
        Some("v2@x"),
        "Re: [PATCH v2] pump: start slowly",
        "Reviewed-by: Bo Ek <bo@review.example>",
    );
    assert_eq!(kinds(mirror, bo, "new_versions"), Vec::<String>::new());
    assert_eq!(kinds(mirror, ann, "you_wait_for"), ["review"]);
    put(
        "t@x",
        6,
        "Cy Oz <cy@x.example>",
        Some("v2@x"),
        "Re: [PATCH v2] pump: start slowly",
        "Applied, thanks!",
    );
    for me in [ann, bo] {
        assert_eq!(kinds(mirror, me, "applied"), ["applied"], "{me}");
    }
    assert_eq!(kinds(mirror, ann, "you_wait_for"), Vec::<String>::new());
    let late = list(mirror, &["--me", ann, "--since", "2026-03-07"]);
    assert!(late.contains("## Said to be applied since 2026-03-07: 0"), "{late}");
    let cut = list(mirror, &["--me", ann, "--limit", "1"]);
    assert!(cut.starts_with("ann@pump.example: 1 of 3 threads"), "{cut}");
}
