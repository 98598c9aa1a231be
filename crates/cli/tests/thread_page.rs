//! The page of `ktriage thread --html` as a browser shows it: text of a mail stays text, no script
//! runs, nothing is fetched.

use std::fs;
use std::path::Path;
use std::process::Command;

#[path = "support/chromium.rs"]
mod chromium;

/// What would act if it reached the page as it stands, told apart by the name of its place.
fn attack(place: &str) -> String {
    format!(
        "{place}<script>document.title='{place}-ran'</script><img src=http://relay.example/{place} onerror=alert(1)>\
         </pre></style><style>body{{display:none}}"
    )
}

fn hostile_thread() -> String {
    format!(
        "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: \"{name}\" <a@pump.example>\nSubject: [PATCH] {title}\n\
         Date: Mon, 2 Mar 2026 09:00:00 +0100\nMessage-ID: <a@pump.example>\n\nWords.\n\n\
         Signed-off-by: {signer} <a@pump.example>\nReviewed-by: {reviewer} <javascript:alert(1)@pump.example>\n\
         Closes: https://relay.example/{link}\n---\n\
         diff --git a/x.c b/x.c\nindex 1111111..2222222 100644\n--- a/x.c\n+++ b/x{path}\n\
         @@ -1,3 +1,3 @@ {heading}\n a\n-b\n+{added}\n c\n\n\
         From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: Bo <b@relay.example>\nSubject: Re: [PATCH] {title}\n\
         Date: Mon, 2 Mar 2026 10:00:00 +0100\nMessage-ID: <b@relay.example>\nIn-Reply-To: <a@pump.example>\n\n\
         > +{added}\n\nWhy not {question} here?\n",
        name = attack("name"),
        title = attack("title"),
        signer = attack("signer"),
        reviewer = attack("reviewer"),
        link = attack("link"),
        path = attack("path"),
        heading = attack("heading"),
        added = attack("added"),
        question = attack("question"),
    )
}

fn write_page(directory: &Path, input: &Path) -> std::path::PathBuf {
    let page = directory.join("page.html");
    let output = Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .arg("thread")
        .arg("--html")
        .arg(&page)
        .arg(input)
        .output()
        .expect("ktriage runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    page
}

#[test]
fn hostile_text_stays_text_in_a_browser() {
    let directory = tempfile::tempdir().expect("a directory");
    let input = directory.path().join("hostile.mbox");
    fs::write(&input, hostile_thread()).expect("written");
    let page = write_page(directory.path(), &input);
    let Some(document) = chromium::open(&page, None) else { return };
    assert!(document.contains("name&lt;script&gt;"), "the text itself is shown: {document}");
    assert!(document.contains("question&lt;script&gt;"), "{document}");
    assert!(!document.contains("<script") && !document.contains("<img"), "{document}");
    assert_eq!(document.matches("<style").count(), 1, "{document}");
    let title = document.split("<title>").nth(1).and_then(|t| t.split("</title>").next());
    assert!(title.is_some_and(|t| t.starts_with("title&lt;script")), "{title:?}");
}

#[test]
fn a_page_is_whole_in_a_browser_and_wants_no_network() {
    let directory = tempfile::tempdir().expect("a directory");
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/thread");
    let page = write_page(directory.path(), &samples.join("point-version.mbox"));
    let text = fs::read_to_string(&page).expect("the page");
    for wanted in ["src=", "<link", "@import", "url(", "<iframe", "<form"] {
        assert!(!text.contains(wanted), "{wanted} in {text}");
    }
    let picture = directory.path().join("page.png");
    let Some(document) = chromium::open(&page, Some(&picture)) else { return };
    for row in ["<h1>", "<h2>Questions</h2>", "<h2>Messages</h2>", "<h2>Versions</h2>", "M6"] {
        assert!(document.contains(row), "{row} is missing in {document}");
    }
    let picture = fs::read(&picture).expect("the picture");
    assert!(picture.starts_with(b"\x89PNG"));
}
