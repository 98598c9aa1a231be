//! The series that `ktriage try` is given: mails in any form, a mail of a mirror, or revisions.

use std::path::Path;

use analysis_thread::{Thread, understand, understand_about};
use analysis_trial::{Pick, PickError, Series, pick};
use anyhow::anyhow;
use app_thread::Mirror;
use model::CommitId;
use parse_mail::Message;

use super::Arguments;
use crate::commands::thread::{input, list};
use crate::failure::Failure;
use crate::output::message;

/// A series, and the commit before it where it is one of the tree.
pub(super) struct Picked {
    pub(super) series: Series,
    pub(super) parent: Option<CommitId>,
}

pub(super) fn read(arguments: &Arguments) -> Result<Picked, Failure> {
    let wanted = match (&arguments.draft, &arguments.version) {
        (Some(name), _) => Pick::Draft(name),
        (None, Some(name)) => Pick::Version(name),
        (None, None) => Pick::Newest,
    };
    let id = arguments.id.as_deref().map(message_id).transpose()?;
    if let Some(directory) = &arguments.list {
        let id = id.unwrap_or_default();
        let messages = from_mirror(arguments, directory, &id)?;
        let threads: Vec<Thread> = understand_about(&messages, &id).into_iter().collect();
        return one(&messages, &threads, wanted, &directory.display().to_string());
    }
    let Some(path) = &arguments.series else {
        return Err(Failure::usage(anyhow!("no series is given")));
    };
    if path.as_os_str() != "-"
        && !path.exists()
        && let Some(found) = revisions(&arguments.tree, path)
    {
        let found = found?;
        let messages = parse_mail::messages(&found.mailbox);
        let threads = understand(&messages);
        let name = path.display().to_string();
        let mut picked = match one(&messages, &threads, Pick::Newest, &name) {
            Ok(picked) => picked,
            Err(failure) => return Err(failure.hint("the revisions must change something")),
        };
        picked.series.version = name;
        // A mailbox that git has just written names no thread.
        picked.series.message_id = None;
        picked.series.lines = None;
        picked.parent = Some(found.base);
        return Ok(picked);
    }
    let found = input::read(path)?;
    let mut threads = understand(&found.messages);
    if let Some(id) = &id {
        threads.retain(|thread| {
            let has = |m: usize| found.messages[m].message_id.as_ref() == Some(id);
            thread.entries.iter().any(|entry| has(entry.message)) || thread.absent.contains(id)
        });
        if threads.is_empty() {
            return Err(Failure::usage(anyhow!(
                "{}: no mail has or answers the Message-ID {id}",
                found.name
            )));
        }
    }
    one(&found.messages, &threads, wanted, &found.name)
}

fn message_id(text: &str) -> Result<String, Failure> {
    app_thread::message_id(text).ok_or_else(|| {
        Failure::usage(anyhow!("`{text}` names no Message-ID"))
            .hint("give it as the header has it, ID@HOST, or as a link to the mail on lore")
    })
}

/// What a name that is no file means in the tree; nothing where it looks like a file's.
fn revisions(tree: &Path, name: &Path) -> Option<Result<app_try::Revisions, Failure>> {
    let text = name.to_str()?;
    match app_try::revisions(tree, text) {
        Ok(found) => Some(Ok(found)),
        Err(error) if text.contains("..") && !text.contains("../") => Some(Err(error.into())),
        Err(_) => None,
    }
}

fn from_mirror(arguments: &Arguments, directory: &Path, id: &str) -> Result<Vec<Message>, Failure> {
    let index = match &arguments.index {
        Some(path) => path.clone(),
        None => directory.join("ktriage-mail.sqlite"),
    };
    let mut mirror = Mirror::open(directory, &index).map_err(list::failure)?;
    mirror.update(|_| {}).map_err(list::failure)?;
    let Some(thread) = mirror.thread_of(id).map_err(list::failure)? else {
        return Err(Failure::usage(anyhow!(
            "no mail of {} has or answers the Message-ID {id}",
            directory.display()
        ))
        .hint("fetch the mirror's news with `git fetch` in its newest epoch"));
    };
    Ok(mirror.series(thread).map_err(list::failure)?.messages)
}

fn one(
    messages: &[Message],
    threads: &[Thread],
    wanted: Pick<'_>,
    name: &str,
) -> Result<Picked, Failure> {
    match pick(messages, threads, wanted) {
        Ok(series) => {
            let damaged =
                series.patches.iter().enumerate().filter(|(_, patch)| {
                    patch.diff.as_ref().is_some_and(|diff| diff.damage.is_some())
                });
            for (at, _) in damaged {
                message(&format!(
                    "note: the diff of patch {} is damaged, as by a mail program that wraps lines",
                    at + 1
                ));
            }
            Ok(Picked { series, parent: None })
        }
        Err(error) => Err(refused(&error, name)),
    }
}

/// Why there is nothing to try, with what to do.
fn refused(error: &PickError, name: &str) -> Failure {
    let usage = |text: String| Failure::usage(anyhow!("{name}: {text}"));
    match error {
        PickError::NoPatch => usage("there is no patch in it".into())
            .hint("give the mails of a series, or revisions of the tree such as main..topic"),
        PickError::NoSuch { wanted, names } => usage(format!("there is no {wanted} in it"))
            .hint(format!("it has {}", names.join(", "))),
        PickError::Incomplete { version, missing } => {
            let numbers: Vec<String> = missing.iter().take(12).map(u32::to_string).collect();
            let more = if missing.len() > 12 { ", …" } else { "" };
            usage(format!("of {version} these patches are missing: {}{more}", numbers.join(", ")))
                .hint("get the whole thread: on lore it is t.mbox.gz")
        }
        PickError::Outside { patch, path } => usage(format!(
            "patch {patch} changes {path}, which is outside of any tree; nothing was applied"
        ))
        .hint("read it with care: no honest patch does that"),
        PickError::TooLong { patches } => usage(format!(
            "{patches} patches are more than one series has; nothing was applied"
        ))
        .hint("try the part that matters: --id MESSAGE-ID for its thread, or a range of revisions"),
        PickError::Several { titles } => {
            let titles: Vec<String> = titles.iter().take(8).map(|t| format!("\n  {t}")).collect();
            usage(format!("several series are in it:{}", titles.concat()))
                .hint("say which with --id MESSAGE-ID")
        }
    }
}
