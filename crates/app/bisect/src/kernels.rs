//! A runner that builds a kernel for each commit, boots it in a virtual machine and runs the
//! reproducer there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use app_lab::{
    LabError, Limits, Outcome, Plan, Prepared as Reproducer, RUNS_A_SNAPSHOT, StoredRun, one_run,
    snapshot_after_boot,
};
use io_git::{Repository, Worktree};
use io_kernel_build::{BuildError, Built, Recipe, build, sources_used};
use io_vm::{Initramfs, Kernel, Settings, Snapshot, probe};
use model::CommitId;
use model::bisection::{Attempt, Event, LabRequest, Request};

use crate::failure::Failure;
use crate::progress::{Progress, Tell};
use crate::runner::{Prepared, Runner, attempt};

/// A kernel that does not come up is booted again before that is believed: an emulator may fail.
const BOOTS: u32 = 2;
/// Kernels that are kept up: at the end the runs go back and forth between a commit and its parents.
const MOST_UP: usize = 3;
/// How often the caller's wish to stop is looked at.
const TICK: Duration = Duration::from_millis(100);
/// Bytes of the console that are read for an attempt's record.
const KEPT: usize = 6 * 1024;
/// File with the sources of the kernels built so far, below the folder of a bisection.
const SOURCES: &str = "sources-used";

/// A runner with a work tree, a build folder and virtual machines of its own.
pub(crate) struct Kernels<'a> {
    repository: Repository,
    request: Request,
    lab: LabRequest,
    reproducer: Reproducer,
    folder: PathBuf,
    ccache: Option<PathBuf>,
    number: usize,
    tree: Option<Worktree>,
    /// Kernels that are up, the one prepared last at the end.
    up: Vec<Up>,
    stop: Arc<AtomicBool>,
    tell: Tell<'a>,
}

/// A kernel that is up.
struct Up {
    commit: CommitId,
    plan: Plan,
    initramfs: Initramfs,
    snapshot: Snapshot,
    /// Runs that started from the snapshot.
    runs: u32,
}

/// What is wrong with a commit, and what was seen of it.
struct Fault {
    event: Event,
    title: Option<String>,
    text: String,
}

impl<'a> Kernels<'a> {
    /// The `number`th runner of a search, in the first of the folders; the second holds what searches share.
    pub(crate) fn new(
        repository: &Repository,
        request: &Request,
        lab: &LabRequest,
        (folder, state): (&Path, &Path),
        number: usize,
        tell: Tell<'a>,
    ) -> Result<Self, Failure> {
        let reproducer = app_lab::prepare(&app_lab::Reproducer {
            path: lab.reproducer.clone(),
            arguments: lab.arguments.clone(),
            files: Vec::new(),
        })
        .map_err(Failure::from_error)?;
        Ok(Self {
            repository: repository.clone(),
            request: request.clone(),
            lab: lab.clone(),
            reproducer,
            folder: folder.to_owned(),
            ccache: app_lab::ccache(state),
            number,
            tree: None,
            up: Vec::new(),
            stop: Arc::new(AtomicBool::new(false)),
            tell,
        })
    }

    /// Moves the work tree to `commit`.
    fn check_out(&mut self, commit: &CommitId) -> Result<PathBuf, String> {
        let path = self.folder.join(format!("tree-{}", self.number));
        match &self.tree {
            Some(tree) if path.join(".git").exists() => tree.checkout(commit),
            _ => self.repository.worktree(&path, commit).map(|tree| self.tree = Some(tree)),
        }
        .map_err(|error| error.to_string())?;
        path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))
    }

    fn build(&self, tree: PathBuf) -> Result<Built, Fault> {
        let recipe = Recipe {
            tree,
            folder: self.folder.join(format!("build-{}", self.number)),
            fragments: self.lab.fragments.clone(),
            more: self.lab.configs.clone(),
            modules: false,
            ccache: self.ccache.clone(),
            jobs: (app_lab::cpus() / self.request.jobs.max(1) as u32).max(1),
        };
        let built = build(&recipe, &self.stop, |_| {}).map_err(|error| Fault {
            event: match error {
                BuildError::Compile { .. } => Event::BuildFailed,
                _ => Event::InfrastructureError,
            },
            title: None,
            text: error.to_string(),
        })?;
        // Only a hint is lost with it.
        if let Ok(used) = sources_used(&recipe.tree, &recipe.folder) {
            let file = self.folder.join(SOURCES);
            let mut all = read_sources(&file);
            all.extend(used);
            let text: String = all.into_iter().map(|path| path + "\n").collect();
            let _ = fs::write(&file, text);
        }
        Ok(built)
    }

    fn boot(&self, commit: &CommitId, kernel: Kernel) -> Result<Up, Fault> {
        let trouble = |text: String| Fault { event: Event::InfrastructureError, title: None, text };
        let qemu = PathBuf::from("qemu-system-x86_64");
        let accelerator = probe(&qemu).map_err(|error| trouble(error.to_string()))?;
        let plan = Plan {
            kernel,
            settings: Settings {
                qemu,
                accelerator,
                memory: self.lab.memory,
                cpus: self.lab.cpus,
                command_line: self.lab.append.clone(),
                stop: Arc::clone(&self.stop),
            },
            modules: Vec::new(),
            prepared: self.reproducer.clone(),
            limits: Limits {
                run: Duration::from_secs(self.request.run_seconds),
                ..Limits::default()
            },
            runs: 1,
            jobs: 1,
            cold: false,
            folder: self.folder.clone(),
        };
        let initramfs = Initramfs::build(&plan.kernel, &[], &plan.prepared.files)
            .map_err(|error| trouble(error.to_string()))?;
        let place = self.place(commit).join("boot");
        let mut failed = String::new();
        for _ in 0..BOOTS {
            match snapshot_after_boot(&plan, &initramfs, &place, &mut |_| {}) {
                Ok(snapshot) => {
                    let commit = commit.clone();
                    return Ok(Up { commit, plan, initramfs, snapshot, runs: 0 });
                }
                Err(LabError::BootFailed { reason, .. }) => failed = reason,
                Err(error) => return Err(trouble(error.to_string())),
            }
        }
        let console = tail(&place.join("console.log"));
        Err(Fault {
            event: Event::BootFailed,
            text: format!("{failed}\n{console}"),
            title: Some(failed),
        })
    }

    /// Where the runs of a commit are recorded.
    fn place(&self, commit: &CommitId) -> PathBuf {
        self.folder.join("runs").join(commit.short())
    }

    /// The number of the next run, so that an interrupted bisection overwrites nothing.
    fn next_run(&self, commit: &CommitId) -> u32 {
        let place = self.place(commit);
        (1..).find(|run| !place.join(format!("run-{run}")).exists()).unwrap_or(u32::MAX)
    }

    /// The kernel of a commit that was built before.
    fn image(&self, commit: &CommitId) -> PathBuf {
        self.folder.join("images").join(commit.as_str())
    }

    /// Builds the kernel of `commit` and keeps its image.
    fn build_and_keep(&mut self, commit: &CommitId) -> Result<Built, Fault> {
        let trouble = |text: String| Fault { event: Event::InfrastructureError, title: None, text };
        let tree = self.check_out(commit).map_err(trouble)?;
        let built = self.build(tree)?;
        let image = self.image(commit);
        let keep = || {
            fs::create_dir_all(self.folder.join("images"))?;
            // Under another name first: a kernel that is half written must never be booted.
            let half = image.with_extension(format!("half-{}", self.number));
            fs::copy(&built.image, &half)?;
            fs::rename(&half, &image)
        };
        keep().map_err(|error| trouble(format!("{}: {error}", image.display())))?;
        Ok(built)
    }

    /// Brings the kernel of `commit` up, with the attempt to record if it had to be built.
    fn prepare_watched(&mut self, commit: &CommitId) -> Result<Option<Attempt>, Box<Attempt>> {
        let start = Instant::now();
        let made = |event, title, text: &str| {
            attempt(commit, event, title, start.elapsed().as_secs_f64(), text.as_bytes())
        };
        let fault = |fault: Fault| Box::new(made(fault.event, fault.title, &fault.text));
        let image = self.image(commit);
        let built = match image.is_file() {
            true => None,
            false => Some(self.build_and_keep(commit).map_err(fault)?),
        };
        let seconds = start.elapsed().as_secs_f64();
        let up = self.boot(commit, Kernel { image, modules: None }).map_err(|problem| {
            let attempt = fault(problem);
            let signature = built.as_ref().map(|built| built.signature.clone());
            Box::new(Attempt { signature, ..*attempt })
        })?;
        self.up.push(up);
        if self.up.len() > MOST_UP {
            self.up.remove(0);
        }
        // The compiler is what a kernel owes to this machine and not to its commit.
        Ok(built.map(|built| Attempt {
            signature: Some(built.signature),
            ..attempt(commit, Event::Built, Some(built.compiler), seconds, &[])
        }))
    }
}

impl Runner for Kernels<'_> {
    fn prepare(&mut self, commit: &CommitId, stop: &(dyn Fn() -> bool + Sync)) -> Prepared {
        // Runs of one snapshot are not quite independent: after some it is taken anew.
        self.up.retain(|up| up.commit != *commit || up.runs < RUNS_A_SNAPSHOT);
        if let Some(at) = self.up.iter().position(|up| up.commit == *commit) {
            let up = self.up.remove(at);
            self.up.push(up);
            return Prepared::Ready;
        }
        let limit = Duration::from_secs(self.request.build_seconds);
        let flag = Arc::clone(&self.stop);
        let start = Instant::now();
        let prepared = watched(&flag, stop, limit, || self.prepare_watched(commit));
        let seconds = start.elapsed().as_secs();
        match prepared {
            Ok(None) => Prepared::Ready,
            Ok(Some(built)) => {
                (self.tell)(&Progress::KernelUp { commit: commit.clone(), seconds });
                Prepared::Built(built)
            }
            Err(_) if stop() => Prepared::Stopped,
            Err(_) if start.elapsed() >= limit => {
                let text = format!("the build did not end within {} s", limit.as_secs());
                let seconds = start.elapsed().as_secs_f64();
                Prepared::Not(attempt(commit, Event::BuildFailed, None, seconds, text.as_bytes()))
            }
            Err(not) => {
                let words = not.output.lines().next().unwrap_or_default().to_owned();
                (self.tell)(&Progress::KernelFailed {
                    commit: commit.clone(),
                    event: not.event,
                    seconds,
                    output: words,
                });
                Prepared::Not(*not)
            }
        }
    }

    fn test(&mut self, commit: &CommitId, stop: &(dyn Fn() -> bool + Sync)) -> Option<Attempt> {
        let place = self.place(commit);
        let number = self.next_run(commit);
        let up = self.up.iter_mut().find(|up| up.commit == *commit);
        let Some(Up { plan, initramfs, snapshot, runs, .. }) = up else {
            let text = b"the kernel of this commit is not up";
            return Some(attempt(commit, Event::InfrastructureError, None, 0.0, text));
        };
        *runs += 1;
        let start = Instant::now();
        // The lab has limits of its own for each part of a run.
        let result = watched(&self.stop, stop, Duration::MAX, || {
            one_run(plan, Some(snapshot), initramfs, &place, number)
        });
        let seconds = start.elapsed().as_secs_f64();
        match result {
            Ok(run) => Some(of_run(commit, &run, seconds, &place)),
            Err(LabError::Stopped) => None,
            Err(error) => {
                let text = error.to_string();
                Some(attempt(commit, Event::InfrastructureError, None, seconds, text.as_bytes()))
            }
        }
    }
}

/// Does `work` while somebody looks whether the caller wants to stop or `limit` has passed; `flag`
/// tells the work then.
fn watched<T>(
    flag: &AtomicBool,
    stop: &(dyn Fn() -> bool + Sync),
    limit: Duration,
    work: impl FnOnce() -> T,
) -> T {
    flag.store(false, Ordering::Relaxed);
    let start = Instant::now();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                if stop() || start.elapsed() >= limit {
                    flag.store(true, Ordering::Relaxed);
                }
                thread::park_timeout(TICK);
            }
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        result
    })
}

/// What a run in a virtual machine means.
fn of_run(commit: &CommitId, run: &StoredRun, seconds: f64, place: &Path) -> Attempt {
    let event = match run.outcome {
        Outcome::Clean => Event::Clean,
        // Without a report, but not without a failure: a title of its own keeps it apart.
        Outcome::Crashed | Outcome::NoOutput | Outcome::LostConnection => Event::Crashed,
        Outcome::BootFailed => Event::BootFailed,
        Outcome::BuildFailed => Event::BuildFailed,
        Outcome::InfrastructureError => Event::InfrastructureError,
    };
    let mut titles: Vec<String> = Vec::new();
    for crash in &run.crashes {
        for title in std::iter::once(&crash.title).chain(&crash.alt_titles) {
            if !titles.contains(title) {
                titles.push(title.clone());
            }
        }
    }
    if titles.is_empty() && event == Event::Crashed {
        titles.push(run.outcome.words().to_owned());
    }
    let mut titles = titles.into_iter();
    let title = titles.next();
    let folder = run.folder.as_ref().map(|name| place.join(name));
    let console = folder.as_ref().map(|folder| tail(&folder.join("console.log")));
    let shown = if event == Event::Clean { None } else { console };
    let text = format!(
        "{}\n{}{}",
        run.detail,
        folder.map(|folder| format!("recorded in {}\n", folder.display())).unwrap_or_default(),
        shown.unwrap_or_default()
    );
    let made = attempt(commit, event, title, seconds, text.as_bytes());
    Attempt { also: titles.collect(), ..made }
}

/// The end of a file, as text.
fn tail(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(KEPT)..]).into_owned()
}

/// The sources of the kernels built so far.
pub(crate) fn sources_of(folder: &Path) -> BTreeSet<String> {
    read_sources(&folder.join(SOURCES))
}

fn read_sources(file: &Path) -> BTreeSet<String> {
    fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect()
}
