//! Whatever an analysis holds, judging it ends, and each claim has its lines and its reason. The inputs are mutations of
//! real texts with fixed seeds; `ROUNDS=N` runs more of them.

use std::path::PathBuf;

use analysis_claims::check;

fn texts(folder: &str) -> Vec<Vec<u8>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<PathBuf> = std::fs::read_dir(root.join(folder))
        .expect("a folder of samples")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a sample")).collect()
}

const PIECES: &[&[u8]] = &[
    b"\x00",
    b"\xff\xfe",
    b"\x1b[31m",
    "\u{202e}".as_bytes(),
    "\u{2028}".as_bytes(),
    b"\n\n",
    b"```\n",
    b"> > > ",
    b"CPU 99999999999999999999 ",
    b"0xffffffffffffffffffff",
    b"99999999999 jiffies (99999999999 ms) ",
    b"(pid 4294967296)",
    b"is not not not ",
    b"If ",
    b"\"",
    b"`",
    b"=\n",
    b"Content-Type: multipart/mixed; boundary=x\n",
    b"From: a\nTo: b\nContent-Transfer-Encoding: quoted-printable\n\n",
    b"-0x",
    b"1,,2..3",
    "\u{b5}s ".as_bytes(),
];

fn mutate(random: &mut fastrand::Rng, samples: &[Vec<u8>]) -> Vec<u8> {
    let mut text = samples[random.usize(..samples.len())].clone();
    for _ in 0..1 + random.usize(..12) {
        let at = random.usize(..text.len() + 1);
        match random.usize(..6) {
            0 => text.truncate(at),
            1 => {
                let end = (at + random.usize(..40)).min(text.len());
                text.drain(at..end);
            }
            2 => {
                if let Some(byte) = text.get_mut(at) {
                    *byte = random.u8(..);
                }
            }
            3 => {
                let piece = PIECES[random.usize(..PIECES.len())];
                text.splice(at..at, piece.iter().copied());
            }
            4 => {
                let end = (at + random.usize(..200)).min(text.len());
                let copy = text[at..end].to_vec();
                let to = random.usize(..text.len() + 1);
                text.splice(to..to, copy);
            }
            _ => {
                let other = &samples[random.usize(..samples.len())];
                let from = random.usize(..other.len() + 1);
                let end = (from + random.usize(..400)).min(other.len());
                text.splice(at..at, other[from..end].iter().copied());
            }
        }
    }
    text
}

fn judge(text: &[u8], log: Option<&[u8]>) {
    let report = check(text, log);
    for claim in &report.claims {
        assert!(!claim.lines.is_empty(), "{claim:?}");
        assert!(!claim.statement.is_empty() && !claim.reason.is_empty(), "{claim:?}");
    }
}

#[test]
fn mutated_analyses_are_judged_to_the_end() {
    let rounds: u64 = std::env::var("ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(60);
    let analyses: Vec<Vec<u8>> =
        texts("tests/analyses").into_iter().chain(texts("tests/samples")).collect();
    let logs = texts("tests/samples");
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..rounds {
        let text = mutate(&mut random, &analyses);
        let log = mutate(&mut random, &logs);
        judge(&text, None);
        judge(&text, Some(&log));
    }
}

#[test]
fn huge_and_deep_texts_end() {
    let deep = format!("{}deadlock on CPU 1 for 22s\n", "> ".repeat(50_000));
    let nested = format!("{}CPU 1 is stuck.\n", "  - ".repeat(20_000));
    let long = "CPU 1 was not stuck for 22 s if it is not a deadlock ".repeat(4_000);
    let rows = "| CPU 1 | t=2502 jiffies | stuck in foo_bar() |\n".repeat(4_000);
    let fences = "```\n".repeat(20_000);
    for text in [deep, nested, long, rows, fences] {
        judge(text.as_bytes(), None);
        judge(
            text.as_bytes(),
            Some(b"[    1.000000] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [x:1]\n"),
        );
    }
}
