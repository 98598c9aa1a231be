//! A lab of kernels: each tree is built, booted in a virtual machine and tested there.
//!
//! All trees are checked out at one path, so that `make` compiles in a copy of the base's build folder only
//! what the patches change.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use analysis_trial::{Build, BuildFailure, ChangedFunction, WorkloadKind};
use app_lab::{
    LabError, Limits, Outcome, Plan, Prepared, Progress as LabProgress, StoredRun as LabRun,
    boot_machine, run_campaign, run_once,
};
use io_git::Worktree;
use io_kernel_build::{BuildError, Recipe, build};
use io_vm::{Accelerator, Initramfs, Kernel, Settings, probe};

use crate::failure::{Failure, says_full};
use crate::keys::file_name;
use crate::lab::{Common, Job, Lab, NO_BOOT, Ran, Work};
use crate::progress::Progress;
use crate::reach;
use crate::record::{Event, StoredRun, write_whole};

/// What all kernels and machines of a trial have.
#[derive(Clone, Debug, Default)]
pub struct Machines {
    /// Pieces of configuration in every kernel.
    pub fragments: Vec<String>,
    /// Texts of more configuration.
    pub configs: Vec<String>,
    /// Arguments of the reproducers.
    pub arguments: Vec<String>,
    /// Memory of a guest, in MiB.
    pub memory: u32,
    /// CPUs of a guest.
    pub cpus: u32,
    /// Added to the kernel's command line.
    pub append: String,
    /// Machines at once.
    pub jobs: u32,
    /// The emulator.
    pub qemu: PathBuf,
}

/// File that names the tree of which a build folder was made.
const BUILT_OF: &str = "ktriage.tree";
/// File that names the base from whose build folder another one was copied.
const COPIED_FROM: &str = "ktriage.copied-from";
/// How often the caller's wish to stop is looked at.
const TICK: Duration = Duration::from_millis(100);

pub(crate) struct Kernels<'a> {
    common: Common<'a>,
    machines: Machines,
    accelerator: Accelerator,
    ccache: Option<PathBuf>,
    /// Reproducers, ready for the guest, by the key of their work.
    prepared: BTreeMap<String, Prepared>,
    source: Option<Worktree>,
}

impl<'a> Kernels<'a> {
    /// A lab for these works; each is made ready at once, so that one that cannot run is told early.
    pub(crate) fn new(
        common: Common<'a>,
        machines: Machines,
        works: &[Work],
        state: &Path,
    ) -> Result<Self, Failure> {
        let accelerator = probe(&machines.qemu).map_err(|error| {
            Failure::lab(error.to_string())
                .hint("install it (on Debian: apt-get install qemu-system-x86), or test with a command: --test CMD")
        })?;
        let mut prepared = BTreeMap::new();
        for work in works {
            prepared.insert(work.key.clone(), ready(work, &machines.arguments)?);
        }
        let ccache = app_lab::ccache(state);
        Ok(Self { common, machines, accelerator, ccache, prepared, source: None })
    }

    fn build_folder(&self, job: &Job<'_>) -> PathBuf {
        let side = if job.is_patched() { "patched" } else { "base" };
        self.common.folder.join(format!("build-{}-{side}", file_name(&job.cell.name)))
    }

    fn check_out(&mut self, job: &Job<'_>) -> Result<PathBuf, Failure> {
        let path = self.common.folder.join("tree-0");
        let moved = match &self.source {
            Some(tree) if path.join(".git").exists() => tree.checkout(job.commit),
            _ => {
                (self.common.tell)(&Progress::CheckingOut(job.commit.clone()));
                let tree = self.common.repository.worktree(&path, job.commit);
                tree.map(|tree| self.source = Some(tree))
            }
        };
        moved.map_err(Failure::from_error)?;
        path.canonicalize().map_err(|error| Failure::io("find", &path, &error))
    }

    /// Makes the build folder of a patched tree from that of its base. Whether it is one now.
    fn copy_base(&self, job: &Job<'_>, folder: &Path) -> Result<bool, Failure> {
        let Some((_, base_tree)) = job.base else { return Ok(false) };
        let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
        if read(folder.join(COPIED_FROM)) == base_tree {
            return Ok(true);
        }
        let base = self.build_folder(&Job { base: None, ..*job });
        if read(base.join(BUILT_OF)) != base_tree {
            return Ok(false);
        }
        let half = folder.with_extension("half");
        for old in [&half, &folder.to_owned()] {
            if old.exists() {
                fs::remove_dir_all(old).map_err(|error| Failure::io("remove", old, &error))?;
            }
        }
        // With times, or make would build everything anew; shared blocks where the file system can.
        let output = Command::new("cp")
            .args(["--archive", "--reflink=auto", "--"])
            .args([&base, &half])
            .env("LC_ALL", "C")
            .output()
            .map_err(|error| Failure::io("copy", &base, &error))?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(
                Failure::lab(format!("cannot copy the base's build: {words}")).with_space_in_mind()
            );
        }
        write_whole(&half.join(COPIED_FROM), base_tree)?;
        fs::rename(&half, folder).map_err(|error| Failure::io("name", folder, &error))?;
        Ok(true)
    }

    fn settings(&self, flag: &Arc<AtomicBool>) -> Settings {
        Settings {
            qemu: self.machines.qemu.clone(),
            accelerator: self.accelerator,
            memory: self.machines.memory,
            cpus: self.machines.cpus,
            command_line: self.machines.append.clone(),
            stop: Arc::clone(flag),
        }
    }

    fn limits(&self) -> Limits {
        Limits { run: Duration::from_secs(self.common.run_seconds), ..Limits::default() }
    }

    /// The job's kernel, built again where it was lost.
    fn kernel(&mut self, job: &Job<'_>, stop: &AtomicBool) -> Result<Kernel, Failure> {
        let image = job.folder.join("bzImage");
        if !image.is_file()
            && let Build::Failed(failure) = self.build(job, stop)?
        {
            return Err(Failure::lab(format!(
                "{} was built before and does not build any more: {}",
                job.commit.short(),
                failure.message
            )));
        }
        Ok(Kernel { image, modules: None })
    }

    fn boots(
        &mut self,
        job: &Job<'_>,
        work: &Work,
        count: u32,
        stop: &AtomicBool,
        keep: &mut dyn FnMut(StoredRun) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let kernel = self.kernel(job, stop)?;
        let nothing = Prepared::nothing();
        let initramfs = Initramfs::build(&kernel, &[], &[]).map_err(Failure::from_error)?;
        let limits = Limits { settle: Duration::from_millis(500), ..self.limits() };
        for _ in 0..count {
            let place = next_folder(&job.folder.join(&work.key), "boot");
            let start = Instant::now();
            let booted = watched(stop, |flag| {
                let settings = self.settings(flag);
                let mut lost =
                    |reason: &str| (self.common.tell)(&Progress::Lost(reason.to_owned()));
                let (mut machine, _) =
                    boot_machine(&settings, &kernel, &initramfs, &limits, Some(&place), &mut lost)?;
                // The reports of a boot count from its first line.
                run_once(&mut machine, &nothing, &limits, 0, None, Some(&place))
            });
            let seconds = start.elapsed().as_secs_f64();
            let run = match booted {
                Ok(result) => of_run(&result.stored(0, None), seconds),
                Err(LabError::BootFailed { .. }) => {
                    let console = fs::read(place.join("console.log")).unwrap_or_default();
                    let mut titles = vec![NO_BOOT.to_owned()];
                    let reports = analysis_identity::read_log(&console).reports;
                    titles.extend(reports.into_iter().map(|report| report.title));
                    StoredRun::new(Event::Failed, titles, seconds)
                }
                Err(LabError::Stopped) => return Err(Failure::stopped()),
                Err(error) => lost(&self.common, &error, seconds)?,
            };
            keep(StoredRun { record: Some(place), ..run })?;
        }
        Ok(())
    }
}

/// A run that the lab lost; an error that more runs cannot mend ends the trial.
fn lost(common: &Common<'_>, error: &LabError, seconds: f64) -> Result<StoredRun, Failure> {
    let text = error.to_string();
    if let LabError::Io { .. } = error {
        return Err(Failure::lab(text).with_space_in_mind());
    }
    (common.tell)(&Progress::Lost(text));
    Ok(StoredRun::new(Event::Lost, Vec::new(), seconds))
}

impl Lab for Kernels<'_> {
    fn build(&mut self, job: &Job<'_>, stop: &AtomicBool) -> Result<Build, Failure> {
        let folder = self.build_folder(job);
        let from_base = self.copy_base(job, &folder)?;
        let tree = self.check_out(job)?;
        let mark = folder.join(BUILT_OF);
        // From here on the folder is of no tree, until the build has ended.
        if mark.exists() {
            fs::remove_file(&mark).map_err(|error| Failure::io("remove", &mark, &error))?;
        }
        let recipe = Recipe {
            tree: tree.clone(),
            folder: folder.clone(),
            fragments: [self.machines.fragments.as_slice(), &job.cell.fragments].concat(),
            more: self.machines.configs.clone(),
            modules: false,
            ccache: self.ccache.clone(),
            jobs: app_lab::cpus(),
        };
        let limit = Duration::from_secs(self.common.build_seconds);
        let start = Instant::now();
        let late = AtomicBool::new(false);
        let built = watched(stop, |flag| {
            build(&recipe, flag, |_| {
                if start.elapsed() > limit {
                    late.store(true, Ordering::Relaxed);
                    flag.store(true, Ordering::Relaxed);
                }
            })
        });
        let built = match built {
            Ok(built) => built,
            Err(BuildError::Stopped) if late.load(Ordering::Relaxed) => {
                let message = format!("the build did not end within {} s", limit.as_secs());
                return Ok(Build::Failed(BuildFailure { message, ..BuildFailure::default() }));
            }
            Err(BuildError::Stopped) => return Err(Failure::stopped()),
            Err(BuildError::Compile { error, log }) => {
                let output = fs::read(&log).unwrap_or_default();
                if says_full(&String::from_utf8_lossy(&output)) {
                    let full = "No space left on device, while building the kernel";
                    return Err(Failure::lab(full).with_space_in_mind());
                }
                let kept = job.folder.join("build.log");
                fs::write(&kept, &output).map_err(|error| Failure::io("write", &kept, &error))?;
                return Ok(Build::Failed(BuildFailure {
                    file: error.file.map(|file| in_tree(&file, &tree)),
                    line: error.line,
                    message: error.message,
                    patch: None,
                    log: Some(kept.display().to_string()),
                }));
            }
            Err(error) => return Err(Failure::lab(error.to_string()).with_space_in_mind()),
        };
        keep_image(&built.image, &job.folder.join("bzImage"))?;
        write_whole(&mark, job.tree)?;
        Ok(Build::Done {
            seconds: built.duration.as_secs_f64(),
            signature: Some(built.signature),
            from_base,
        })
    }

    fn run(
        &mut self,
        job: &Job<'_>,
        work: &Work,
        count: u32,
        stop: &AtomicBool,
        keep: &mut dyn FnMut(StoredRun) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if work.kind == WorkloadKind::Boot {
            return self.boots(job, work, count, stop, keep);
        }
        let kernel = self.kernel(job, stop)?;
        let folder = next_folder(&job.folder.join(&work.key), "batch");
        // Snapshots of another batch are other snapshots.
        let number = folder.to_string_lossy().rsplit('-').next().and_then(|n| n.parse().ok());
        let first: u32 = number.unwrap_or(0) * 1000;
        let prepared = self.prepared[&work.key].clone();
        let mut failed = None;
        let result = watched(stop, |flag| {
            let plan = Plan {
                kernel,
                settings: self.settings(flag),
                modules: Vec::new(),
                prepared,
                limits: self.limits(),
                runs: count,
                jobs: self.machines.jobs,
                cold: false,
                folder: folder.clone(),
            };
            run_campaign(&plan, &mut |progress| match progress {
                LabProgress::Run(run) if failed.is_none() => {
                    let place = run.folder.as_ref().and_then(|name| find_run(&folder, name));
                    let seconds = Duration::from_millis(run.milliseconds).as_secs_f64();
                    let mut kept = of_run(&run, seconds);
                    if work.kind == WorkloadKind::Smoke {
                        judge_smoke(&mut kept, &run, work, place.as_deref());
                    }
                    if kept.event == Event::Lost {
                        (self.common.tell)(&Progress::Lost(run.detail.clone()));
                    }
                    kept.snapshot = run.snapshot.map(|snapshot| first + snapshot);
                    kept.record = place;
                    if let Err(error) = keep(kept) {
                        failed = Some(error);
                        flag.store(true, Ordering::Relaxed);
                    }
                }
                LabProgress::Retried(reason) => (self.common.tell)(&Progress::Lost(reason)),
                _ => {}
            })
        });
        match (failed, result) {
            (Some(failure), _) => Err(failure),
            (None, Ok(_)) => Ok(()),
            (None, Err(LabError::Stopped)) => Err(Failure::stopped()),
            (None, Err(error)) => keep(lost(&self.common, &error, 0.0)?),
        }
    }

    fn reach(
        &mut self,
        job: &Job<'_>,
        work: &[&Work],
        functions: &[ChangedFunction],
        stop: &AtomicBool,
    ) -> Result<Result<Ran, String>, Failure> {
        if self.accelerator != Accelerator::Tcg {
            return Ok(Err(
                "instructions run on the processor here; with QEMU's own emulation the lab \
                           sees which are executed"
                    .into(),
            ));
        }
        let folder = self.build_folder(job);
        if fs::read_to_string(folder.join(BUILT_OF)).unwrap_or_default() != job.tree {
            return Ok(Err("the build folder holds another tree by now".into()));
        }
        let kernel = self.kernel(job, stop)?;
        let vmlinux = folder.join("vmlinux");
        let functions: Vec<String> = functions.iter().map(|one| one.name.clone()).collect();
        let place = job.folder.join("reach");
        let mut ran = Ran::default();
        let works: Vec<&Prepared> = work.iter().map(|one| &self.prepared[&one.key]).collect();
        for prepared in works {
            let seen = watched(stop, |flag| {
                let plan = Plan {
                    kernel: kernel.clone(),
                    settings: self.settings(flag),
                    modules: Vec::new(),
                    prepared: prepared.clone(),
                    limits: self.limits(),
                    runs: 1,
                    jobs: 1,
                    cold: false,
                    folder: place.clone(),
                };
                reach::watch(&plan, &vmlinux, &functions, &place)
            })?;
            match seen {
                Ok(seen) => reach::add(&mut ran, seen),
                Err(reason) => return Ok(Err(reason)),
            }
        }
        Ok(Ok(ran))
    }

    fn machine(&self) -> Option<String> {
        let machines = &self.machines;
        Some(format!(
            "QEMU ({}), {} CPUs, {} MiB",
            self.accelerator.name(),
            machines.cpus,
            machines.memory
        ))
    }
}

/// Makes a work ready for the guest.
fn ready(work: &Work, arguments: &[String]) -> Result<Prepared, Failure> {
    let path = match (&work.file, work.kind) {
        (_, WorkloadKind::Boot) => return Ok(Prepared::nothing()),
        (Some(path), _) => path.clone(),
        (None, _) => {
            // Our own smoke set.
            let folder = tempfile::tempdir().map_err(Failure::from_error)?;
            let path = folder.path().join("smoke.c");
            fs::write(&path, crate::smoke::SOURCE)
                .map_err(|error| Failure::io("write", &path, &error))?;
            return app_lab::prepare(&app_lab::Reproducer { path, ..Default::default() })
                .map_err(Failure::from_error);
        }
    };
    let arguments = match work.kind {
        WorkloadKind::Reproducer => arguments.to_vec(),
        _ => Vec::new(),
    };
    app_lab::prepare(&app_lab::Reproducer { path, arguments, files: Vec::new() })
        .map_err(Failure::from_error)
}

/// The first folder `NAME-N` below `folder` that is not there; an interrupted trial's stay as they are.
fn next_folder(folder: &Path, name: &str) -> PathBuf {
    (1..u32::MAX)
        .map(|number| folder.join(format!("{name}-{number}")))
        .find(|path| !path.exists())
        .unwrap_or_else(|| folder.to_owned())
}

/// The folder of a run: the campaign has one of its own below `folder`.
fn find_run(folder: &Path, name: &str) -> Option<PathBuf> {
    fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path().join(name))
        .find(|path| path.is_dir())
}

fn keep_image(built: &Path, image: &Path) -> Result<(), Failure> {
    // Under another name first: a kernel that is half written must never be booted.
    let half = image.with_extension("half");
    fs::copy(built, &half)
        .and_then(|_| fs::rename(&half, image))
        .map_err(|error| Failure::io("write", image, &error))
}

/// A file as the tree names it.
fn in_tree(file: &str, tree: &Path) -> String {
    let whole = format!("{}/", tree.display());
    file.strip_prefix(whole.as_str()).unwrap_or(file).trim_start_matches("../").to_owned()
}

/// What a run in a virtual machine means.
fn of_run(run: &LabRun, seconds: f64) -> StoredRun {
    let event = match run.outcome {
        Outcome::Clean => Event::Clean,
        // Without a report, but not without a failure.
        Outcome::Crashed | Outcome::NoOutput | Outcome::LostConnection => Event::Failed,
        Outcome::BootFailed | Outcome::BuildFailed | Outcome::InfrastructureError => Event::Lost,
    };
    let mut crashes = run.crashes.iter().map(|crash| {
        let all = std::iter::once(&crash.title).chain(&crash.alt_titles);
        all.cloned().collect::<Vec<String>>()
    });
    let mut titles = crashes.next().unwrap_or_default();
    if titles.is_empty() && event == Event::Failed {
        titles.push(run.outcome.words().to_owned());
    }
    let later = crashes.flatten().collect();
    StoredRun { later, ..StoredRun::new(event, titles, seconds) }
}

/// Exit statuses by which tests say that they do not apply: of our own set and automake, of LTP and of the
/// kernel's selftests.
const SKIPS: [u32; 3] = [77, 32, 4];

/// A smoke test fails by its exit status too.
fn judge_smoke(kept: &mut StoredRun, run: &LabRun, work: &Work, place: Option<&Path>) {
    if kept.event != Event::Clean {
        return;
    }
    let ended = match (run.exit_status, run.signal) {
        (Some(0) | None, None) => return,
        (Some(status), None) if SKIPS.contains(&status) => {
            kept.event = Event::Lost;
            return;
        }
        (_, Some(signal)) => format!("{}: killed by signal {signal}", work.name),
        (Some(status), None) => format!("{}: exit status {status}", work.name),
    };
    let output = place.map(|place| fs::read(place.join("output.log")).unwrap_or_default());
    let title = parse_test_output::title(&output.unwrap_or_default());
    kept.event = Event::Failed;
    kept.titles = vec![title.map_or(ended, |title| format!("{}: {title}", work.name))];
}

/// Does `work` with a flag of its own, while somebody looks whether the caller wants to stop.
fn watched<T>(stop: &AtomicBool, work: impl FnOnce(&Arc<AtomicBool>) -> T) -> T {
    let flag = Arc::new(AtomicBool::new(stop.load(Ordering::Relaxed)));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                if stop.load(Ordering::Relaxed) {
                    flag.store(true, Ordering::Relaxed);
                }
                thread::park_timeout(TICK);
            }
        });
        let result = work(&flag);
        done.store(true, Ordering::Relaxed);
        watcher.thread().unpark();
        result
    })
}
