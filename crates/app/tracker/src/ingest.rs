//! Crashes come in.

use analysis_tracker::{
    Candidate, Past, Reason, choose, filed_as, is_placeless, is_vague, to_drop, wants_log,
};
use model::tracker::{
    Action, Bug, BugId, Change, CrashId, Identity, KeptNames, Key, KeyKind, NewCrash, Read,
    Reproducer, ReproducerLevel, Standing,
};

use crate::find::{chain, holder};
use crate::{Error, Tracker};

/// Seconds by which clocks of machines may differ from ours.
const DAY: i64 = 86_400;
/// Bugs of one key that are looked at.
const LOOKED_AT: usize = 50;
/// Bytes of a text that are kept; of a longer log the end goes, of a longer reproducer everything.
const LONGEST_TEXT: usize = 10 << 20;
/// Bytes of a report that can be searched.
const SEARCHED_REPORT: usize = 8 << 10;
/// Logs after which it is looked how many are kept.
const LOOK_EACH: u32 = 16;

/// What became of a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// The bug in whose record it stands.
    pub bug: BugId,
    /// The crash.
    pub crash: CrashId,
    /// Whether it opened the bug.
    pub is_new: bool,
    /// Whether the same delivery had come before, so that nothing was counted.
    pub is_repeat: bool,
    /// By what the bug was found.
    pub reason: Option<Reason>,
    /// The closed bug of the same title that came back.
    pub previous: Option<BugId>,
}

impl Tracker {
    /// Takes crashes into the record, all of them or none. When this returns they are on the disk.
    ///
    /// # Errors
    /// When the record cannot be written; nothing was taken then.
    pub fn ingest(&self, crashes: &[NewCrash], who: &str, now: i64) -> Result<Vec<Filed>, Error> {
        self.change(|change| {
            crashes.iter().map(|crash| self.ingest_one(change, crash, who, now)).collect()
        })
    }

    /// Takes one crash into the record, within a change.
    pub(crate) fn ingest_one(
        &self,
        change: &dyn Change,
        crash: &NewCrash,
        who: &str,
        now: i64,
    ) -> Result<Filed, Error> {
        if let Some(known) =
            crash.key.as_deref().map(|key| change.crash_by_key(key)).transpose()?.flatten()
        {
            return Ok(Filed {
                bug: known.bug,
                crash: known.id,
                is_new: false,
                is_repeat: true,
                reason: None,
                previous: None,
            });
        }
        let identity =
            filed_as(crash.identity.clone(), crash.corrupted.is_some(), crash.suppressed.is_some());
        let found = same_bug(change, &identity)?;
        let (origin, reason) = match found {
            Some((bug, reason)) => (bug, Some(reason)),
            None => (self.create(change, &identity, crash, who, now)?, None),
        };
        let is_new = reason.is_none();
        let chain = chain(change, origin.clone())?;
        let mut bug = holder(&chain).unwrap_or(&origin).clone();
        let filed = self.write(change, &mut bug, origin.id, &identity, crash, now)?;
        Ok(Filed {
            bug: bug.id,
            crash: filed,
            is_new,
            is_repeat: false,
            reason,
            previous: if is_new { origin.previous } else { None },
        })
    }

    fn create(
        &self,
        change: &dyn Change,
        identity: &Identity,
        crash: &NewCrash,
        who: &str,
        now: i64,
    ) -> Result<Bug, Error> {
        let bug = self.new_bug(change, &identity.title, None, crash.time, now)?;
        let bug = Bug { kind: crash.kind.clone(), frame: identity.frame.clone(), ..bug };
        open(change, bug, who, now)
    }

    /// A bug for crashes of one title that leave another one.
    pub(crate) fn bug_for_title(
        &self,
        change: &dyn Change,
        title: &str,
        from: &Bug,
        time: i64,
        who: &str,
        now: i64,
    ) -> Result<Bug, Error> {
        let mut bug = self.new_bug(change, title, None, time, now)?;
        bug.standing.public = from.standing.public;
        bug.kind.clone_from(&from.kind);
        open(change, bug, who, now)
    }

    /// A bug of a title; its number among those of the title is the next one, where `sequence` says no other that is
    /// free.
    pub(crate) fn new_bug(
        &self,
        change: &dyn Change,
        title: &str,
        sequence: Option<u32>,
        time: i64,
        now: i64,
    ) -> Result<Bug, Error> {
        let previous = change.newest_of_title(title)?;
        let next = previous.as_ref().map_or(1, |bug| bug.sequence.saturating_add(1));
        let sequence = sequence.filter(|sequence| *sequence >= next).unwrap_or(next);
        let named = format!("{}\0{title}\0{sequence}", self.salt);
        Ok(Bug {
            id: 0,
            title: title.to_owned(),
            sequence,
            external: blake3::hash(named.as_bytes()).to_hex()[..20].to_owned(),
            standing: Standing::begin(self.policy.public),
            created: now,
            first: time,
            last: time,
            crashes: 0,
            reproducer: ReproducerLevel::None,
            kind: None,
            frame: None,
            changed: now,
            previous: previous.filter(|bug| !bug.standing.state.is_open()).map(|bug| bug.id),
            attempts: 0,
            attempted: None,
            kept: 0,
            kept_last: None,
        })
    }

    pub(crate) fn write(
        &self,
        change: &dyn Change,
        bug: &mut Bug,
        origin: BugId,
        identity: &Identity,
        crash: &NewCrash,
        now: i64,
    ) -> Result<CrashId, Error> {
        // A machine whose clock is wrong must not keep a bug alive for years.
        let time = if crash.time > now.saturating_add(DAY) { now } else { crash.time.max(0) };
        let mut own = NewCrash { time, identity: identity.clone(), ..without_texts(crash) };
        own.source = crash.source.chars().take(1024).collect();
        let keys = identity.keys();
        let title = Key { kind: KeyKind::Title, value: identity.title.clone() };
        let known = change.keys(origin)?;
        let is_new_title = !known.contains(&title);
        let level = crash
            .reproducers
            .iter()
            .filter(|one| one.text.len() <= LONGEST_TEXT)
            .map(|one| one.level)
            .max()
            .unwrap_or_default();
        let past = Past { crashes: bug.crashes, kept: bug.kept, kept_last: bug.kept_last };
        let mut kept = KeptNames { reproducer: level, ..KeptNames::default() };
        let wanted = wants_log(past, time, level > ReproducerLevel::None, is_new_title);
        if wanted {
            let put = |text: &[u8]| {
                let text = &text[..text.len().min(LONGEST_TEXT)];
                (!text.is_empty()).then(|| change.put(text)).transpose()
            };
            kept.log = put(&crash.log)?;
            kept.report = put(&crash.report)?;
            kept.machine_info = put(&crash.machine_info)?;
        }
        let id = change.add_crash(bug.id, origin, &own, &kept)?;
        let new: Vec<Key> = keys.into_iter().filter(|key| !known.contains(key)).collect();
        if !new.is_empty() {
            change.add_keys(origin, &new)?;
            let mut text: String = new.iter().map(|key| format!("{}\n", key.value)).collect();
            if bug.crashes == 0 {
                let end = crash.report.len().min(SEARCHED_REPORT);
                text += &String::from_utf8_lossy(&crash.report[..end]);
            }
            change.add_text(origin, &text)?;
        }
        bug.first = if bug.crashes == 0 { time } else { bug.first.min(time) };
        bug.last = if bug.crashes == 0 { time } else { bug.last.max(time) };
        bug.crashes += 1;
        for reproducer in &crash.reproducers {
            self.add_reproducer(change, bug, id, reproducer, now)?;
        }
        if kept.log.is_some() || kept.report.is_some() {
            bug.kept += 1;
            bug.kept_last = Some(time);
            if bug.kept.is_multiple_of(LOOK_EACH) {
                for crash in to_drop(&change.kept_crashes(bug.id)?) {
                    change.drop_texts(crash)?;
                }
            }
        }
        change.set_bug(bug)?;
        Ok(id)
    }

    pub(crate) fn add_reproducer(
        &self,
        change: &dyn Change,
        bug: &mut Bug,
        crash: CrashId,
        new: &model::tracker::NewReproducer,
        now: i64,
    ) -> Result<(), Error> {
        if new.text.is_empty()
            || new.text.len() > LONGEST_TEXT
            || new.level == ReproducerLevel::None
        {
            return Ok(());
        }
        let reproducer = Reproducer {
            id: 0,
            bug: bug.id,
            crash,
            level: new.level,
            options: new.options.chars().take(1024).collect(),
            text: change.put(&new.text)?,
            time: now,
            revoked: false,
        };
        change.add_reproducer(bug.id, crash, &reproducer)?;
        if new.level > bug.reproducer {
            bug.reproducer = new.level;
            bug.changed = now;
            let came = Action::Reproducer { language: new.level.name().to_owned() };
            change.append(bug.id, now, "", &came, "", None)?;
        }
        Ok(())
    }
}

pub(crate) fn open(change: &dyn Change, mut bug: Bug, who: &str, now: i64) -> Result<Bug, Error> {
    bug.id = change.add_bug(&bug)?;
    change.append(bug.id, now, who, &Action::Create { previous: bug.previous }, "", None)?;
    Ok(bug)
}

/// The bug that a crash of this identity belongs to.
pub(crate) fn same_bug(
    read: &dyn Read,
    identity: &Identity,
) -> Result<Option<(Bug, Reason)>, Error> {
    let key = |kind, value: &String| Key { kind, value: value.clone() };
    let mut asked =
        vec![key(KeyKind::Title, &identity.title), key(KeyKind::Alternative, &identity.title)];
    for title in &identity.alternatives {
        asked.push(key(KeyKind::Title, title));
        asked.push(key(KeyKind::Alternative, title));
    }
    if let Some(group) = &identity.group
        && (!identity.followers.is_empty()
            || is_placeless(&identity.title)
            || is_vague(&identity.title))
    {
        asked.push(key(KeyKind::Group, group));
        asked.push(key(KeyKind::Follower, &identity.title));
    }
    let found = read.bugs_with_keys(&asked, LOOKED_AT)?;
    let mut all = Vec::with_capacity(found.len());
    for (bug, _) in &found {
        let needed = is_vague(&identity.title) || is_vague(&bug.title);
        all.push(if needed { read.keys(bug.id)? } else { Vec::new() });
    }
    let mut candidates = Vec::with_capacity(found.len());
    for ((bug, shared), keys) in found.iter().zip(&all) {
        let is_active = match bug.standing.duplicate_of {
            None => bug.standing.state.is_open(),
            Some(_) => {
                chain(read, bug.clone())?.last().is_some_and(|bug| bug.standing.state.is_open())
            }
        };
        candidates.push(Candidate { bug, shared, keys, is_active });
    }
    let chosen = choose(identity, &candidates);
    Ok(chosen.and_then(|(id, reason)| {
        let bug = found.iter().map(|(bug, _)| bug).find(|bug| bug.id == id)?;
        Some((bug.clone(), reason))
    }))
}

/// What the row of a crash needs.
fn without_texts(crash: &NewCrash) -> NewCrash {
    NewCrash {
        key: crash.key.clone(),
        time: crash.time,
        kind: crash.kind.clone(),
        corrupted: crash.corrupted.clone(),
        suppressed: crash.suppressed.clone(),
        kernel: crash.kernel.clone(),
        build: crash.build.clone(),
        machine: crash.machine.clone(),
        line: crash.line,
        ..NewCrash::default()
    }
}
