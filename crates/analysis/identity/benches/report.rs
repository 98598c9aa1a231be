//! How fast logs are read, as ratios: machines are noisy, and a ratio within one run is not.
//!
//! - a quiet boot log of 256 MiB, against counting the newlines of the same bytes;
//! - crash cases: published ones when they are at hand, our own samples otherwise.
//!
//! `cargo bench -p analysis-identity`

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use analysis_identity::{LogReader, read_log};

/// Bytes of the quiet log.
const QUIET: usize = 256 << 20;
/// Each thing is measured so often; the best run counts, since noise only adds.
const RUNS: usize = 7;

fn main() {
    // `cargo bench … -- quiet` or `-- crash` runs one part; cargo itself passes `--bench`.
    let part = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    if wanted("quiet") {
        quiet();
    }
    if wanted("crash") {
        crash();
    }
}

fn quiet() {
    let quiet = quiet_log();
    let newlines = best(|| memchr::memchr_iter(b'\n', &quiet).count());
    println!("quiet boot log, {} MiB, one thread", QUIET >> 20);
    show("newline count", &quiet, newlines, newlines);
    let memory = best(|| read_log(&quiet).reports.len());
    show("report, in memory", &quiet, memory, newlines);
    let stream = best(|| {
        let mut reader = LogReader::new();
        for piece in quiet.chunks(1 << 20) {
            reader.push(piece);
        }
        reader.finish().reports.len()
    });
    show("report, as a stream", &quiet, stream, newlines);
}

fn crash() {
    let (name, cases) = crash_cases();
    let bytes: Vec<u8> = cases.concat();
    println!("{name}: {} files, {} kB", cases.len(), bytes.len() / 1000);
    // Tables are compiled when first met; that is paid once, not for each log.
    for case in &cases {
        read_log(case);
    }
    let newlines = best(|| memchr::memchr_iter(b'\n', &bytes).count());
    show("newline count", &bytes, newlines, newlines);
    let each = best(|| cases.iter().map(|case| read_log(case).reports.len()).sum());
    show("report, file by file", &bytes, each, newlines);
}

fn show(name: &str, bytes: &[u8], seconds: f64, base: f64) {
    let rate = bytes.len() as f64 / seconds / 1e6;
    println!("  {name:<22} {rate:>8.0} MB/s   {:>6.3} of the newline count", base / seconds);
}

/// Seconds of the best of several runs.
fn best(mut work: impl FnMut() -> usize) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let start = Instant::now();
        std::hint::black_box(work());
        best = best.min(start.elapsed().as_secs_f64());
    }
    best
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// The boot messages of the sample that ships, again and again with a moving clock.
fn quiet_log() -> Vec<u8> {
    let sample = std::fs::read(root().join("samples/hung-depot.log")).expect("the sample ships");
    let messages: Vec<&[u8]> = sample
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let at = memchr::memmem::find(line, b"] ")?;
            Some(line[at + 2..].trim_ascii_end())
        })
        .filter(|text| !text.starts_with(b"Linux version"))
        .take_while(|text| !text.starts_with(b"INFO: task"))
        .collect();
    let mut log = Vec::with_capacity(QUIET + 256);
    let mut micros = 0u64;
    'all: loop {
        for message in &messages {
            micros += 997;
            let stamp = format!("[{:>5}.{:06}] ", micros / 1_000_000, micros % 1_000_000);
            log.extend_from_slice(stamp.as_bytes());
            log.extend_from_slice(message);
            log.push(b'\n');
            if log.len() >= QUIET {
                break 'all;
            }
        }
    }
    log
}

fn crash_cases() -> (&'static str, Vec<Vec<u8>>) {
    let published = root().join("../shared/corpus/reports");
    if published.is_dir() {
        let cases = files(&published)
            .into_iter()
            // A case begins with header lines and a blank line.
            .map(|case| match memchr::memmem::find(&case, b"\n\n") {
                Some(at) if case.starts_with(b"TITLE:") => case[at + 2..].to_vec(),
                _ => case,
            })
            .collect();
        return ("published crash cases", cases);
    }
    ("samples of the project", files(&root().join("crates/analysis/identity/samples")))
}

fn files(directory: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory)
        .expect("the directory is there")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a readable sample")).collect()
}
