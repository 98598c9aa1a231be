//! The kernels on which faults are recorded, and what each can show: `kernels.toml`.

use serde::Deserialize;

use crate::error::FaultError;

/// Something that decides whether and how a fault shows itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// `PREEMPT_RT`: spinlocks sleep, softirqs are preempted.
    Rt,
    /// `NUMA`: allocations name nodes.
    Numa,
    /// `KFENCE`, sampled by `kfence.sample_interval=`.
    Kfence,
    /// `PROVE_LOCKING` and `PROVE_RCU`.
    Lockdep,
    /// `KASAN`.
    Kasan,
    /// `DEBUG_ATOMIC_SLEEP`.
    AtomicSleep,
    /// The workqueue code names work items that leak locks or RCU readers (6.9 and later).
    WorkqueueLeakCheck,
    /// The workqueue code lends the CPU of a hog to another worker (6.6 and later), and the kernel is
    /// preemptible, so that it gets it.
    WorkqueueSplitsHogs,
    /// A hard-lockup detector that works without performance counters: one CPU watches the next.
    BuddyWatchdog,
}

/// A kernel that faults are recorded on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownKernel {
    /// Its name here, such as `debian-6.12-rt`.
    pub name: String,
    /// What it can show.
    pub features: Vec<Feature>,
    /// Memory that it needs, in MiB.
    pub memory_mib: u32,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a kernel comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Origin {
    /// Debian's packages for a series ("6.12") and a flavour ("cloud").
    Debian {
        /// The series.
        series: String,
        /// The flavour.
        flavour: String,
    },
    /// Built by the lab from a series' source with a fragment of settings.
    Lab {
        /// The series.
        series: String,
        /// Lines of a `.config`, applied to an otherwise empty one.
        settings: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kernel: Vec<KnownKernel>,
}

/// The table.
///
/// # Errors
/// When the table that was built in is not as it should be.
pub fn known_kernels() -> Result<Vec<KnownKernel>, FaultError> {
    let file: File = toml::from_str(include_str!("../kernels.toml")).map_err(|error| {
        FaultError::Definition { name: "kernels.toml".into(), reason: error.to_string() }
    })?;
    Ok(file.kernel)
}
