//! Where the chains of hung tasks end.

use model::{ChainEnd as E, Finding as F};

use super::waits::participant;

pub(super) fn sentence(found: &F) -> Option<String> {
    let F::Hung { chain, end, elsewhere, root, .. } = found else { return None };
    let names: Vec<String> = chain.iter().map(participant).collect();
    let last = names.last().cloned().unwrap_or_default();
    let why = match end {
        E::TaskRuns => {
            format!("The chain ends at {last}, which is not blocked but running or ready to run.")
        }
        E::TaskIdle => {
            format!("The chain ends at {last}, which is idle: it cannot give back what it holds.")
        }
        E::TaskUnknown => {
            format!("The tasks wait for {last}; what that task waits for is not known.")
        }
        E::TaskNotShown => {
            format!("What is awaited is held by {last}, of which no stack was read in this log.")
        }
        E::Lock => {
            format!("The tasks wait for a lock ({last}) whose holder the log does not show.")
        }
        E::GracePeriod => {
            format!("The tasks wait for an {last}; what keeps it open is not shown.")
        }
        E::Device => format!(
            "The chain ends at the storage or device: {last}. The log does not show why it does not complete."
        ),
        E::UserSpace => format!("The chain leaves the kernel: {last}."),
        E::Cpu => format!("The chain ends at {last}, which does not get on."),
        E::Delay => {
            let who = root.as_ref().map_or_else(|| "the task".to_owned(), participant);
            format!(
                "{who} keeps the others waiting, or waits itself, in a delay that it asked for: it polls for something, or works slowly. The log does not show for what."
            )
        }
        E::Other => format!("The chain ends at {last}; who ends that is not shown."),
    };
    let rest = match elsewhere {
        0 => String::new(),
        others => format!(" {others} other waits of this scan end elsewhere."),
    };
    Some(format!("{why}{rest} Chain: {}.", names.join(" -> ")))
}
