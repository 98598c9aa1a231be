//! `ktriage lab run`: what does this reproducer do to this kernel?

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use app_lab::{
    Campaign, Limits, Outcome, Plan, Prepared, Progress, Reproducer, prepare, run_campaign,
};

use super::super::fuzz::source::as_c;
use super::kernel::{MachineOptions, State, find_kernel, lab_failure};
use crate::failure::{FOUND, Failure};
use crate::output::{Escaped, message};
use crate::stop;

/// Run a reproducer on a kernel, many times, and say what came of each run.
///
/// REPRO is C source (built as a static program), a program of this machine (its libraries come
/// along), a script, a kernel module, or a program of system calls in syzkaller's text form (.syz,
/// turned into C; its line of options is honoured). It runs in the guest only. Each run starts from a snapshot
/// taken after boot. An interrupted call goes on where it stopped when it is repeated.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ktriage lab run repro.c --kernel 6.12-cloud
  ktriage lab run repro.c --kernel 6.1 --runs 20 --jobs 2 --timeout 30
  ktriage lab run provoke.sh --kernel mybuild --file fault.ko:/lab/fault.ko
  ktriage lab run repro.syz --kernel 6.12-cloud --descriptions syzkaller/sys/linux
  ktriage lab run fault.ko --kernel 6.12-cloud -- probability=10")]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(super) what: What,

    /// A kernel image, the name of a build of the lab, or a kernel of Debian by version and flavour.
    #[arg(long, value_name = "KERNEL")]
    kernel: String,

    /// The folder lib/modules/RELEASE of a kernel image.
    #[arg(long, value_name = "DIR")]
    modules: Option<PathBuf>,

    /// Print one JSON object a run.
    #[arg(long)]
    json: bool,

    /// Exit with 1 when a run crashed.
    #[arg(long)]
    exit_code: bool,
}

/// The reproducer and how it is run.
#[derive(clap::Args, Debug)]
pub(super) struct What {
    /// C source, script, program, kernel module, or program of system calls (.syz).
    #[arg(value_name = "REPRO")]
    reproducer: PathBuf,

    /// Descriptions (syzlang) of the calls of a .syz program; without it, those that ktriage has itself.
    #[arg(long, value_name = "DIR")]
    descriptions: Option<PathBuf>,

    /// Arguments of the reproducer, or parameters of the module.
    #[arg(value_name = "ARGUMENT", last = true)]
    arguments: Vec<String>,

    /// One more file for the guest; may be given several times.
    #[arg(long = "file", value_name = "FILE[:GUEST]")]
    files: Vec<String>,

    /// How many runs.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,

    /// How many machines at once.
    #[arg(long, value_name = "J", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    jobs: u32,

    /// How long a run may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,

    /// How long the guest may be silent before it counts as hung, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(3..))]
    hang: u64,

    /// How long late reports are waited for after the reproducer's end, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    settle: u64,

    /// Boot for each run.
    #[arg(long)]
    cold: bool,

    #[command(flatten)]
    machine: MachineOptions,

    #[command(flatten)]
    state: State,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let what = &arguments.what;
    let state = what.state.folder()?;
    let prepared = what.prepare()?;
    let kernel = find_kernel(&arguments.kernel, arguments.modules.as_deref(), &state)?;
    let plan = what.plan(kernel, prepared, &state, stop::flag()?)?;
    let start = Instant::now();
    let mut out = io::stdout().lock();
    let mut broken = None;
    let campaign = run_campaign(&plan, &mut |progress| {
        if let (Progress::Run(run), true) = (&progress, arguments.json) {
            let line = serde_json::to_string(run).map_err(io::Error::from);
            if let Err(error) = line.and_then(|line| writeln!(out, "{line}")) {
                broken.get_or_insert(error);
            }
        } else {
            tell(&progress, plan.runs);
        }
    })
    .map_err(lab_failure)?;
    if let Some(error) = broken {
        return Err(error.into());
    }
    if !arguments.json {
        write!(out, "{}", summary(&campaign, start.elapsed()))?;
    }
    Ok(exit_code(&campaign, arguments.exit_code))
}

impl What {
    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Makes the reproducer ready.
    pub(super) fn prepare(&self) -> Result<Prepared, Failure> {
        let files = self
            .files
            .iter()
            .map(|file| match file.split_once(':') {
                Some((host, guest)) => (PathBuf::from(host), PathBuf::from(guest)),
                None => {
                    let name = PathBuf::from(file);
                    let name = name.file_name().unwrap_or_default().to_owned();
                    (PathBuf::from(file), PathBuf::from("/lab").join(name))
                }
            })
            .collect();
        let path = as_c(&self.reproducer, self.descriptions.as_deref(), &self.state.folder()?)?;
        let reproducer = Reproducer { path, arguments: self.arguments.clone(), files };
        prepare(&reproducer).map_err(|error| match error {
            // A file that cannot be read is the user's, not the lab's.
            error @ app_lab::LabError::Io { .. } => Failure::usage(error),
            error => lab_failure(error),
        })
    }

    /// The plan for one kernel.
    pub(super) fn plan(
        &self,
        kernel: io_vm::Kernel,
        prepared: Prepared,
        state: &std::path::Path,
        stop: std::sync::Arc<std::sync::atomic::AtomicBool>,
    ) -> Result<Plan, Failure> {
        Ok(Plan {
            kernel,
            settings: self.machine.settings(stop)?,
            modules: self.machine.modules.clone(),
            prepared,
            limits: Limits {
                run: Duration::from_secs(self.timeout),
                hang: Duration::from_secs(self.hang),
                settle: Duration::from_secs(self.settle),
                ..self.machine.limits()
            },
            runs: self.runs,
            jobs: self.jobs,
            cold: self.cold,
            folder: state.join("runs"),
        })
    }
}

/// Tells progress on standard error.
pub(crate) fn tell(progress: &Progress, runs: u32) {
    let text = match progress {
        Progress::Resumed(done) => {
            format!("going on where an earlier call stopped: {done} of {runs} runs are done")
        }
        Progress::Booted { release, after } => {
            format!("{release} booted in {:.1} s", after.as_secs_f64())
        }
        Progress::Retried(reason) => format!("infrastructure error: {reason}; trying again"),
        Progress::Run(run) => format!(
            "run {} of {runs}: {}: {} ({:.1} s)",
            run.run,
            run.outcome.words(),
            run.detail,
            Duration::from_millis(run.milliseconds).as_secs_f64()
        ),
    };
    message(&Escaped(&text).to_string());
}

/// How often each outcome came, and each first title.
pub(super) fn tally(campaign: &Campaign) -> Vec<(Outcome, String, usize)> {
    let mut counts: BTreeMap<(Outcome, String), usize> = BTreeMap::new();
    for run in &campaign.runs {
        let title = match (run.outcome, run.crashes.first()) {
            (Outcome::Crashed, Some(crash)) => crash.title.clone(),
            (Outcome::Clean, _) => String::new(),
            _ => run.detail.clone(),
        };
        *counts.entry((run.outcome, title)).or_default() += 1;
    }
    counts.into_iter().map(|((outcome, title), count)| (outcome, title, count)).collect()
}

fn summary(campaign: &Campaign, elapsed: Duration) -> String {
    let mut text = String::new();
    let total = campaign.runs.len();
    for (outcome, title, count) in tally(campaign) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{count} of {total} {}", outcome.words());
        if !title.is_empty() {
            let _ = write!(text, ": {}", Escaped(&title));
        }
        text.push('\n');
    }
    if let Some(line) = rate(campaign) {
        let _ = writeln!(text, "{line}");
    }
    let _ =
        writeln!(text, "{:.1} s; records: {}", elapsed.as_secs_f64(), campaign.folder.display());
    if let Some(run) = campaign.runs.iter().find(|run| run.outcome == Outcome::Crashed)
        && let Some(folder) = &run.folder
    {
        let log = campaign.folder.join(folder).join("console.log");
        let _ = writeln!(text, "explain the first crash: ktriage {}", log.display());
    }
    text
}

/// The rate of crashes with its interval, and what it rests on: runs of one snapshot may agree.
fn rate(campaign: &Campaign) -> Option<String> {
    let crashed = |run: &app_lab::StoredRun| run.outcome == Outcome::Crashed;
    let starts = app_lab::shares(&campaign.runs, crashed);
    let runs: u32 = starts.iter().map(|start| start.runs).sum();
    if runs < 2 {
        return None;
    }
    let showed: u32 = starts.iter().map(|start| start.showed).sum();
    let independent = analysis_rates::independent_starts(&starts);
    let (low, high) =
        analysis_rates::effective_interval(analysis_rates::Share { showed, runs }, independent);
    let snapshots: std::collections::BTreeSet<u32> =
        campaign.runs.iter().filter_map(|run| run.snapshot).collect();
    let boots = starts.len() - snapshots.len();
    let mut from = Vec::new();
    if !snapshots.is_empty() {
        from.push(format!("{} snapshot{}", snapshots.len(), plural(snapshots.len())));
    }
    if boots > 0 {
        from.push(format!("{boots} boot{}", plural(boots)));
    }
    Some(format!(
        "crashes in {:.0} % of runs (95 % interval {:.0} to {:.0} %); {runs} runs from {}, worth {independent:.0} \
         independent start{}",
        100.0 * f64::from(showed) / f64::from(runs),
        100.0 * low,
        100.0 * high,
        from.join(" and "),
        plural(independent.round() as usize),
    ))
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// 1 when asked for and a run crashed; 3 when no run got as far as the reproducer.
pub(super) fn exit_code(campaign: &Campaign, asked: bool) -> ExitCode {
    let any = |outcome| campaign.runs.iter().any(|run| run.outcome == outcome);
    let nothing_learnt = !campaign.runs.iter().any(app_lab::reached);
    if asked && any(Outcome::Crashed) {
        ExitCode::from(FOUND)
    } else if nothing_learnt {
        Failure::lab_status()
    } else {
        ExitCode::SUCCESS
    }
}
