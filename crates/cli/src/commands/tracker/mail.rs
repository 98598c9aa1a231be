//! `ktriage mail`: commands in, reports and answers out.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use app_tracker::{Answer, Denial, Done, MailPolicy, Received, Reporting, Tracker};
use render::tracker::mail::{self, Head};
use server::{MailSettings, Settings};

use super::{State, failure, now};
use crate::failure::Failure;
use crate::output::Escaped;

/// Bytes of one mail.
const LONGEST: u64 = 64 << 20;
/// Mails that are delivered at once.
const AT_ONCE: u64 = 1_000;

/// Take mails with commands in, and put reports and answers into the outbox.
///
/// Each mail is handled once, whatever ends the program. Who may command, where mails go and the stages of reporting
/// stand in ktriage.toml, section [mail]; sending is the work of your mail server.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    ktriage mail -                        one mail on standard input, as a mail server pipes it\n  \
    ktriage mail --inbox ~/Maildir        every unread mail of a maildir\n  \
    ktriage mail --report                 write the reports that are due\n  \
    ktriage mail --address 3 --for ann@example.org    an address for commands of somebody without a signature")]
pub(crate) struct Arguments {
    /// Files with one mail each; `-` is standard input.
    #[arg(value_name = "MAIL")]
    mails: Vec<PathBuf>,
    /// A maildir: its unread mails are taken in and marked as read.
    #[arg(long, value_name = "MAILDIR")]
    inbox: Option<PathBuf>,
    /// Write the reports that are due.
    #[arg(long)]
    report: bool,
    /// Print the address by which the person of --for may command a bug.
    #[arg(long, value_name = "BUG", requires = "person")]
    address: Option<String>,
    /// See --address.
    #[arg(long = "for", id = "person", value_name = "ADDRESS")]
    person: Option<String>,
    #[command(flatten)]
    state: State,
}

/// All that a mail is written with.
struct Post<'a> {
    tracker: &'a Tracker,
    settings: &'a Settings,
    mail: &'a MailSettings,
    policy: MailPolicy,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let settings = arguments.state.settings()?;
    let Some(mail) = &settings.mail else {
        return Err(Failure::usage(anyhow::anyhow!("the settings have no section [mail]"))
            .hint("docs/serve.md tells what stands in it"));
    };
    let tracker = arguments.state.open()?;
    let post = Post { tracker: &tracker, settings: &settings, mail, policy: mail_policy(mail) };
    if let (Some(bug), Some(person)) = (&arguments.address, &arguments.person) {
        let bug = tracker.find(bug).map_err(failure)?;
        let address = tracker.mail_address(&post.policy, &bug, person).map_err(failure)?;
        writeln!(io::stdout(), "{address}")?;
        return Ok(ExitCode::SUCCESS);
    }
    for path in &arguments.mails {
        let raw = if path.as_os_str() == "-" {
            let mut raw = Vec::new();
            io::stdin().lock().take(LONGEST).read_to_end(&mut raw)?;
            raw
        } else {
            io_mailbox::read(path).map_err(Failure::usage)?
        };
        post.receive(&path.display().to_string(), &raw)?;
    }
    if let Some(inbox) = &arguments.inbox {
        for path in io_mailbox::unread(inbox).map_err(Failure::usage)? {
            let raw = io_mailbox::read(&path).map_err(Failure::usage)?;
            post.receive(&path.display().to_string(), &raw)?;
            // Only now: what is handled is in the record, and handled mails are known again.
            io_mailbox::mark_read(&path).map_err(Failure::usage)?;
        }
    }
    if arguments.report {
        let compose = |reporting: &Reporting<'_>| post.report(reporting);
        for bug in tracker.report(&post.policy, now(), &compose).map_err(failure)? {
            writeln!(io::stdout(), "bug {bug}: reported")?;
        }
    }
    deliver(&tracker, &mail.outbox)?;
    Ok(ExitCode::SUCCESS)
}

/// Puts written mails into the outbox, each under a name of its own, so that none is there twice.
fn deliver(tracker: &Tracker, outbox: &Path) -> Result<(), Failure> {
    loop {
        let waiting = tracker.read().undelivered(AT_ONCE).map_err(|error| failure(error.into()))?;
        if waiting.is_empty() {
            return Ok(());
        }
        for mail in waiting {
            let name = format!("{:010}.{}", mail.id, mail.message_id.replace(['/', ':'], "_"));
            io_mailbox::put(outbox, &name, mail.text.as_bytes()).map_err(Failure::usage)?;
            tracker.delivered(mail.id, now()).map_err(failure)?;
        }
    }
}

fn mail_policy(mail: &MailSettings) -> MailPolicy {
    MailPolicy {
        from: mail.from.clone(),
        prefixes: mail.prefixes.clone(),
        allow: mail.allow.iter().map(|address| address.to_ascii_lowercase()).collect(),
        authserv_id: mail.authserv_id.clone(),
        stages: mail.stage.clone(),
    }
}

const fn denial(denial: &Denial) -> &'static str {
    match denial {
        Denial::NotAllowed => {
            "your address is not among those that may command, or has sent too many commands today"
        }
        Denial::NotProven => {
            "nothing proves that the mail is from its sender: no good DKIM signature of its domain, no address with a token"
        }
        Denial::NoBug => "no bug is named: answer a report, or write to the bug's own address",
    }
}

impl Post<'_> {
    fn receive(&self, name: &str, raw: &[u8]) -> Result<(), Failure> {
        let compose = |answer: &Answer| self.answer(answer);
        let received =
            self.tracker.receive(raw, &[], &self.policy, now(), &compose).map_err(failure)?;
        let said = match &received {
            Received::Again => "handled before".to_owned(),
            Received::Automatic => "written by a program; left alone".to_owned(),
            Received::Nothing => "holds no command".to_owned(),
            Received::Denied(why) => format!("nothing was done: {}", denial(why)),
            Received::Answered(answer) => match &answer.denial {
                Some(why) => format!("nothing was done, and the sender is told: {}", denial(why)),
                None => {
                    let done = answer.said.iter().filter(|one| one.result.is_ok()).count();
                    format!("{done} of {} commands done", answer.said.len())
                }
            },
        };
        Ok(writeln!(io::stdout(), "{}: {said}", Escaped(name))?)
    }

    fn head(&self, to: Vec<String>, from: String, message_id: &str, time: i64) -> Head {
        Head {
            name: format!("ktriage {}", self.settings.name),
            from,
            to,
            message_id: message_id.to_owned(),
            time,
            ..Head::default()
        }
    }

    fn answer(&self, answer: &Answer) -> String {
        let from = answer.bug.as_ref().map_or(&self.mail.from, |(_, _, address)| address);
        let head = Head {
            subject: answer.subject.clone(),
            in_reply_to: answer.in_reply_to.clone(),
            ..self.head(vec![answer.to.clone()], from.clone(), &answer.message_id, answer.time)
        };
        let said: Vec<(String, Result<String, String>)> = answer
            .said
            .iter()
            .map(|one| {
                let result = one.result.clone().map(|done| match done {
                    Done::Changed => "it stands in the bug's history".to_owned(),
                    Done::Asked(job) => format!("job {job} waits for the machines"),
                    Done::Silenced => "no more mails about this bug".to_owned(),
                });
                (one.line.clone(), result)
            })
            .collect();
        let bug = answer.bug.as_ref().map(|(id, title, _)| format!("Bug {id}: {title}"));
        mail::answer(&head, bug.as_deref(), &said, answer.denial.as_ref().map(denial))
    }

    fn report(&self, reporting: &Reporting<'_>) -> Result<String, app_tracker::Error> {
        let view = server::view(self.tracker, reporting.bug, now(), false)?;
        let text = |name: Option<&String>| -> Result<Option<Vec<u8>>, app_tracker::Error> {
            Ok(name.map(|name| self.tracker.read().artefact(name)).transpose()?.flatten())
        };
        let best = view.best.as_ref();
        let log = text(best.and_then(|crash| crash.log.as_ref()))?;
        let report = text(best.and_then(|crash| crash.report.as_ref()))?;
        let report = report.map(|report| String::from_utf8_lossy(&report).into_owned());
        let diagnosis = log
            .and_then(|log| app_diagnose::diagnose(&log, app_diagnose::Wanted::default()).ok())
            .filter(|read| !read.diagnosis.seen.events.is_empty())
            .map(|read| {
                render::diagnosis::text::report(&crate::commands::diagnose::view("", &read))
            });
        let head = self.head(
            reporting.to.clone(),
            reporting.address.clone(),
            &reporting.message_id,
            view.now,
        );
        let link = format!(
            "{}/bug/{}",
            self.settings.address.trim_end_matches('/'),
            reporting.bug.external
        );
        let prefix = self.policy.prefixes.first().map_or("#ktriage", String::as_str);
        Ok(mail::report(
            &head,
            &view,
            diagnosis.as_deref(),
            report.as_deref(),
            &link,
            prefix,
            reporting.is_last,
        ))
    }
}
