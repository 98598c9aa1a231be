//! What a run ended with, from what was observed. Pure, so that each case has a test.

use analysis_identity::CrashReport;

use crate::stored::Outcome;

/// What was observed of a run.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The agent had been ready.
    pub booted: bool,
    /// Crash reports that the lab did not provoke.
    pub reports: Vec<CrashReport>,
    /// Why the guest ended by QEMU's word, such as `guest-reset`.
    pub shutdown: Option<String>,
    /// QEMU ended, with its status and last words.
    pub ended: Option<String>,
    /// Why the link to the agent broke.
    pub link_lost: Option<String>,
    /// The agent did not answer any more, for this many seconds.
    pub silent_seconds: Option<u64>,
    /// The lab itself failed.
    pub infrastructure_error: Option<String>,
    /// The emulator failed, and the first report is its doing.
    pub emulator_error: Option<String>,
    /// The reproducer still ran at the time limit.
    pub cut_short: bool,
    /// Exit status or signal of the reproducer.
    pub exit: Option<(Option<u32>, u32)>,
}

/// The outcome and one sentence on it.
///
/// The order is that of proof: a report on the console is there whatever happened later, unless the
/// emulator brought it; the lab's own failures say nothing about the kernel, so they come before what may
/// follow from them.
pub fn judge(observed: &Observed) -> (Outcome, String) {
    if let Some(words) = &observed.emulator_error {
        return (Outcome::InfrastructureError, words.clone());
    }
    if let Some(report) = observed.reports.first() {
        let outcome = if observed.booted { Outcome::Crashed } else { Outcome::BootFailed };
        let more = observed.reports.len() - 1;
        let detail = match more {
            0 => report.title.clone(),
            1 => format!("{} (and 1 more report)", report.title),
            more => format!("{} (and {more} more reports)", report.title),
        };
        return (outcome, detail);
    }
    if let Some(words) = &observed.infrastructure_error {
        return (Outcome::InfrastructureError, words.clone());
    }
    let not_booted = |what: String| (Outcome::BootFailed, what);
    if let Some(word) = &observed.shutdown {
        let what = match word.as_str() {
            "guest-reset" => "the guest rebooted without a report".to_owned(),
            "guest-shutdown" => "the guest switched itself off".to_owned(),
            "guest-panic" => "the guest panicked without a report".to_owned(),
            other => format!("the guest ended: {other}"),
        };
        return if observed.booted { (Outcome::LostConnection, what) } else { not_booted(what) };
    }
    if let Some(ended) = &observed.ended {
        return (Outcome::InfrastructureError, format!("QEMU ended by itself: {ended}"));
    }
    if let Some(reason) = &observed.link_lost {
        let what = format!("the link to the agent broke: {reason}");
        return if observed.booted { (Outcome::LostConnection, what) } else { not_booted(what) };
    }
    if let Some(seconds) = observed.silent_seconds {
        let what = format!("the guest's agent said nothing for {seconds} s");
        return if observed.booted { (Outcome::NoOutput, what) } else { not_booted(what) };
    }
    if !observed.booted {
        return not_booted("the agent was not heard".to_owned());
    }
    let detail = match observed.exit {
        _ if observed.cut_short => "the reproducer still ran at the time limit".to_owned(),
        Some((Some(status), _)) => format!("the reproducer ended with status {status}"),
        Some((None, signal)) => format!("the reproducer ended by signal {signal}"),
        None => "nothing was run".to_owned(),
    };
    (Outcome::Clean, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> CrashReport {
        let log = "[    1.000000] BUG: kernel NULL pointer dereference, address: 0000000000000010\n\
                   [    1.000001] RIP: 0010:sample_read+0x12/0x40\n\
                   [    1.000002] Call Trace:\n[    1.000003]  vfs_read+0x1/0x2\n";
        analysis_identity::read_log(log.as_bytes()).reports.remove(0)
    }

    #[test]
    fn each_observation_has_its_outcome() {
        let booted = || Observed { booted: true, ..Observed::default() };
        let not = Observed::default;
        for (observed, outcome) in [
            (booted(), Outcome::Clean),
            (Observed { exit: Some((Some(1), 0)), ..booted() }, Outcome::Clean),
            (Observed { cut_short: true, ..booted() }, Outcome::Clean),
            (Observed { reports: vec![report()], ..booted() }, Outcome::Crashed),
            (Observed { reports: vec![report()], ..not() }, Outcome::BootFailed),
            (not(), Outcome::BootFailed),
            (
                Observed { shutdown: Some("guest-reset".into()), ..booted() },
                Outcome::LostConnection,
            ),
            (Observed { shutdown: Some("guest-reset".into()), ..not() }, Outcome::BootFailed),
            (Observed { link_lost: Some("garbage".into()), ..booted() }, Outcome::LostConnection),
            (Observed { silent_seconds: Some(30), ..booted() }, Outcome::NoOutput),
            (Observed { silent_seconds: Some(30), ..not() }, Outcome::BootFailed),
            (Observed { ended: Some("signal 9".into()), ..booted() }, Outcome::InfrastructureError),
            (
                Observed { infrastructure_error: Some("no QEMU".into()), ..not() },
                Outcome::InfrastructureError,
            ),
            (
                Observed {
                    emulator_error: Some("int3".into()),
                    reports: vec![report()],
                    ..booted()
                },
                Outcome::InfrastructureError,
            ),
        ] {
            assert_eq!(judge(&observed).0, outcome, "{observed:?}");
        }
    }

    #[test]
    fn a_report_counts_though_the_guest_is_gone() {
        let observed = Observed {
            booted: true,
            reports: vec![report()],
            shutdown: Some("guest-reset".into()),
            ended: Some("exit status: 0".into()),
            link_lost: Some("closed".into()),
            ..Observed::default()
        };
        assert_eq!(judge(&observed).0, Outcome::Crashed);
    }
}
