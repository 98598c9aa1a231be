//! A machine's state after boot, from which any number of machines start.
//!
//! The guest's memory stays where it is, in a file without a name; QEMU saves only its devices. A
//! machine that starts from the snapshot maps that memory privately: it copies the pages that it
//! writes and no others. So a start takes a fraction of a second, and costs what the run touches.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::error::VmError;
use crate::kernel::Kernel;
use crate::machine::{Machine, Origin, Settings, memory_file};
use crate::record::{Recording, Records};
use crate::shared::{self, SharedMemory};

/// A state to return to. Can be shared between threads.
#[derive(Clone, Debug)]
pub struct Snapshot {
    settings: Settings,
    kernel: Kernel,
    initramfs: Arc<OwnedFd>,
    memory: Arc<OwnedFd>,
    devices: Arc<OwnedFd>,
    console: Recording,
    age: Duration,
    /// The memory that the machine shared, and where its device lay.
    shared: Option<(Arc<SharedMemory>, u64)>,
}

/// How long QEMU may take to save or load its devices.
const LIMIT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(2);

impl Machine {
    /// Takes a snapshot and ends this machine. Nothing may be on its way over the agent's link.
    ///
    /// # Errors
    /// When QEMU has ended, refuses or does not finish.
    pub fn into_snapshot(mut self) -> Result<Snapshot, VmError> {
        self.command("stop", &Value::Null)?;
        keep_memory_apart(&mut self)?;
        let shared = match self.shared.clone() {
            Some(shared) => Some((shared, shared::device_address(&mut self)?)),
            None => None,
        };
        let devices = memory_file("ktriage-devices")?;
        self.pass_descriptor("devices", &devices)?;
        self.command("migrate", &json!({ "uri": "fd:devices" }))?;
        let deadline = Instant::now() + LIMIT;
        loop {
            let state = self.command("query-migrate", &Value::Null)?;
            match state.get("status").and_then(Value::as_str) {
                Some("completed") => break,
                Some(status @ ("failed" | "cancelled")) => {
                    let reason = state.get("error-desc").and_then(Value::as_str).unwrap_or(status);
                    return Err(VmError::Refused {
                        command: "migrate".into(),
                        reason: reason.to_owned(),
                    });
                }
                _ if Instant::now() > deadline => {
                    return Err(VmError::Silent { command: "migrate".into(), after: LIMIT });
                }
                _ => std::thread::sleep(PAUSE),
            }
        }
        let snapshot = Snapshot {
            settings: self.settings().clone(),
            kernel: self.kernel.clone(),
            initramfs: Arc::clone(&self.initramfs),
            memory: Arc::clone(&self.memory),
            devices: Arc::new(devices),
            console: self.records().console(),
            age: self.records().age(),
            shared,
        };
        self.kill();
        Ok(snapshot)
    }
}

impl Snapshot {
    /// Starts a machine from the snapshot. Its console record begins with the snapshot's.
    ///
    /// # Errors
    /// When QEMU cannot be started or cannot load the state.
    pub fn start(&self) -> Result<Machine, VmError> {
        self.start_sharing(None)
    }

    /// The memory that the machine of the snapshot shared with us, as it was.
    pub fn shared(&self) -> Option<&Arc<SharedMemory>> {
        self.shared.as_ref().map(|(shared, _)| shared)
    }

    /// As [`Snapshot::start`], for a machine that shared memory: it gets `shared` in its place, which must be
    /// as long.
    ///
    /// # Errors
    /// As there.
    pub fn start_sharing(&self, shared: Option<Arc<SharedMemory>>) -> Result<Machine, VmError> {
        let origin = Origin {
            kernel: self.kernel.clone(),
            initramfs: Arc::clone(&self.initramfs),
            memory: Arc::clone(&self.memory),
            private: true,
            records: Records::resumed(&self.console, self.age),
            shared: shared.or_else(|| self.shared().cloned()),
        };
        // Each reader needs a position of its own, so the file is opened anew.
        let devices: OwnedFd =
            std::fs::File::open(format!("/proc/self/fd/{}", self.devices.as_raw_fd()))
                .map_err(VmError::io("open the snapshot"))?
                .into();
        let mut machine = Machine::start(&self.settings, origin, &["-incoming", "defer"])?;
        keep_memory_apart(&mut machine)?;
        if let Some((_, address)) = self.shared {
            shared::place_device(&mut machine, address)?;
        }
        machine.pass_descriptor("devices", &devices)?;
        machine.command("migrate-incoming", &json!({ "uri": "fd:devices" }))?;
        let deadline = Instant::now() + LIMIT;
        loop {
            let state = machine.command("query-status", &Value::Null)?;
            match state.get("status").and_then(Value::as_str) {
                Some("inmigrate") if Instant::now() > deadline => {
                    return Err(VmError::Silent {
                        command: "migrate-incoming".into(),
                        after: LIMIT,
                    });
                }
                Some("inmigrate") => std::thread::sleep(PAUSE),
                // The machine was stopped when its state was saved.
                Some("running") => break,
                _ => {
                    machine.command("cont", &Value::Null)?;
                    break;
                }
            }
        }
        machine.greet()?;
        Ok(machine)
    }

    /// The kernel that runs in it.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// The console up to the snapshot.
    pub fn console(&self) -> &Recording {
        &self.console
    }

    /// The same snapshot for machines with another stop flag.
    #[must_use]
    pub fn with_stop(mut self, stop: Arc<std::sync::atomic::AtomicBool>) -> Self {
        self.settings.stop = stop;
        self
    }
}

/// Tells QEMU that the memory is not part of what it saves or loads.
fn keep_memory_apart(machine: &mut Machine) -> Result<(), VmError> {
    let capability = json!({ "capability": "x-ignore-shared", "state": true });
    machine.command("migrate-set-capabilities", &json!({ "capabilities": [capability] })).map(drop)
}
