//! MAINTAINERS, the mail map and a patch as anybody may write them, asked for their people.

#![no_main]

use analysis_tree::who::{Query, patch, who};
use libfuzzer_sys::fuzz_target;
use parse_maintainers::{Mailmap, ignored, in_text, sections};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    // The parts are told apart by a line of dashes.
    let mut parts = text.splitn(3, "\n----\n");
    let (list, people, change) =
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next());
    let mailmap = Mailmap::parse(people);
    let read = patch::read(change.unwrap_or_default());
    let mut files = read.files;
    files.truncate(8);
    files.extend(["fs/ext4/inode.c".to_owned(), "Documentation/a.yaml".to_owned()]);
    let query = Query {
        files: &files,
        patch: change,
        mailmap: &mailmap,
        is_directory: &|path| path.len() % 2 == 0,
        text: &|_| Some(people.to_owned()),
    };
    let (_, found) = who(&sections(list), &query);
    for one in found.into_recipients() {
        assert!(!one.reasons.is_empty());
        let _ = one.address.to_string();
    }
    let _ = (in_text(&text), ignored(&text), patch::is_patch(&text));
});
