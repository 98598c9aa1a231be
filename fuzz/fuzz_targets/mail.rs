//! Any bytes as an input of `ktriage thread`: no panic, nothing lost, all lines in their places, and
//! what is said of a thread cites lines that exist.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let messages = parse_mail::messages(bytes);
    let lines = bytes.iter().filter(|b| **b == b'\n').count() as u64 + 1;
    let exists = |line: u64| assert!((1..=lines).contains(&line), "line {line} of {lines}");
    for message in &messages {
        exists(message.lines.first);
        exists(message.lines.last);
        for line in message.body.lines() {
            exists(line.number);
        }
        for diff in parse_mail::diffs(&message.body) {
            assert!(diff.first <= diff.last && diff.last < message.body.len());
            let _ = message.body.bytes(diff.first, diff.last);
        }
    }
    // As the second file of a directory the same is read, further down.
    let later = parse_mail::messages_of_file(bytes, 1001, false);
    assert_eq!(later.len(), messages.len());
    for (one, other) in messages.iter().zip(&later) {
        assert_eq!(one.lines.first + 1000, other.lines.first);
        assert_eq!(one.body.len(), other.body.len());
    }
    let threads = analysis_thread::understand(&messages);
    let shown: usize = threads.iter().flat_map(|t| &t.entries).map(|e| 1 + e.copies).sum();
    assert_eq!(shown, messages.len(), "a message is lost or counted twice");
    for thread in &threads {
        for question in &thread.questions {
            for (entry, span) in &question.asked {
                assert!(*entry < thread.entries.len());
                exists(span.first);
                exists(span.last);
            }
            question.evidence.iter().copied().for_each(exists);
            assert!(
                question.state.is_closed() || !question.waits_for.is_empty(),
                "an open question waits for nobody"
            );
        }
        for tag in &thread.tags {
            exists(tag.lines.first);
        }
        for finding in &thread.findings {
            finding.lines.iter().for_each(|l| exists(l.first));
        }
        for entry in &thread.entries {
            assert!(entry.parent.is_none_or(|p| p < thread.entries.len()));
            if let Some((line, named)) = entry.by_quote {
                exists(line);
                assert!(named < thread.entries.len() && Some(named) != entry.parent);
            }
        }
        for command in &thread.commands {
            exists(command.lines.last);
        }
        for pull in &thread.pulls {
            exists(pull.lines.first);
            exists(pull.lines.last);
        }
        for version in 0..thread.versions.len() {
            assert_eq!(thread.whole(version).next(), Some(version));
            let _ = thread.title(version);
        }
    }
});
