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
            format!(
                "The tasks wait for {} {last}; what keeps it open is not shown.",
                article(&last)
            )
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
        1 => " 1 other wait of this scan ends elsewhere.".to_owned(),
        others => format!(" {others} other waits of this scan end elsewhere."),
    };
    Some(format!("{why}{rest} Chain: {}.", names.join(" -> ")))
}

/// The article of a grace period: `RCU`, `SRCU` and `expedited` are spoken with a vowel.
fn article(period: &str) -> &'static str {
    if period.starts_with("tasks-RCU") { "a" } else { "an" }
}

#[cfg(test)]
mod tests {
    use model::{EventId, Participant};

    use super::*;

    #[test]
    fn other_waits_are_counted_in_english() {
        for (elsewhere, said) in [
            (0, "is not shown. Chain: "),
            (1, "is not shown. 1 other wait of this scan ends elsewhere. Chain: "),
            (2, "is not shown. 2 other waits of this scan end elsewhere. Chain: "),
        ] {
            let found = F::Hung {
                event: EventId(0),
                chain: vec![Participant::Softirq { cpu: 1 }],
                end: E::Other,
                elsewhere,
                root: None,
            };
            let text = sentence(&found).unwrap();
            assert!(text.contains(said), "{text}");
        }
    }

    #[test]
    fn articles_follow_the_sound() {
        for (period, with) in [
            ("tasks-RCU grace period", "a"),
            ("RCU grace period", "an"),
            ("SRCU grace period", "an"),
            ("expedited RCU grace period", "an"),
        ] {
            assert_eq!(article(period), with, "{period}");
        }
    }
}
