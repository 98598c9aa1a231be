//! Which kernel the guests of a fuzzer run, and how.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::anyhow;
use app_guests::{Base, Design, Sandbox};

use crate::commands::lab::kernel::{MachineOptions, State, find_kernel};
use crate::failure::Failure;
use crate::output::message;

/// The guests.
#[derive(clap::Args, Debug)]
pub(super) struct Guests {
    /// A kernel image, the name of a build of the lab, or a kernel of Debian by version and flavour.
    #[arg(long, value_name = "KERNEL")]
    kernel: String,

    /// The folder lib/modules/RELEASE of a kernel image.
    #[arg(long, value_name = "DIR")]
    modules: Option<PathBuf>,

    /// Insert this file of a kernel module after the boot; may be given several times.
    #[arg(id = "inserted_files", long = "insert", value_name = "FILE.ko")]
    inserted: Vec<PathBuf>,

    /// Processes that run programs in each guest.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(super) procs: u32,

    /// Who runs the programs: none (root in namespaces), setuid (nobody), namespace (root of a user namespace).
    #[arg(long, value_name = "NAME", default_value = "none", value_parser = ["none", "setuid", "namespace"])]
    sandbox: String,

    #[command(flatten)]
    machine: MachineOptions,

    #[command(flatten)]
    state: State,
}

impl Guests {
    /// Boots the kernel once; guests start from there.
    pub(super) fn boot(&self, stop: Arc<AtomicBool>) -> Result<Base, Failure> {
        let sandbox = Sandbox::NAMES.iter().find(|(name, _)| *name == self.sandbox);
        let kernel = find_kernel(&self.kernel, self.modules.as_deref(), &self.state.folder()?)?;
        let design = Design {
            settings: self.machine.settings(stop)?,
            kernel,
            modules: self.machine.modules.clone(),
            inserted: self.inserted.clone(),
            sandbox: sandbox.map_or(Sandbox::None, |(_, sandbox)| *sandbox),
            lanes: self.procs,
            boot: self.machine.limits().boot,
        };
        let base = Base::boot(&design).map_err(|error| {
            Failure::lab(anyhow!(error)).hint(
                "the kernel needs CONFIG_KCOV: `ktriage lab build TREE --with fuzz` makes one",
            )
        })?;
        message(&format!(
            "{}: ready after {:.1} s",
            base.release(),
            base.ready_after().as_secs_f64()
        ));
        Ok(base)
    }
}
