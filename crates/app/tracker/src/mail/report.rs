//! Reports go out, in stages.

use std::collections::BTreeSet;

use model::tracker::{Action, Bug, BugId, Change, Filter, Mail, Order, ReproducerLevel, State};

use super::receive::is_silenced;
use super::{Done, MailPolicy};
use crate::{Error, Tracker};

/// Bugs that are looked through for those to report.
const LOOKED_AT: u64 = 1_000;
/// The label that says to which stage a bug was sent on.
const STAGE: &str = "stage";

/// A stage of reporting.
#[derive(Clone, Debug, Default)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Where reports go.
    pub to: Vec<String>,
    /// Reports a day, at most.
    pub quota: u32,
    /// Hours that a bug must be known before it is reported.
    pub delay_hours: u32,
    /// Only bugs with a reproducer.
    pub reproducer: bool,
    /// Kinds of crashes that are not reported here.
    pub skip: BTreeSet<String>,
}

impl Stage {
    fn wants(&self, bug: &Bug, now: i64) -> bool {
        now - bug.created >= i64::from(self.delay_hours) * 3600
            && (!self.reproducer || bug.reproducer > ReproducerLevel::None)
            && !bug.kind.as_ref().is_some_and(|kind| self.skip.contains(kind))
            && !matches!(&*bug.title, "corrupted report" | "suppressed report")
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
    /// Writes the reports that are due. `compose` writes one as a whole mail. Gives the bugs.
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
            let states = if at == 0 { vec![State::New] } else { vec![State::Reported] };
            let filter =
                Filter { states, order: Order::Created, limit: LOOKED_AT, ..Filter::default() };
            let mut bugs = self.read().bugs(&filter)?.bugs;
            bugs.reverse();
            for bug in bugs {
                if !stage.wants(&bug, now) || (at > 0 && !self.is_sent_on(&bug, stage)?) {
                    continue;
                }
                if self.sent_today(stage, now)? >= stage.quota {
                    break;
                }
                self.change(|change| {
                    self.report_one(change, policy, at, stage, &bug, now, compose)
                })?;
                reported.push(bug.id);
            }
        }
        Ok(reported)
    }

    /// Whether somebody sent a bug on to a stage, and it was not reported there yet.
    fn is_sent_on(&self, bug: &Bug, stage: &Stage) -> Result<bool, Error> {
        let labels = self.read().labels(bug.id)?;
        let sent = labels.iter().any(|(name, value)| name == STAGE && *value == stage.name);
        let done = self.read().history(bug.id)?.iter().any(
            |entry| matches!(&entry.action, Action::Report { stage: done, .. } if *done == stage.name),
        );
        Ok(sent && !done)
    }

    fn sent_today(&self, stage: &Stage, now: i64) -> Result<u32, Error> {
        let known = self.read().setting(&quota_key(stage))?;
        Ok(counted(known.as_deref(), now))
    }

    #[expect(clippy::too_many_arguments, reason = "one report with all that it is about")]
    fn report_one(
        &self,
        change: &dyn Change,
        policy: &MailPolicy,
        at: usize,
        stage: &Stage,
        bug: &Bug,
        now: i64,
        compose: &dyn Fn(&Reporting<'_>) -> Result<String, Error>,
    ) -> Result<(), Error> {
        let mut to = Vec::new();
        for address in &stage.to {
            if !is_silenced(change, bug.id, address)? {
                to.push(address.clone());
            }
        }
        let message_id =
            self.message_id(policy, &format!("report {} {}", bug.external, stage.name));
        let reporting = Reporting {
            bug,
            stage,
            to,
            address: policy.address(&bug.external),
            message_id: message_id.clone(),
            is_last: at + 1 == policy.stages.len(),
        };
        let text = compose(&reporting)?;
        change.add_mail(&Mail {
            id: 0,
            bug: Some(bug.id),
            message_id: message_id.clone(),
            time: now,
            text,
            delivered: None,
        })?;
        let known = counted(change.setting(&quota_key(stage))?.as_deref(), now);
        let day = now.div_euclid(86_400);
        change.set_setting(&quota_key(stage), &format!("{day} {}", known + 1))?;
        let action = Action::Report { stage: stage.name.clone(), message_id: Some(message_id) };
        self.act_within(change, bug.id, &action, "ktriage", "", now).map(drop)
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
        let done: BTreeSet<String> = change
            .history(bug)?
            .into_iter()
            .filter_map(|entry| match entry.action {
                Action::Report { stage, .. } => Some(stage),
                _ => None,
            })
            .collect();
        let next = policy.stages.iter().skip(1).find(|stage| !done.contains(&stage.name));
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

/// How many of today a counter `DAY COUNT` says.
fn counted(text: Option<&str>, now: i64) -> u32 {
    text.and_then(|text| text.split_once(' '))
        .filter(|(day, _)| *day == now.div_euclid(86_400).to_string())
        .and_then(|(_, count)| count.parse().ok())
        .unwrap_or(0)
}
