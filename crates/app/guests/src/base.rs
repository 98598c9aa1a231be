//! A booted kernel with the executor waiting, as a snapshot.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use guest_programs::{Layout, Region};
use io_vm::{
    EXECUTOR_PATH, Event, GuestFile, Initramfs, Kernel, Machine, Settings, SharedMemory, Snapshot,
};

use crate::error::GuestError;
use crate::guest::Guest;

/// How programs are kept from the rest of their guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sandbox {
    /// As root, in namespaces of their own.
    #[default]
    None,
    /// As nobody.
    Setuid,
    /// As root of a user namespace.
    Namespace,
}

impl Sandbox {
    /// All, by their names in the options of published programs.
    pub const NAMES: &[(&str, Self)] =
        &[("none", Self::None), ("setuid", Self::Setuid), ("namespace", Self::Namespace)];

    /// The name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, sandbox)| *sandbox == self).map_or("none", |(name, _)| name)
    }
}

/// The kernel's command line of a guest that fuzzes, after that of every machine.
///
/// - `oops`, `panic_on_warn`, `softlockup_panic`, `hung_task_panic`: a crash ends the machine at once.
/// - `loglevel=5`: warnings and worse; a serial line is slow under emulation.
/// - `tsc`: the only clock that an emulated guest reads without leaving it.
/// - `rcu_expedited`: programs wait for grace periods all the time.
pub const COMMAND_LINE: &str = "oops=panic panic_on_warn=1 softlockup_panic=1 hung_task_panic=1 \
                                loglevel=5 tsc=reliable clocksource=tsc rcupdate.rcu_expedited=1 \
                                random.trust_cpu=on no_timer_check net.ifnames=0 audit=0 \
                                mitigations=off";

/// How guests are made.
#[derive(Clone, Debug)]
pub struct Design {
    /// The machine. [`COMMAND_LINE`] is put before its own.
    pub settings: Settings,
    /// The kernel.
    pub kernel: Kernel,
    /// Kernel modules to insert at boot, by name.
    pub modules: Vec<String>,
    /// Kernel modules of our own to insert after the boot: files of the host.
    pub inserted: Vec<PathBuf>,
    /// How programs are kept in.
    pub sandbox: Sandbox,
    /// Processes that run programs at the same time.
    pub lanes: u32,
    /// How long the boot may take.
    pub boot: Duration,
}

/// A booted kernel with the executor waiting. Can be shared between threads.
#[derive(Clone, Debug)]
pub struct Base {
    snapshot: Snapshot,
    layout: Layout,
    settings: Settings,
    features: u64,
    release: String,
    ready_after: Duration,
}

/// How long the executor may take to look around, under slow emulation.
const EXECUTOR: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(2);

impl Base {
    /// Boots the kernel and starts the executor.
    ///
    /// # Errors
    /// When the kernel does not boot, or the executor does not start.
    pub fn boot(design: &Design) -> Result<Self, GuestError> {
        let start = Instant::now();
        let layout = Layout::usual(design.lanes);
        if !layout.is_valid() {
            return Err(guest_programs::RegionError::Layout.into());
        }
        let shared = Arc::new(SharedMemory::new(layout.device_length())?);
        let region = Region::prepare(shared.words(), layout)?;
        let mut files = vec![GuestFile::executor()];
        for (number, module) in design.inserted.iter().enumerate() {
            files.push(GuestFile::read(module, inserted_path(number), 0o644)?);
        }
        let initramfs = Initramfs::build(&design.kernel, &design.modules, &files)?;
        let mut settings = design.settings.clone();
        settings.command_line = format!("{COMMAND_LINE} {}", settings.command_line);
        let mut machine = Machine::boot_sharing(
            &settings,
            &design.kernel,
            &initramfs,
            Some(Arc::clone(&shared)),
        )?;
        let ready = machine.wait_ready(design.boot).map_err(|error| not_booted(&machine, error))?;
        for number in 0..design.inserted.len() {
            machine.insert_module(&inserted_path(number), "", EXECUTOR)?;
        }
        let arguments = [EXECUTOR_PATH.to_owned(), design.sandbox.name().to_owned()];
        // Arenas for each thread would take more room than its programs.
        let environment = ["MALLOC_ARENA_MAX=1".to_owned()];
        machine.start_program(&arguments, &environment, "/", EXECUTOR)?;
        let features = wait_for_executor(&mut machine, &region)?;
        let ready_after = start.elapsed();
        let snapshot = machine.into_snapshot()?;
        Ok(Self { snapshot, layout, settings, features, release: ready.release, ready_after })
    }

    /// Starts a guest.
    ///
    /// # Errors
    /// When the machine cannot be started.
    pub fn start(&self) -> Result<Guest, GuestError> {
        let shared = Arc::new(SharedMemory::new(self.layout.device_length())?);
        let region = Region::prepare(shared.words(), self.layout)?;
        if let Some(old) = self.snapshot.shared() {
            region.take_over(&Region::open(old.words())?)?;
        }
        let machine = self.snapshot.start_sharing(Some(Arc::clone(&shared)))?;
        Guest::new(machine, shared, self.layout, self.settings.clone())
    }

    /// What kernel and executor have, as bits of `guest_programs::features`.
    pub const fn features(&self) -> u64 {
        self.features
    }

    /// The kernel's release.
    pub fn release(&self) -> &str {
        &self.release
    }

    /// The kernel.
    pub fn kernel(&self) -> &Kernel {
        self.snapshot.kernel()
    }

    /// The machine.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Processes that run programs at the same time in each guest.
    pub const fn lanes(&self) -> u32 {
        self.layout.lanes
    }

    /// From the start of the machine to the executor's first word.
    pub const fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// The console up to the snapshot.
    pub fn console(&self) -> Vec<u8> {
        self.snapshot.console().bytes()
    }
}

fn inserted_path(number: usize) -> String {
    format!("/lab/inserted/{number}.ko")
}

fn not_booted(machine: &Machine, error: io_vm::VmError) -> GuestError {
    match error {
        error @ (io_vm::VmError::Stopped | io_vm::VmError::NoQemu { .. }) => error.into(),
        error => GuestError::NotBooted {
            reason: error.to_string(),
            console: machine.records().console().bytes(),
        },
    }
}

fn wait_for_executor(machine: &mut Machine, region: &Region<'_>) -> Result<u64, GuestError> {
    let deadline = Instant::now() + EXECUTOR;
    let lanes = (0..region.layout().lanes).map(|lane| region.host_lane(lane));
    let lanes = lanes.collect::<Result<Vec<_>, _>>()?;
    let silent = |machine: &Machine| GuestError::NoExecutor {
        after: EXECUTOR,
        words: String::from_utf8_lossy(&machine.records().error().bytes()).into_owned(),
    };
    loop {
        if let Some(features) = region.features()?
            && lanes.iter().all(|lane| lane.beats(region) > 2)
        {
            return Ok(features);
        }
        match machine.next_event(Instant::now() + POLL)? {
            Some(Event::Exited { .. }) => return Err(silent(machine)),
            Some(Event::Shutdown(reason) | Event::Ended(reason) | Event::LinkLost(reason)) => {
                let console = machine.records().console().bytes();
                return Err(GuestError::NotBooted { reason, console });
            }
            _ if Instant::now() > deadline => return Err(silent(machine)),
            _ => {}
        }
    }
}
