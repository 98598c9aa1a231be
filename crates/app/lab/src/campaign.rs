//! Many runs of one reproducer on one kernel: from a snapshot or cold, in parallel, recorded as they
//! end, resumed where an earlier call stopped.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use io_vm::{Initramfs, Kernel, Settings, Snapshot};

use crate::emulator::TRIES;
use crate::error::LabError;
use crate::reproducer::{Action, Prepared};
use crate::session::{Limits, boot_and, boot_machine, run_once};
use crate::starts::{Start, start_of};
use crate::stored::{Outcome, StoredRun};

/// What to run, how, and how often.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The kernel.
    pub kernel: Kernel,
    /// The machine.
    pub settings: Settings,
    /// Kernel modules to insert before the agent starts, without their dependencies.
    pub modules: Vec<String>,
    /// The reproducer.
    pub prepared: Prepared,
    /// How long things may take.
    pub limits: Limits,
    /// How many runs.
    pub runs: u32,
    /// How many machines at once.
    pub jobs: u32,
    /// Boot for each run, instead of starting each from one snapshot.
    pub cold: bool,
    /// The folder in which campaigns are recorded.
    pub folder: PathBuf,
}

/// What happens while a campaign is under way.
#[derive(Clone, Debug)]
pub enum Progress {
    /// An earlier call was interrupted; this many of its runs are taken over.
    Resumed(u32),
    /// The kernel is up and a snapshot is taken.
    Booted {
        /// The kernel's release.
        release: String,
        /// From QEMU's start to the agent's first words.
        after: Duration,
    },
    /// The emulator failed while booting, and the machine is started anew.
    Retried(String),
    /// A run has ended.
    Run(StoredRun),
}

/// A finished campaign.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The runs, in the order of their numbers.
    pub runs: Vec<StoredRun>,
    /// Where it is recorded.
    pub folder: PathBuf,
}

/// Carries out a plan.
///
/// A kernel that does not boot is not an error: the campaign then has one run, with that outcome.
///
/// # Errors
/// When the lab fails as a whole, the record cannot be written, or the user stops it. What was done
/// until then is recorded, and the next call with the same plan goes on from there.
pub fn run_campaign(plan: &Plan, progress: &mut dyn FnMut(Progress)) -> Result<Campaign, LabError> {
    let (folder, _lock) = claim_folder(plan)?;
    let results = folder.join("results.jsonl");
    let mut runs = read_results(&results);
    if !runs.is_empty() {
        progress(Progress::Resumed(u32::try_from(runs.len()).unwrap_or(u32::MAX)));
    }
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&results)
        .map_err(LabError::io(format!("write {}", results.display())))?;
    // A line that was cut off by a sudden end must not spoil the next one.
    write_line(&mut file, &results, "")?;
    let due: Vec<u32> =
        (1..=plan.runs).filter(|run| !runs.iter().any(|done| done.run == *run)).collect();
    let initramfs = Initramfs::build(&plan.kernel, &plan.modules, &plan.prepared.files)?;
    // A snapshot that an earlier call took is gone; the next ones have numbers of their own.
    let last_snapshot = runs.iter().filter_map(|run| run.snapshot).max().unwrap_or(0);
    let mut keep = |run: StoredRun, progress: &mut dyn FnMut(Progress)| -> Result<(), LabError> {
        let line = serde_json::to_string(&run)
            .map_err(|error| LabError::io("write a result")(error.into()))?;
        write_line(&mut file, &results, &line)?;
        progress(Progress::Run(run.clone()));
        runs.push(run);
        Ok(())
    };
    let mut taken = last_snapshot;
    for group in due.chunk_by(|a, b| start(plan, *a).group == start(plan, *b).group) {
        let snapshot = match group.iter().find(|run| !start(plan, **run).boots) {
            None => None,
            Some(first) => {
                match snapshot_after_boot(plan, &initramfs, &folder.join("boot"), progress) {
                    Ok(snapshot) => {
                        taken += 1;
                        Some((snapshot, taken))
                    }
                    Err(LabError::BootFailed { reason, .. }) => {
                        keep(failed_boot(*first, reason, Some("boot".into())), progress)?;
                        return finish(runs, folder);
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        let one = |run: u32| {
            let from = snapshot.as_ref().filter(|_| !start(plan, run).boots);
            let result =
                one_run(plan, from.map(|(snapshot, _)| snapshot), &initramfs, &folder, run);
            result.map(|result| StoredRun { snapshot: from.map(|(_, number)| *number), ..result })
        };
        side_by_side(plan, group, one, &mut |run| keep(run, progress))?;
    }
    finish(runs, folder)
}

/// From what a run of the plan starts.
fn start(plan: &Plan, run: u32) -> Start {
    start_of(run, plan.runs, plan.cold)
}

/// Does the runs of a group on as many machines as the plan wants.
fn side_by_side(
    plan: &Plan,
    group: &[u32],
    one: impl Fn(u32) -> Result<StoredRun, LabError> + Sync,
    keep: &mut dyn FnMut(StoredRun) -> Result<(), LabError>,
) -> Result<(), LabError> {
    let queue = Mutex::new(group.iter().copied());
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| -> Result<(), LabError> {
        for _ in 0..plan.jobs.max(1) {
            let (sender, queue, one) = (sender.clone(), &queue, &one);
            scope.spawn(move || {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(run) = next else { return };
                    let result = one(run);
                    let failed = result.is_err();
                    if sender.send(result).is_err() || failed {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut first_error = None;
        for result in receiver {
            match result {
                Ok(run) => {
                    if let Err(error) = keep(run) {
                        first_error.get_or_insert(error);
                    }
                }
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
            if first_error.is_some() {
                // The others are told to stop; what they were doing is done again next time.
                queue.lock().unwrap_or_else(PoisonError::into_inner).by_ref().for_each(drop);
                plan.settings.stop.store(true, Ordering::Relaxed);
            }
        }
        first_error.map_or(Ok(()), Err)
    })
}

fn finish(mut runs: Vec<StoredRun>, folder: PathBuf) -> Result<Campaign, LabError> {
    runs.sort_by_key(|run| run.run);
    let mark = folder.join("complete");
    fs::write(&mark, "").map_err(LabError::io(format!("write {}", mark.display())))?;
    Ok(Campaign { runs, folder })
}

/// Boots the kernel of `plan` and takes a snapshot from which any number of runs start. The boot is
/// recorded in `folder` when it fails.
///
/// # Errors
/// [`LabError::BootFailed`] when the kernel does not come up, or dies before the snapshot; other errors are the
/// lab's.
pub fn snapshot_after_boot(
    plan: &Plan,
    initramfs: &Initramfs,
    folder: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Snapshot, LabError> {
    let start = Instant::now();
    let mut after = Duration::ZERO;
    let (machine, ready) = boot_and(
        &plan.settings,
        &plan.kernel,
        initramfs,
        &plan.limits,
        Some(folder),
        // Boots of an emulated machine resemble each other: the moment of the snapshot is varied too.
        &mut |machine| {
            after = start.elapsed();
            machine.vary(io_vm::random_seed()?, plan.limits.hang)
        },
        &mut |reason| progress(Progress::Retried(reason.to_owned())),
    )?;
    progress(Progress::Booted { release: ready.release, after });
    Ok(machine.into_snapshot()?)
}

/// One run of the plan's reproducer, from a snapshot or from a boot of its own, recorded in
/// `folder/run-RUN`. One that the emulator spoiled is tried again, and its detail says so.
///
/// # Errors
/// Only [`LabError::Stopped`], and when the record cannot be written.
pub fn one_run(
    plan: &Plan,
    snapshot: Option<&Snapshot>,
    initramfs: &Initramfs,
    folder: &Path,
    run: u32,
) -> Result<StoredRun, LabError> {
    let mut spoiled = Vec::new();
    loop {
        let (mut stored, emulator_failed) = one_try(plan, snapshot, initramfs, folder, run)?;
        if emulator_failed && spoiled.len() as u32 + 1 < TRIES {
            spoiled.push(stored.detail);
            continue;
        }
        if let Some(first) = spoiled.first() {
            stored.detail = format!(
                "{} (tried again after {} infrastructure errors: {first})",
                stored.detail,
                spoiled.len()
            );
        }
        return Ok(stored);
    }
}

/// A run, and whether the emulator spoiled it.
fn one_try(
    plan: &Plan,
    snapshot: Option<&Snapshot>,
    initramfs: &Initramfs,
    folder: &Path,
    run: u32,
) -> Result<(StoredRun, bool), LabError> {
    let name = format!("run-{run}");
    let place = folder.join(&name);
    let (mut machine, mark) = match snapshot {
        Some(snapshot) => {
            let mut machine = match snapshot.start() {
                Ok(machine) => machine,
                Err(io_vm::VmError::Stopped) => return Err(LabError::Stopped),
                Err(error) => return Ok((infrastructure_error(run, error.to_string()), false)),
            };
            match machine.wait_ready(plan.limits.boot) {
                Ok(_) => {}
                Err(io_vm::VmError::Stopped) => return Err(LabError::Stopped),
                Err(error) => {
                    let words = format!("after the snapshot: {error}");
                    return Ok((infrastructure_error(run, words), false));
                }
            }
            (machine, snapshot.console().length())
        }
        None => {
            let booted = boot_machine(
                &plan.settings,
                &plan.kernel,
                initramfs,
                &plan.limits,
                Some(&place),
                &mut |_| {},
            );
            match booted {
                Ok((machine, _)) => {
                    let mark = machine.records().console_length();
                    (machine, mark)
                }
                Err(LabError::BootFailed { reason, .. }) => {
                    return Ok((failed_boot(run, reason, Some(name)), false));
                }
                Err(error @ (LabError::Vm(_) | LabError::Emulator { .. })) => {
                    return Ok((infrastructure_error(run, error.to_string()), false));
                }
                Err(error) => return Err(error),
            }
        }
    };
    let seed = match snapshot {
        Some(_) => Some(io_vm::random_seed()?),
        None => None,
    };
    let result = run_once(&mut machine, &plan.prepared, &plan.limits, mark, seed, Some(&place))?;
    let emulator_failed = result.emulator_failed;
    Ok((result.stored(run, Some(name)), emulator_failed))
}

fn failed_boot(run: u32, detail: String, folder: Option<String>) -> StoredRun {
    StoredRun { folder, ..without_run(run, Outcome::BootFailed, detail) }
}

fn infrastructure_error(run: u32, detail: String) -> StoredRun {
    without_run(run, Outcome::InfrastructureError, detail)
}

/// A run that ended before the reproducer started.
fn without_run(run: u32, outcome: Outcome, detail: String) -> StoredRun {
    StoredRun {
        format: StoredRun::FORMAT,
        run,
        outcome,
        detail,
        crashes: Vec::new(),
        exit_status: None,
        signal: None,
        milliseconds: 0,
        folder: None,
        snapshot: None,
        seed: None,
    }
}

fn write_line(file: &mut File, path: &Path, line: &str) -> Result<(), LabError> {
    file.write_all(format!("{line}\n").as_bytes())
        .and_then(|()| file.flush())
        .map_err(LabError::io(format!("write {}", path.display())))
}

/// The runs of an interrupted campaign. Lines that a sudden end cut off are passed over: their runs
/// are done again.
fn read_results(path: &Path) -> Vec<StoredRun> {
    fs::read_to_string(path)
        .unwrap_or_default()
        .lines()
        .filter_map(|line| serde_json::from_str::<StoredRun>(line).ok())
        .filter(|run| run.format == StoredRun::FORMAT)
        .collect()
}

/// The folder of this campaign: that of an interrupted one with the same plan, or a new one. The
/// lock is held as long as the file is open, and gone with the process.
fn claim_folder(plan: &Plan) -> Result<(PathBuf, File), LabError> {
    let key = key_of(plan)?;
    for number in 1_u32.. {
        let folder = plan.folder.join(format!("{key}-{number}"));
        if folder.join("complete").exists() {
            continue;
        }
        fs::create_dir_all(&folder)
            .map_err(LabError::io(format!("make the folder {}", folder.display())))?;
        let path = folder.join("lock");
        let lock =
            File::create(&path).map_err(LabError::io(format!("write {}", path.display())))?;
        return match lock.try_lock() {
            Ok(()) => Ok((folder, lock)),
            Err(_) => Err(LabError::Busy { folder }),
        };
    }
    Err(LabError::Busy { folder: plan.folder.clone() })
}

/// Equal for plans whose runs are interchangeable.
fn key_of(plan: &Plan) -> Result<String, LabError> {
    let mut hash = blake3::Hasher::new();
    let image = &plan.kernel.image;
    let bytes = fs::read(image).map_err(LabError::io(format!("read {}", image.display())))?;
    let settings = &plan.settings;
    let limits = &plan.limits;
    let mut add = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    add(&bytes);
    add(settings.accelerator.name().as_bytes());
    add(settings.command_line.as_bytes());
    add(format!("{} {} {} {}", settings.memory, settings.cpus, plan.cold, plan.runs).as_bytes());
    add(format!("{limits:?} {:?}", plan.modules).as_bytes());
    add(match &plan.prepared.action {
        Action::Nothing => b"nothing".to_vec(),
        action => format!("{action:?}").into_bytes(),
    }
    .as_slice());
    for file in &plan.prepared.files {
        add(file.path.as_os_str().as_encoded_bytes());
        add(&file.content);
    }
    Ok(hash.finalize().to_hex()[..16].to_owned())
}
