//! Which kernel, and on what machine: the options that the commands of the lab share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context as _;
use app_lab::{LabError, Limits};
use io_kernel_build::{BuildError, debian_kernel, unpacked};
use io_vm::{Kernel, Settings, VmError, probe};

use crate::commands::lab::build::stored_build;
use crate::failure::Failure;
use crate::output::message;

/// The folder in which the lab keeps kernels, builds and records.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct State {
    /// Folder for kernels, builds and records; the user's state folder unless given.
    #[arg(long = "state", value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl State {
    /// The folder.
    pub(crate) fn folder(&self) -> Result<PathBuf, Failure> {
        let folder =
            self.folder.clone().or_else(crate::commands::user_state_folder).ok_or_else(|| {
                Failure::usage(anyhow::anyhow!("there is no folder to keep things in"))
                    .hint("give one with --state DIR")
            })?;
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))
            .map_err(|error| Failure::usage(error).hint("name another folder with --state DIR"))?;
        // The kernel's build runs elsewhere, so the folder needs its whole name.
        Ok(folder.canonicalize().unwrap_or(folder))
    }
}

/// The machine.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct MachineOptions {
    /// Memory of the guest, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(64..))]
    memory: u32,

    /// CPUs of the guest.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    cpus: u32,

    /// Added to the kernel's command line.
    #[arg(long, value_name = "PARAMETERS", default_value = "", allow_hyphen_values = true)]
    append: String,

    /// Insert this kernel module and what it depends on at boot; may be given several times.
    #[arg(id = "inserted", long = "module", value_name = "NAME")]
    pub(crate) modules: Vec<String>,

    /// The emulator.
    #[arg(long, value_name = "PROGRAM", default_value = "qemu-system-x86_64")]
    qemu: PathBuf,

    /// How long the kernel may take to boot, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    boot_timeout: u64,
}

impl MachineOptions {
    /// The machine's settings; finds out how instructions can be executed here.
    pub(crate) fn settings(&self, stop: Arc<AtomicBool>) -> Result<Settings, Failure> {
        let accelerator = probe(&self.qemu).map_err(|error| lab_failure(error.into()))?;
        Ok(Settings {
            qemu: self.qemu.clone(),
            accelerator,
            memory: self.memory,
            cpus: self.cpus,
            command_line: self.append.clone(),
            stop,
        })
    }

    /// Limits with the time that a boot may take.
    pub(crate) fn limits(&self) -> Limits {
        Limits { boot: Duration::from_secs(self.boot_timeout), ..Limits::default() }
    }
}

/// The kernel that the user means: a file, a build of the lab, or a package of Debian.
pub(crate) fn find_kernel(
    name: &str,
    modules: Option<&Path>,
    state: &Path,
) -> Result<Kernel, Failure> {
    let path = Path::new(name);
    if path.is_file() {
        let image = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        return Ok(Kernel { image, modules: modules.map(Path::to_owned) });
    }
    if name.contains('/') {
        return Err(Failure::usage(anyhow::anyhow!("there is no kernel image {name}")));
    }
    if let Some(kernel) = stored_build(name, state)? {
        return Ok(kernel);
    }
    let folder = state.join("kernels");
    let found = match unpacked(name, &folder) {
        Some(kernel) => kernel,
        None => {
            message(&format!("downloading Debian's kernel {name}"));
            std::fs::create_dir_all(&folder)?;
            debian_kernel(name, &folder).map_err(build_failure)?
        }
    };
    Ok(Kernel { image: found.image, modules: found.modules })
}

/// What to do about an error of the lab.
pub(crate) fn lab_failure(error: LabError) -> Failure {
    let hint = match &error {
        LabError::Vm(VmError::NoQemu { .. }) => {
            Some("install it (on Debian: apt-get install qemu-system-x86), or name it with --qemu".into())
        }
        LabError::Vm(VmError::Module { .. }) => Some(
            "the kernel needs its modules: give their folder with --modules, or build the driver in"
                .into(),
        ),
        LabError::BootFailed { folder: Some(folder), .. } => Some(format!(
            "the console is in {}; `ktriage {}` explains it",
            folder.display(),
            folder.join("console.log").display()
        )),
        LabError::Io { cause, .. } if cause.kind() == std::io::ErrorKind::StorageFull => {
            Some("free some space, or keep the records elsewhere with --state DIR; the next call goes on from here".into())
        }
        LabError::Busy { .. } => {
            Some("wait for it to end, or keep this one's records elsewhere with --state DIR".into())
        }
        LabError::Emulator { .. } => {
            Some("this is QEMU's failure and not the kernel's: a guest with --cpus 1 does not have it".into())
        }
        LabError::Stopped => Some("the same call goes on from here".into()),
        _ => None,
    };
    let failure = match error {
        LabError::Reproducer { .. } | LabError::NotAReproducer { .. } => Failure::usage(error),
        error => Failure::lab(error),
    };
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// What to do about a kernel that cannot be had or built.
pub(in crate::commands) fn build_failure(error: BuildError) -> Failure {
    let hint = match &error {
        BuildError::NoPackage { .. } => Some(
            "names are a version and a flavour, such as 6.1, 6.1-cloud, 6.12-rt; `apt-get update` \
             refreshes the list of packages"
                .to_owned(),
        ),
        BuildError::NoProgram { package, .. } => Some(format!("apt-get install {package}")),
        BuildError::NoFragment { .. } => {
            let names: Vec<_> =
                io_kernel_build::FRAGMENTS.iter().map(|fragment| fragment.name).collect();
            Some(format!("there are {}; a file is given with --config FILE", names.join(", ")))
        }
        BuildError::Compile { log, .. } => {
            Some(format!("the whole output is in {}", log.display()))
        }
        BuildError::Io { cause, .. } if cause.kind() == std::io::ErrorKind::StorageFull => {
            Some("free some space, or build elsewhere with --state DIR".to_owned())
        }
        BuildError::Stopped => Some("the same call goes on from here".to_owned()),
        _ => None,
    };
    let failure = match &error {
        BuildError::NoFragment { .. } | BuildError::NotASource { .. } => Failure::usage(error),
        _ => Failure::lab(error),
    };
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
