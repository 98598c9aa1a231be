//! Saved pages of syzbot's dashboard, and logs, come into the record.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("mirror/texts")).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join("mirror").join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn run(&self, words: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_ktriage"))
            .args(words)
            .arg("--state")
            .arg(self.0.path().join("state"))
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }

    fn said(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn bug(&self, name: &str) -> Value {
        serde_json::from_str(&self.said(&["bug", name, "--json"])).unwrap()
    }
}

fn page() -> Value {
    json!({
        "version": 1,
        "title": "KASAN: use-after-free Read in shop_reset (2)",
        "id": "0123456789abcdef0123456789abcdef01234567",
        "status": "upstream: reported C repro on 2024/01/05 10:00",
        "first-crash": "2024-01-01T12:00:00Z",
        "last-crash": "2024-02-01T12:00:00Z",
        "cause-commit": { "title": "shop: sell faster", "hash": "feedfeedfeed" },
        "discussions": ["https://lore.example.org/all/1@example.org/T/"],
        "crashes": [
            { "title": "KASAN: use-after-free Read in shop_reset", "syz-reproducer": "/text?tag=ReproSyz&x=11aa22bb33",
              "c-reproducer": "/text?tag=ReproC&x=44cc55dd66", "repro-opts": "{\"threaded\":true}",
              "kernel-config": "/text?tag=KernelConfig&x=77ee88ff99", "kernel-source-git": "git://example.org/linux.git",
              "kernel-source-commit": "aaaabbbbccccddddeeeeffff0000111122223333", "syzkaller-git": "/text?tag=CrashLog&x=abcabc123",
              "syzkaller-commit": "f00f", "crash-report-link": "/text?tag=CrashReport&x=5566aa77" },
            { "title": "KASAN: use-after-free Write in shop_reset", "kernel-source-git": "git://example.org/linux.git",
              "kernel-source-commit": "9999bbbbccccddddeeeeffff0000111122223333", "syzkaller-commit": "f00f" },
        ],
    })
}

#[test]
fn a_page_with_its_texts_becomes_a_bug_and_comes_again_without_change() {
    let place = Place::new();
    place.write("bug.json", &page().to_string());
    place.write("texts/text?tag=ReproC&x=44cc55dd66", "int main(void) { return 0; }");
    place.write("texts/report.txt?x=5566aa77", "BUG: KASAN: use-after-free in shop_reset");
    let said = place.said(&["import", "mirror"]);
    assert!(
        said.contains("bug 1 (new, 2 crashes added)") && said.contains("1 of them new"),
        "{said}"
    );
    let bug = place.bug("1");
    assert_eq!(bug["bug"]["title"], "KASAN: use-after-free Read in shop_reset (2)");
    assert_eq!((&bug["bug"]["state"], &bug["bug"]["crashes"]), (&json!("reported"), &json!(2)));
    assert_eq!(bug["bug"]["reproducer"], "c");
    let history = bug["history"].to_string();
    assert!(history.contains("feedfeedfeed") && history.contains("lore.example.org"), "{history}");
    assert!(
        place.said(&["bugs", "use-after-free", "--kernel", "aaaabbbbcccc"]).contains("shop_reset")
    );
    // Whatever is known already is not added again.
    let again = place.said(&["import", "mirror"]);
    assert!(
        again.contains("bug 1 (known, 0 crashes added)") && again.contains("0 of them new"),
        "{again}"
    );
    assert_eq!(place.bug("1")["history"], bug["history"]);
    // Later it is fixed.
    let mut later = page();
    later["status"] = "fixed on 2024/03/01 10:00".into();
    later["close-time"] = "2024-03-01T10:00:00Z".into();
    later["fix-commits"] = json!([{ "title": "shop: hold it", "hash": "abcdef012345" }]);
    place.write("bug.json", &later.to_string());
    place.said(&["import", "mirror/bug.json"]);
    let bug = place.bug("1");
    assert_eq!(bug["bug"]["state"], "fixed");
    assert_eq!(bug["bug"]["fixes"][0]["title"], "shop: hold it");
}

#[test]
fn a_list_becomes_bugs_and_a_crash_of_a_known_title_finds_its_bug() {
    let place = Place::new();
    let list = json!({ "version": 1, "Bugs": [
        { "title": "WARNING in shop_open", "link": "/bug?extid=1f2e3d4c5b6a79880011" },
        { "title": "WARNING in shop_close", "link": "/bug?extid=aa2e3d4c5b6a79880011", "fix-commits": [{ "title": "shop: close once" }] },
    ] });
    place.write("open.json", &list.to_string());
    place.write("console.log", "[    5.000000] ------------[ cut here ]------------\n[    5.000001] WARNING: CPU: 0 PID: 7 at shop.c:5 shop_open+0x1/0x9\n[    5.000002] CPU: 0 PID: 7 Comm: a Not tainted 6.1.0 #1\n[    5.000003] RIP: 0010:shop_open+0x1/0x9\n[    5.000004] Call Trace:\n[    5.000005]  vfs_open+0x1/0x9\n[    5.000006]  do_open+0x1/0x9\n");
    let said = place.said(&["import", "mirror"]);
    assert!(said.contains("1 pages: 2 bugs, 2 of them new"), "{said}");
    assert!(said.contains("bug 1 (again)"), "the log of the folder is added: {said}");
    assert_eq!(place.bug("1")["bug"]["crashes"], 1);
    assert_eq!(place.bug("2")["bug"]["state"], "fix_known");
    let again = place.said(&["import", "--json", "mirror/open.json"]);
    let first: Value = serde_json::from_str(again.lines().next().unwrap()).unwrap();
    assert_eq!((&first["bug"], &first["is_new"]), (&json!(1), &json!(false)));
}

#[test]
fn a_closed_bug_of_a_page_is_closed() {
    let place = Place::new();
    for (name, status, state) in [
        ("a", "closed as invalid on 2024/01/05 10:00", "invalid"),
        ("b", "auto-obsoleted due to no activity on 2024/01/05 10:00", "obsolete"),
        ("c", "closed as dup on 2024/01/05 10:00", "invalid"),
    ] {
        let page = json!({ "version": 1, "title": format!("WARNING in {name}"), "id": format!("{name}0123456789"),
            "status": status, "first-crash": "2023-01-01T12:00:00Z", "last-crash": "2023-02-01T12:00:00Z",
            "close-time": "2024-01-05T10:00:00Z" });
        let path = place.write(&format!("{name}.json"), &page.to_string());
        place.said(&["import", &path.display().to_string()]);
        assert_eq!(place.bug(&format!("WARNING in {name}"))["bug"]["state"], state);
    }
}

#[test]
fn what_is_no_page_is_named_and_the_others_are_taken() {
    let place = Place::new();
    place.write("bug.json", &page().to_string());
    for (name, text) in
        [("bad.json", "{"), ("deep.json", "[[[[[[]]]]]]"), ("other.json", "{\"version\": 9}")]
    {
        place.write(name, text);
    }
    let output = place.run(&["import", "mirror"]);
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8(output.stderr).unwrap();
    for name in ["bad.json", "deep.json", "other.json"] {
        assert!(errors.contains(name), "{errors}");
    }
    assert!(errors.contains("version 9") && errors.contains("?json=1"), "{errors}");
    assert_eq!(place.bug("1")["bug"]["crashes"], 2);
}
