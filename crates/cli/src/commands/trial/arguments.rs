//! What `ktriage try` is asked.

use std::path::PathBuf;

use analysis_trial::Budget;
use anyhow::anyhow;
use app_try::{Asked, Commands, Configuration, Machines, Tester};
use model::CommitId;

use crate::failure::Failure;

/// Runs on each side, at most, where runs are added until the confidence is reached.
const MOST: u32 = 200;

/// Try a patch series: base against patched, with numbers.
///
/// SERIES is taken as it was mailed, and its newest version is tried. The commit on which it belongs is found
/// by its base-commit, the blobs of its diff, the trees that it names, and its date, each tried with
/// `git am -3` beside your tree, which is only read. First the base must show the failure; then the patched
/// tree is run until the difference is beyond chance. With --repro kernels are built and booted in virtual
/// machines, with --test a command tests a work tree. Everything is recorded as it happens: the same call
/// goes on where it was stopped.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ktriage try v4.mbox --tree ~/linux --base-only           on which commit does it belong?
  ktriage try v4.mbox --tree ~/linux --repro repro.c       does it fix what repro.c shows?
  ktriage try v4.mbox --tree ~/linux --repro repro.c --matrix plain,rt,lockdep+kcov --smoke
  ktriage try --list ~/lore/kcov --id 20260502.1@b.example --tree ~/linux --repro repro.c --mail
  ktriage try main..topic --tree . --build 'make -s' --test ./t.sh --title 'Assertion'
  ktriage try thread.mbox --draft D2 --tree ~/linux --repro repro.c --runs 20

See docs/try.md.")]
pub(crate) struct Arguments {
    /// A mailbox, mails, a maildir or a saved page; or revisions of the tree, such as main..topic.
    #[arg(value_name = "SERIES", required_unless_present = "list")]
    pub(super) series: Option<PathBuf>,

    /// The git tree. It is only read.
    #[arg(long, value_name = "DIR")]
    pub(super) tree: PathBuf,

    /// A mirror of public-inbox archives that has the series.
    #[arg(long, value_name = "DIR", conflicts_with = "series", requires = "id")]
    pub(super) list: Option<PathBuf>,

    /// The index of that mirror; in its directory if not given.
    #[arg(long, value_name = "FILE", requires = "list")]
    pub(super) index: Option<PathBuf>,

    /// The mail whose series is meant: its Message-ID, or a link to it.
    #[arg(long, value_name = "MESSAGE-ID")]
    pub(super) id: Option<String>,

    /// Another version than the newest, such as v3.
    #[arg(long, value_name = "NAME", conflicts_with = "draft")]
    pub(super) version: Option<String>,

    /// A diff inside of a reply, such as D2; `ktriage thread` lists them.
    #[arg(long, value_name = "NAME")]
    pub(super) draft: Option<String>,

    /// The commit on which the series belongs; found unless given.
    #[arg(long, value_name = "REV")]
    base: Option<String>,

    /// Only look for the base; build and run nothing.
    #[arg(long)]
    base_only: bool,

    /// The failure that the series is to end: a part of its title; may be given several times.
    #[arg(long, value_name = "TEXT")]
    title: Vec<String>,

    /// Exactly so many runs on each side.
    #[arg(long, value_name = "N", conflicts_with = "confidence", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    runs: Option<u32>,

    /// How sure a difference has to be, from 0.5 to 0.9999; runs are added until it is.
    #[arg(long, value_name = "P", default_value_t = 0.99, value_parser = confidence)]
    confidence: f64,

    /// The most to spend: `90m`, `12h`, or a number of runs such as `500runs`.
    #[arg(long, value_name = "BUDGET", value_parser = budget)]
    budget: Option<Spend>,

    /// Build after every patch.
    #[arg(long)]
    each: bool,

    /// Configurations, each tried as base and patched: fragments joined by `+` (rt, kcov+lockdep), `plain`
    /// for none.
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "plain")]
    matrix: Vec<String>,

    /// Seconds after which a run of --test counts as hung, which is a failure, and one of --repro is over;
    /// 600 and 60 unless given.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    run_timeout: Option<u64>,

    /// Seconds after which a build counts as failed.
    #[arg(long, value_name = "SECONDS", default_value_t = 7200, value_parser = clap::value_parser!(u64).range(1..))]
    build_timeout: u64,

    #[command(flatten)]
    kernels: KernelOptions,

    #[command(flatten)]
    commands: CommandOptions,

    /// Print one JSON object.
    #[arg(long, group = "shape")]
    pub(super) json: bool,

    /// Print a reply in the thread of the series. It is not sent.
    #[arg(long, group = "shape")]
    pub(super) mail: bool,

    /// Who tests, for the Tested-by that --mail proposes: `Name <address>`.
    #[arg(long, value_name = "PERSON", requires = "mail")]
    pub(super) tester: Option<String>,

    /// Also write a page.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,

    /// Exit with 1 unless the failure is gone and nothing new shows.
    #[arg(long)]
    pub(super) exit_code: bool,

    /// Folder in which everything is recorded; the user's state folder unless given.
    #[arg(long = "state", value_name = "DIR")]
    state: Option<PathBuf>,
}

/// Kernels in virtual machines.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Kernels")]
struct KernelOptions {
    /// A reproducer: C source, a script, a program or a kernel module; may be given several times.
    #[arg(id = "reproducers", long = "repro", value_name = "FILE")]
    reproducers: Vec<PathBuf>,

    /// Arguments of the reproducers.
    #[arg(last = true, value_name = "ARGUMENT", requires = "reproducers")]
    arguments: Vec<String>,

    /// What else has to work: `small` (our own set), `ltp:NAME`, `kselftest:FOLDER/NAME`.
    #[arg(long, value_name = "NAME", value_delimiter = ',', num_args = 0.., default_missing_value = "small", conflicts_with = "test")]
    smoke: Vec<String>,

    /// Named pieces of configuration in every kernel; `ktriage lab build --list` lists them.
    #[arg(long = "with", value_name = "FRAGMENT", value_delimiter = ',', conflicts_with = "test")]
    fragments: Vec<String>,

    /// A file with more of the kernel's configuration; may be given several times.
    #[arg(long = "config", value_name = "FILE", conflicts_with = "test")]
    configs: Vec<PathBuf>,

    /// Memory of the guest, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(64..))]
    memory: u32,

    /// CPUs of the guest.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    cpus: u32,

    /// Added to the kernel's command line.
    #[arg(long, value_name = "PARAMETERS", default_value = "", allow_hyphen_values = true)]
    append: String,

    /// Machines at once.
    #[arg(long, value_name = "J", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    jobs: u32,

    /// The emulator.
    #[arg(long, value_name = "PROGRAM", default_value = "qemu-system-x86_64")]
    qemu: PathBuf,
}

/// Commands for the shell, in a work tree of their own.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Commands instead of kernels")]
struct CommandOptions {
    /// The test: it ends with 0 when the failure did not show, with 125 when it cannot tell. It finds
    /// KTRIAGE_SIDE (base or patched), KTRIAGE_CONFIG, KTRIAGE_COMMIT and KTRIAGE_RUN in its environment.
    #[arg(id = "test", long, value_name = "CMD", conflicts_with = "reproducers")]
    test: Option<String>,

    /// What builds the tree.
    #[arg(long, value_name = "CMD", requires = "test")]
    build: Option<String>,

    /// What brings up what was built; a failure is a failed boot.
    #[arg(long, value_name = "CMD", requires = "test")]
    boot: Option<String>,

    /// What prints a name of what was built, equal when nothing that runs differs: `sha256sum < program`.
    #[arg(long, value_name = "CMD", requires = "test")]
    signature: Option<String>,

    /// What prints the functions that ran, one a line, after the tests of a side.
    #[arg(long, value_name = "CMD", requires = "test")]
    reached: Option<String>,
}

#[derive(Clone, Copy, Debug)]
enum Spend {
    Minutes(f64),
    Runs(u32),
}

fn confidence(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.5..=0.9999).contains(&value) => Ok(value),
        _ => Err("a probability from 0.5 to 0.9999 is needed".into()),
    }
}

fn budget(text: &str) -> Result<Spend, String> {
    let wrong = || "a budget is written 90m, 12h or 500runs".to_owned();
    let digits = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    if !(number > 0.0 && number < 1e6) {
        return Err(wrong());
    }
    match unit {
        "m" => Ok(Spend::Minutes(number)),
        "h" => Ok(Spend::Minutes(number * 60.0)),
        "runs" | "run" => Ok(Spend::Runs(number as u32)),
        _ => Err(wrong()),
    }
}

impl Arguments {
    /// What is asked of the trial; `parent` is the base of revisions.
    pub(super) fn asked(&self, parent: Option<CommitId>) -> Result<Asked, Failure> {
        let (minutes, runs) = match self.budget {
            None => (None, None),
            Some(Spend::Minutes(minutes)) => (Some(minutes), None),
            Some(Spend::Runs(runs)) => (None, Some(runs)),
        };
        let tests = self.commands.test.is_some();
        Ok(Asked {
            tree: self.tree.clone(),
            base: self.base.clone(),
            parent,
            base_only: self.base_only,
            cells: self.matrix.iter().map(|name| Configuration::parse(name)).collect(),
            tester: self.tester()?,
            reproducers: self.kernels.reproducers.clone(),
            smoke: self.kernels.smoke.clone(),
            titles: self.title.clone(),
            budget: Budget { runs: self.runs, confidence: self.confidence, most: MOST },
            minutes,
            runs,
            each: self.each,
            run_seconds: self.run_timeout.unwrap_or(if tests { 600 } else { 60 }),
            build_seconds: self.build_timeout,
        })
    }

    fn tester(&self) -> Result<Tester, Failure> {
        let commands = &self.commands;
        if let Some(test) = &commands.test {
            if test.trim().is_empty() {
                return Err(Failure::usage(anyhow!("--test is empty")));
            }
            return Ok(Tester::Commands(Commands {
                test: test.clone(),
                build: commands.build.clone(),
                boot: commands.boot.clone(),
                signature: commands.signature.clone(),
                reached: commands.reached.clone(),
            }));
        }
        let kernels = &self.kernels;
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path)
                .map_err(|error| Failure::usage(anyhow!("{}: {error}", path.display())))
        };
        Ok(Tester::Machines(Machines {
            fragments: kernels.fragments.clone(),
            configs: kernels.configs.iter().map(read).collect::<Result<_, _>>()?,
            arguments: kernels.arguments.clone(),
            memory: kernels.memory,
            cpus: kernels.cpus,
            append: kernels.append.clone(),
            jobs: kernels.jobs,
            qemu: kernels.qemu.clone(),
        }))
    }

    /// Where everything is recorded.
    pub(super) fn state(&self) -> Result<PathBuf, Failure> {
        let folder = self.state.clone().or_else(crate::commands::user_state_folder);
        let folder = folder.ok_or_else(|| {
            Failure::usage(anyhow!("no folder to record in: HOME is not set"))
                .hint("give one with --state DIR")
        })?;
        Ok(std::path::absolute(folder)?)
    }
}
