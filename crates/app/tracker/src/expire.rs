//! Bugs that were silent for longer than chance allows.

use analysis_tracker::{Silence, silence};
use model::tracker::{Action, Bug, BugId, Filter, Order, ReproducerLevel};

use crate::{Error, Tracker};

/// Bugs that are looked at together.
const AT_ONCE: u64 = 1_000;

/// A bug that became obsolete.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expiry {
    /// The bug.
    pub bug: BugId,
    /// How silent it was.
    pub silence: Silence,
}

impl Tracker {
    /// How silent a bug is; `None` where silence ends no bug.
    pub fn silence(&self, bug: &Bug, now: i64) -> Option<Silence> {
        // Whatever people do about a bug counts as a sign of life.
        let last = bug.last.max(bug.changed.min(now));
        let bounds = self.policy.silence?;
        let own = silence(bug.crashes, bug.first, bug.last, now, bounds);
        let silent = silence(bug.crashes, bug.first, last, now, bounds).silent;
        Some(Silence { silent, ..own })
    }

    /// Closes the bugs that were silent for too long: open ones without reproducer and without a fix.
    ///
    /// # Errors
    /// When the record cannot be read or written.
    pub fn expire(&self, now: i64) -> Result<Vec<Expiry>, Error> {
        let mut expired = Vec::new();
        if self.policy.silence.is_none() {
            return Ok(expired);
        }
        let mut offset = 0;
        loop {
            let filter =
                Filter { order: Order::Created, offset, limit: AT_ONCE, ..Filter::default() };
            let page = self.read().bugs(&filter)?;
            let before = expired.len();
            for bug in &page.bugs {
                if bug.reproducer > ReproducerLevel::None || !bug.standing.fixes.is_empty() {
                    continue;
                }
                let Some(silence) = self.silence(bug, now).filter(Silence::is_obsolete) else {
                    continue;
                };
                let action = Action::Expire {
                    silent: silence.silent as u32,
                    allowed: silence.allowed as u32,
                };
                // Whoever closed it meanwhile was right too.
                match self.act(bug.id, &action, "ktriage", "", now) {
                    Ok(_) => expired.push(Expiry { bug: bug.id, silence }),
                    Err(Error::Refused { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            // Those that were closed are no longer among the open ones.
            offset += (page.bugs.len() - (expired.len() - before)) as u64;
            if (page.bugs.len() as u64) < AT_ONCE {
                return Ok(expired);
            }
        }
    }
}
