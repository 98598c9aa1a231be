//! What the commands of a mail do.

use analysis_tracker::command::Command;
use model::tracker::{Action, BugId, Change, Fix, JobKind};
use parse_mail::{Message, diffs};

use super::receive::silence_key;
use super::{Done, MailPolicy};
use crate::{Error, NewJob, Tracker};

/// Bytes of a patch.
const LONGEST_PATCH: usize = 4 << 20;
/// Values of a label.
const VALUES: usize = 10;

impl Tracker {
    #[expect(
        clippy::too_many_arguments,
        reason = "one command of one mail with all that it is about"
    )]
    pub(super) fn command(
        &self,
        change: &dyn Change,
        message: &Message,
        policy: &MailPolicy,
        bug: BugId,
        sender: &str,
        command: &Command,
        now: i64,
    ) -> Result<Done, Error> {
        let why = message.message_id.as_ref().map(|id| format!("mail {id}")).unwrap_or_default();
        let act = |action: &Action| {
            self.act_within(change, bug, action, sender, &why, now).map(|_| Done::Changed)
        };
        match command {
            Command::Fix(title) => {
                act(&Action::Fix { fixes: vec![Fix { title: title.clone(), hash: None }] })
            }
            Command::Unfix => act(&Action::Unfix),
            Command::Duplicate(name) => {
                let external = name.split_once('@').and_then(|(local, _)| local.split_once('+'));
                let of = match external {
                    Some((_, external)) => self.find_within(change, external)?,
                    None => self.find_within(change, name)?,
                };
                act(&Action::Duplicate { of: of.id })
            }
            Command::Unduplicate => act(&Action::Unduplicate),
            Command::Invalid => act(&Action::Invalid),
            Command::Upstream => self.upstream(change, policy, bug, sender, now),
            Command::Test(place) => {
                let (repository, branch) = place.clone().unwrap_or_default();
                let new = NewJob {
                    who: sender.to_owned(),
                    message_id: message.message_id.clone(),
                    repository,
                    branch,
                    patch: patch(message)?,
                };
                self.ask_within(change, bug, JobKind::Test, &new, now).map(Done::Asked)
            }
            Command::Set(name, values) => {
                let value = values.iter().take(VALUES).cloned().collect::<Vec<_>>().join(", ");
                act(&Action::Label { name: name.clone(), value })
            }
            Command::Unset(name) => act(&Action::Unlabel { name: name.clone() }),
            Command::Uncc => {
                change.set_setting(&silence_key(bug, sender), "1")?;
                Ok(Done::Silenced)
            }
        }
    }
}

/// The patch of a mail: its diffs as the bytes that were sent.
fn patch(message: &Message) -> Result<Vec<u8>, Error> {
    let mut patch = Vec::new();
    for diff in diffs(&message.body) {
        patch.extend(message.body.bytes(diff.first, diff.last));
        if !patch.ends_with(b"\n") {
            patch.push(b'\n');
        }
    }
    if patch.len() > LONGEST_PATCH {
        return Err(Error::Text("the patch is longer than 4 MiB"));
    }
    Ok(patch)
}
