//! Reports go out, in stages.

use std::collections::BTreeSet;

use analysis_tracker::is_set_aside;
use model::tracker::{
    Action, Bug, BugId, Change, Filter, Mail, Order, Read, ReproducerLevel, State,
};
use serde::Deserialize;

use super::receive::is_silenced;
use super::{Done, MailPolicy, daily};
use crate::{Error, Tracker};

/// Bugs that are looked at together.
const AT_ONCE: u64 = 1_000;
/// The label that says to which stage a bug was sent on.
const STAGE: &str = "stage";

/// A stage of reporting.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Where reports go.
    pub to: Vec<String>,
    /// Reports a day, at most.
    #[serde(default = "quota")]
    pub quota: u32,
    /// Hours that a bug must be known before it is reported.
    #[serde(default)]
    pub delay_hours: u32,
    /// Only bugs with a reproducer.
    #[serde(default)]
    pub reproducer: bool,
    /// Kinds of crashes that are not reported here.
    #[serde(default)]
    pub skip: BTreeSet<String>,
}

const fn quota() -> u32 {
    10
}

impl Stage {
    fn wants(&self, bug: &Bug, now: i64) -> bool {
        now - bug.created >= i64::from(self.delay_hours) * 3600
            && (!self.reproducer || bug.reproducer > ReproducerLevel::None)
            && !bug.kind.as_ref().is_some_and(|kind| self.skip.contains(kind))
            && !is_set_aside(&bug.title)
    }
}

/// A report to be written.
#[derive(Clone, Debug)]
pub struct Reporting<'a> {
    /// The bug.
    pub bug: &'a Bug,
    /// The stage.
    pub stage: &'a Stage,
    /// Who gets it.
    pub to: Vec<String>,
    /// The bug's own address.
    pub address: String,
    /// The Message-ID.
    pub message_id: String,
    /// Whether later stages follow.
    pub is_last: bool,
}

impl Tracker {
    /// Writes the reports that are due, those of the oldest bugs first. `compose` writes one as a whole mail. Gives the
    /// bugs.
    ///
    /// # Errors
    /// When the record cannot be read or written.
    pub fn report(
        &self,
        policy: &MailPolicy,
        now: i64,
        compose: &dyn Fn(&Reporting<'_>) -> Result<String, Error>,
    ) -> Result<Vec<BugId>, Error> {
        let mut reported = Vec::new();
        for (at, stage) in policy.stages.iter().enumerate() {
            let filter = Filter {
                states: vec![if at == 0 { State::New } else { State::Reported }],
                // To later stages somebody sends a bug on.
                label: (at > 0).then(|| format!("{STAGE}:{}", stage.name)),
                order: Order::Created,
                limit: AT_ONCE,
                ..Filter::default()
            };
            // The newest come first in an answer, so that it is read from its end.
            let mut end = self.read().bugs(&filter)?.total;
            while end > 0 && self.sent_today(stage, now)? < u64::from(stage.quota) {
                let offset = end.saturating_sub(AT_ONCE);
                let page = Filter { offset, limit: end - offset, ..filter.clone() };
                let bugs = self.read().bugs(&page)?.bugs;
                self.report_some(policy, at, &bugs, now, compose, &mut reported)?;
                end = offset;
            }
        }
        Ok(reported)
    }

    /// Reports those of some bugs, newest first, that are due at a stage.
    fn report_some(
        &self,
        policy: &MailPolicy,
        at: usize,
        bugs: &[Bug],
        now: i64,
        compose: &dyn Fn(&Reporting<'_>) -> Result<String, Error>,
        reported: &mut Vec<BugId>,
    ) -> Result<(), Error> {
        let Some(stage) = policy.stages.get(at) else { return Ok(()) };
        for bug in bugs.iter().rev() {
            if !stage.wants(bug, now) || self.was_reported(self.read(), policy, bug, stage)? {
                continue;
            }
            if self.sent_today(stage, now)? >= u64::from(stage.quota) {
                return Ok(());
            }
            let mut to = Vec::new();
            for address in &stage.to {
                if !is_silenced(self.read(), bug.id, address)? {
                    to.push(address.clone());
                }
            }
            // Nobody wants to hear of it.
            if to.is_empty() {
                continue;
            }
            let reporting = Reporting {
                bug,
                stage,
                to,
                address: policy.address(&bug.external),
                message_id: self.report_id(policy, bug, stage),
                is_last: at + 1 == policy.stages.len(),
            };
            // A diagnosis may take long: nobody must wait for it to write into the record.
            let text = compose(&reporting)?;
            if self.change(|change| self.send_report(change, policy, &reporting, &text, now))? {
                reported.push(bug.id);
            }
        }
        Ok(())
    }

    /// Whether a bug was reported at a stage. A mail that went out stays so when the report is undone; a report that
    /// somebody only told of does not.
    fn was_reported(
        &self,
        read: &dyn Read,
        policy: &MailPolicy,
        bug: &Bug,
        stage: &Stage,
    ) -> Result<bool, Error> {
        if read.mail(&self.report_id(policy, bug, stage))?.is_some() {
            return Ok(true);
        }
        let history = read.history(bug.id)?;
        let stands = |id: i64| {
            !history
                .iter()
                .any(|later| matches!(later.action, Action::Undo { entry } if entry == id))
        };
        Ok(history.iter().any(|entry| {
            matches!(&entry.action, Action::Report { stage: at, .. } if *at == stage.name)
                && stands(entry.id)
        }))
    }

    fn report_id(&self, policy: &MailPolicy, bug: &Bug, stage: &Stage) -> String {
        self.message_id(policy, &format!("report {} {}", bug.external, stage.name))
    }

    fn sent_today(&self, stage: &Stage, now: i64) -> Result<u64, Error> {
        Ok(daily::count(self.read(), &quota_key(stage), now)?)
    }

    /// Puts a report among the mails to be delivered; whether the bug still stands as it did when it was written.
    fn send_report(
        &self,
        change: &dyn Change,
        policy: &MailPolicy,
        reporting: &Reporting<'_>,
        text: &str,
        now: i64,
    ) -> Result<bool, Error> {
        let Reporting { bug, stage, message_id, .. } = reporting;
        let stands = change.bug(bug.id)?.is_some_and(|other| other.standing == bug.standing);
        if !stands || self.was_reported(change, policy, bug, stage)? {
            return Ok(false);
        }
        change.add_mail(&Mail {
            id: 0,
            bug: Some(bug.id),
            message_id: message_id.clone(),
            time: now,
            text: text.to_owned(),
            delivered: None,
        })?;
        daily::add(change, &quota_key(stage), now)?;
        let action =
            Action::Report { stage: stage.name.clone(), message_id: Some(message_id.clone()) };
        self.act_within(change, bug.id, &action, "ktriage", "", now).map(|_| true)
    }

    /// Sends a bug on to the next stage.
    pub(super) fn upstream(
        &self,
        change: &dyn Change,
        policy: &MailPolicy,
        bug: BugId,
        who: &str,
        now: i64,
    ) -> Result<Done, Error> {
        let own = change.bug(bug)?.ok_or_else(|| Error::NoBug(bug.to_string()))?;
        let mut next = None;
        for stage in policy.stages.iter().skip(1) {
            if !self.was_reported(change, policy, &own, stage)? {
                next = Some(stage);
                break;
            }
        }
        let Some(next) = next else {
            return Err(Error::Text("the bug was reported in the last stage already"));
        };
        let action = Action::Label { name: STAGE.into(), value: next.name.clone() };
        self.act_within(change, bug, &action, who, "", now).map(|_| Done::Changed)
    }
}

fn quota_key(stage: &Stage) -> String {
    format!("reports {}", stage.name)
}
