//! From what each run of a campaign starts: runs of one snapshot share what the snapshot fixed, so a
//! campaign uses several, taken at different moments, and boots anew for a share of its runs.

use analysis_rates::Share;

use crate::stored::{Outcome, StoredRun};

/// Runs that share a snapshot, at most: with a boot that takes fifteen times a run's time, a campaign of
/// such groups still makes four times as many runs a minute as one that boots for each.
pub const RUNS_A_SNAPSHOT: u32 = 25;
/// Snapshots of a campaign, at most.
const SNAPSHOTS: u32 = 8;
/// From this many runs on, two snapshots are worth a second boot.
const WORTH_TWO: u32 = 4;
/// From this many runs in a group on, its first one boots for itself.
const WORTH_A_BOOT: u32 = 10;

/// A run's start, before it is known which snapshot that will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    /// Runs of one group are done side by side, and those that do not boot share a snapshot. Counted from 0.
    pub(crate) group: u32,
    /// The run boots for itself.
    pub(crate) boots: bool,
}

/// The start of run `run`, counted from 1, of `runs`.
pub(crate) fn start_of(run: u32, runs: u32, cold: bool) -> Start {
    if cold {
        return Start { group: 0, boots: true };
    }
    let groups = match runs < WORTH_TWO {
        true => 1,
        false => runs.div_ceil(RUNS_A_SNAPSHOT).clamp(2, SNAPSHOTS),
    };
    let group = |run: u32| (u64::from(run - 1) * u64::from(groups) / u64::from(runs)) as u32;
    let is_first = run == 1 || group(run - 1) != group(run);
    Start { group: group(run), boots: is_first && runs / groups >= WORTH_A_BOOT }
}

/// How often `failed` holds of the runs of each start that reached the reproducer: one entry for each
/// snapshot, and one for each boot.
pub fn shares(runs: &[StoredRun], failed: impl Fn(&StoredRun) -> bool) -> Vec<Share> {
    let mut snapshots: std::collections::BTreeMap<u32, Share> = std::collections::BTreeMap::new();
    let mut shares = Vec::new();
    for run in runs.iter().filter(|run| reached(run)) {
        let showed = u32::from(failed(run));
        match run.snapshot {
            None => shares.push(Share { showed, runs: 1 }),
            Some(snapshot) => {
                let share = snapshots.entry(snapshot).or_default();
                share.showed += showed;
                share.runs += 1;
            }
        }
    }
    shares.extend(snapshots.into_values());
    shares
}

/// Whether the run says something about the kernel with the reproducer.
pub fn reached(run: &StoredRun) -> bool {
    !matches!(
        run.outcome,
        Outcome::BootFailed | Outcome::BuildFailed | Outcome::InfrastructureError
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use analysis_rates::independent_starts;

    const fn snapshot(group: u32) -> Start {
        Start { group, boots: false }
    }

    fn starts(runs: u32) -> Vec<Start> {
        (1..=runs).map(|run| start_of(run, runs, false)).collect()
    }

    #[test]
    fn a_few_runs_share_one_snapshot_and_more_use_several() {
        assert_eq!(starts(3), [snapshot(0); 3]);
        assert_eq!(starts(4)[1..3], [snapshot(0), snapshot(1)]);
        let many = starts(200);
        let boots = many.iter().filter(|start| start.boots).count();
        assert_eq!(boots, 8);
        for group in 0..8 {
            assert_eq!(many.iter().filter(|start| **start == snapshot(group)).count(), 24);
        }
    }

    #[test]
    fn a_run_that_boots_for_itself_is_in_the_group_of_those_after_it() {
        for (at, pair) in starts(200).windows(2).enumerate() {
            assert!(!pair[0].boots || pair[1] == snapshot(pair[0].group), "{at}: {pair:?}");
            assert!(pair[1].boots == (pair[0].group != pair[1].group), "{at}: {pair:?}");
        }
    }

    #[test]
    fn cold_runs_boot_each() {
        assert!(start_of(5, 9, true).boots);
    }

    fn run(number: u32, outcome: Outcome, snapshot: Option<u32>) -> StoredRun {
        StoredRun {
            format: StoredRun::FORMAT,
            run: number,
            outcome,
            detail: String::new(),
            crashes: Vec::new(),
            exit_status: None,
            signal: None,
            milliseconds: 1,
            folder: None,
            snapshot,
            seed: None,
        }
    }

    #[test]
    fn runs_of_one_snapshot_that_end_alike_are_worth_one_start() {
        let crashed = |run: &StoredRun| run.outcome == Outcome::Crashed;
        let runs: Vec<StoredRun> = (1..=12)
            .map(|number| {
                let outcome = if number <= 6 { Outcome::Crashed } else { Outcome::Clean };
                run(number, outcome, Some((number - 1) / 6))
            })
            .collect();
        assert!((independent_starts(&shares(&runs, crashed)) - 2.0).abs() < 1e-9);
        // A failed boot says nothing about the reproducer.
        let lost = [run(1, Outcome::BootFailed, None), run(2, Outcome::Crashed, None)];
        assert!((independent_starts(&shares(&lost, crashed)) - 1.0).abs() < 1e-9);
    }
}
