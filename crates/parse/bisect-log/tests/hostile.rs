//! Whatever the bytes are, reading ends without a panic and within its limits.

use parse_bisect_log::{limits, read};
use proptest::prelude::*;

/// Pieces from which almost-valid logs are made.
const PIECES: [&str; 24] = [
    "testing commit ",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    "\n",
    "\r\n",
    "run #0: crashed: ",
    "all runs: ",
    "OK",
    "# git bisect bad ",
    "# git bisect start ",
    "git bisect start ",
    "git bisect good ",
    "Bisecting: 99999999999999999999 revisions left",
    "[",
    "] ",
    " is the first bad commit\ncommit ",
    " net/{a => b | 3 +",
    ":040000 040000 a b M\tx",
    "revisions tested: 1, total time: 1h (build: , test: )",
    "crash: ",
    " f+0x1/0x2 net/core/dev.c:1",
    "The first bad commit could be any of:\n",
    "é\u{202e}\0",
    "kernel signature: ",
];

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        read(&bytes);
    }

    #[test]
    fn any_mixture_of_known_pieces_is_read(
        pieces in proptest::collection::vec(0..PIECES.len(), 0..200)
    ) {
        let text: String = pieces.into_iter().map(|at| PIECES[at]).collect();
        let log = read(text.as_bytes());
        prop_assert!(log.tests.iter().all(|test| test.span.first <= test.span.last));
    }
}

#[test]
fn a_log_beyond_the_limits_is_cut_and_says_so() {
    let name = "a".repeat(40);
    let text = format!("testing commit {name}\n").repeat(limits::TESTS + 2)
        + &"run #0: OK\n".repeat(limits::LINES);
    let log = read(text.as_bytes());
    assert_eq!(log.tests.len(), limits::TESTS);
    assert!(log.tests.iter().all(|test| test.runs.lines.len() <= limits::RUNS));
    assert!(log.problems.iter().any(|problem| problem.what.contains("lines")));
    assert!(log.problems.len() <= limits::PROBLEMS + 1);
}

#[test]
fn a_signature_that_was_lost_is_no_signature() {
    let (a, b) = ("a".repeat(40), "b".repeat(40));
    let text = format!(
        "testing commit {a}\nkernel signature:\nall runs: OK\ntesting commit {b}\nkernel signature: \n\
         # git bisect good {b}\nculprit signature:\nparent  signature:\n"
    );
    let log = read(text.as_bytes());
    assert!(log.tests.iter().all(|test| test.signature.is_none()));
    assert_eq!((log.culprit_signature, log.parent_signature), (None, None));
}
