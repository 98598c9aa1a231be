//! `ktriage fuzz run`: the loop.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use analysis_fuzz::{CallId, Program, Reading, Target, read_program, relations, usable};
use anyhow::{Context as _, anyhow};
use app_fuzz::{Counts, Fuzzer, Lacking, Settings, Store, Trials, probe};
use app_guests::Base;
use parse_syzlang::parse_program;
use render::Escaped;

use super::guests::Guests;
use super::load::Which;
use super::teller::Teller;
use crate::failure::{FOUND, Failure};
use crate::output::message;
use crate::stop;

/// How often progress is told.
const TOLD: Duration = Duration::from_secs(10);
/// Longest seed, in bytes.
const LONGEST: u64 = 16 << 20;

/// Find bugs of a kernel by programs of system calls, guided by its coverage.
///
/// The kernel needs KCOV (`ktriage lab build TREE --with fuzz` makes one). Programs run in guests
/// without network or disk of the host. What brings new coverage is kept in DIR/corpus, and a later
/// call with the same folder goes on from there. Each new crash is provoked again, made as small as
/// it can be, written as C, and diagnosed: DIR/crashes has a folder for each title.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  ktriage lab build linux --name fuzzed --with fuzz && ktriage fuzz run --kernel fuzzed --dir found\n  ktriage fuzz run --kernel fuzzed --dir found --descriptions syzkaller/sys/linux --seed-dir syzkaller/sys/linux/test\n  ktriage fuzz run --kernel fuzzed --dir found --calls 'openat,read,write,ioctl$*' --time 600\n\nSee docs/fuzz.md."
)]
pub(crate) struct Run {
    #[command(flatten)]
    guest: Guests,

    /// Folder for corpus and crashes.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,

    #[command(flatten)]
    which: Which,

    /// Use these calls only, and those that make what they take; names with * for any letters.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    calls: Vec<String>,

    /// Start with the programs (.syz) of a folder too; may be given several times.
    #[arg(long = "seed-dir", value_name = "DIR")]
    seeds: Vec<PathBuf>,

    /// End after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    time: Option<u64>,

    /// End when so many different crashes were found.
    #[arg(long, value_name = "N")]
    enough: Option<usize>,

    /// Guests at the same time.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    guests: u32,

    /// Seed of all chance on this side.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Do not provoke crashes again.
    #[arg(long)]
    no_repro: bool,

    /// Exit with 1 when something crashed.
    #[arg(long)]
    exit_code: bool,
}

pub(super) fn run(arguments: &Run) -> Result<ExitCode, Failure> {
    let target = Arc::new(arguments.which.target()?);
    let store = Store::open(&arguments.dir).map_err(Failure::usage)?;
    let stop = stop::flag()?;
    let base = arguments.guest.boot(Arc::clone(&stop))?;
    let calls = arguments.choose(&target, &base)?;
    let settings = Settings {
        seed: arguments.seed,
        machines: arguments.guests as usize,
        workers: (arguments.guests * arguments.guest.procs * 8) as usize,
        calls,
        time: arguments.time.map(Duration::from_secs),
        enough: arguments.enough,
        trials: (!arguments.no_repro).then(Trials::default),
    };
    let fuzzer = Fuzzer::new(Arc::clone(&target), settings);
    arguments.plant(&fuzzer, &target, &store)?;
    let teller = Teller::new(&target, &store);
    let mut told = Instant::now();
    let result = fuzzer.run(&base, &teller, &mut |counts| {
        if stop.load(Ordering::Relaxed) {
            fuzzer.stop();
        }
        if told.elapsed() >= TOLD {
            told = Instant::now();
            message(&line(counts));
            teller.log(counts);
        }
    });
    let counts = fuzzer.counts();
    teller.log(&counts);
    let mut out = io::stdout().lock();
    write!(out, "{}", summary(&counts, &store))?;
    result.map_err(|reason| Failure::lab(anyhow!("no guest can be started: {reason}")))?;
    let found = arguments.exit_code && !counts.titles.is_empty();
    Ok(if found { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

impl Run {
    /// The calls that are wanted, that the kernel has and that can get what they need.
    fn choose(&self, target: &Target, base: &Base) -> Result<BTreeSet<CallId>, Failure> {
        let all: BTreeSet<CallId> = (0..).map(CallId).take(target.calls().len()).collect();
        let relations = relations(target);
        let wanted = if self.calls.is_empty() { all.clone() } else { self.wanted(target, &all)? };
        let mut guest = base.start().map_err(Failure::lab)?;
        let lacking = probe(target, &mut guest, &wanted)
            .map_err(|reason| Failure::lab(anyhow!("asking the kernel for its calls: {reason}")))?;
        let mut had: BTreeSet<CallId> =
            wanted.iter().copied().filter(|id| !lacking.contains_key(id)).collect();
        if !self.calls.is_empty() {
            // What makes the resources of the wanted calls comes along.
            had = with_makers(target, &relations, &had, &all);
            let lacking = probe(target, &mut guest, &had)
                .map_err(|reason| Failure::lab(anyhow!("asking the kernel: {reason}")))?;
            had.retain(|id| !lacking.contains_key(id));
        }
        let (usable, without) = usable(target, &relations, &had);
        let count =
            |what: &dyn Fn(&Lacking) -> bool| lacking.values().filter(|one| what(one)).count();
        message(&format!(
            "{} of {} calls can be used; the kernel lacks {}, devices and protocols of {} are not there, the executor cannot make {}, \
             nothing makes what {} take",
            usable.len(),
            wanted.len(),
            count(&|one| *one == Lacking::Kernel),
            count(&|one| matches!(one, Lacking::Device(_))),
            count(&|one| *one == Lacking::Executor),
            without.len()
        ));
        if usable.is_empty() {
            return Err(Failure::lab(anyhow!("no call is left that could be used")));
        }
        Ok(usable)
    }

    fn wanted(&self, target: &Target, all: &BTreeSet<CallId>) -> Result<BTreeSet<CallId>, Failure> {
        let mut wanted = BTreeSet::new();
        for pattern in &self.calls {
            let found: Vec<CallId> =
                all.iter().copied().filter(|id| matches(pattern, &target.call(*id).name)).collect();
            if found.is_empty() {
                return Err(Failure::usage(anyhow!("no call is named {pattern}"))
                    .hint("names are those of the descriptions; * stands for any letters"));
            }
            wanted.extend(found);
        }
        Ok(wanted)
    }

    /// Gives the loop what is kept and what the seeds are.
    fn plant(&self, fuzzer: &Fuzzer, target: &Target, store: &Store) -> Result<(), Failure> {
        let mut texts = store.programs().map_err(Failure::usage)?;
        let kept = texts.len();
        for folder in &self.seeds {
            texts.extend(seeds(folder)?);
        }
        let programs: Vec<Program> = texts
            .iter()
            .filter_map(|text| {
                read_program(target, &parse_program(text).ok()?, Reading::Lenient).ok()
            })
            .collect();
        if !texts.is_empty() {
            message(&format!(
                "{kept} programs were kept, {} are seeds; {} can be read",
                texts.len() - kept,
                programs.len()
            ));
        }
        fuzzer.seed(programs);
        Ok(())
    }
}

/// The texts of a folder of seeds.
fn seeds(folder: &Path) -> Result<Vec<String>, Failure> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))
        .map_err(Failure::usage)?;
    let mut paths: Vec<PathBuf> =
        entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.retain(|path| {
        fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() <= LONGEST)
    });
    paths.sort();
    Ok(paths.iter().filter_map(|path| fs::read_to_string(path).ok()).collect())
}

/// Calls with those that make what they take.
fn with_makers(
    target: &Target,
    relations: &[analysis_fuzz::Relation],
    calls: &BTreeSet<CallId>,
    all: &BTreeSet<CallId>,
) -> BTreeSet<CallId> {
    let mut wanted = calls.clone();
    loop {
        let (_, without) = usable(target, relations, &wanted);
        let missing: BTreeSet<_> = without.iter().flat_map(|(_, kinds)| kinds).collect();
        let makers: Vec<CallId> = all
            .iter()
            .copied()
            .filter(|id| {
                relations[id.0 as usize].made.iter().any(|made| {
                    target.resource(*made).chain.iter().any(|kind| missing.contains(kind))
                })
            })
            .collect();
        let before = wanted.len();
        wanted.extend(makers);
        if wanted.len() == before {
            return wanted;
        }
    }
}

/// Whether a name fits a pattern in which * stands for any letters.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    if !pattern.contains('*') {
        return rest.is_empty();
    }
    let mut last = "";
    for part in parts {
        last = part;
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    last.is_empty() || name.ends_with(last)
}

fn line(counts: &Counts) -> String {
    let seconds = counts.elapsed.as_secs_f64().max(0.001);
    format!(
        "{:.0} s: {} programs ({:.0}/s), {} kept, {} edges, {} places, {} waiting, {} crashes of {} kinds",
        seconds,
        counts.executed,
        counts.executed as f64 / seconds,
        counts.corpus,
        counts.edges,
        counts.places,
        counts.waiting,
        counts.titles.values().sum::<u64>(),
        counts.titles.len()
    )
}

fn summary(counts: &Counts, store: &Store) -> String {
    let mut out = line(counts) + "\n";
    for (title, times) in &counts.titles {
        let folder = store.crash_folder(title);
        out += &format!(
            "{times:>6} {}\n       {}\n",
            Escaped(title),
            Escaped(&folder.display().to_string())
        );
    }
    out
}
