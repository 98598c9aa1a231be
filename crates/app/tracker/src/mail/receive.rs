//! A mail comes in.

use analysis_tracker::command::{Asked, commands};
use model::tracker::{Bug, Change, Failure, Mail, Read};
use parse_mail::Message;

use super::head::{is_automatic, is_of, is_signed};
use super::{Answer, Denial, MailPolicy, Received, Said, daily, mistake};
use crate::{Error, Tracker};

/// Answers that one sender gets on one day.
const ANSWERS: u64 = 30;
/// Mails below which one looks for what a mail answers.
const REFERENCES: usize = 50;
/// Lines from which on everything is somebody else's mail.
const FORWARDED: [&str; 3] =
    ["-----Original Message-----", "Begin forwarded message:", "---------- Forwarded message"];

impl Tracker {
    /// Takes a mail in, once. `signers` are the domains whose signatures on it were found good; `compose` writes an
    /// answer as a whole mail.
    ///
    /// # Errors
    /// When the record cannot be read or written; the mail can be taken in again then.
    pub fn receive(
        &self,
        raw: &[u8],
        signers: &[String],
        policy: &MailPolicy,
        now: i64,
        compose: &dyn Fn(&Answer) -> String,
    ) -> Result<Received, Error> {
        let message = parse_mail::message(raw, 1);
        let hash = blake3::hash(raw).to_hex().to_string();
        let id = match &message.message_id {
            Some(id) => id.chars().take(300).collect(),
            None => hash.clone(),
        };
        let sender = sender(&message);
        // Anybody can write a mail with another's Message-ID, and a list sends copies on whose signature is broken: only
        // a mail that proved its sender, and so was answered, stands for its other copies.
        let answered = format!("mail:{sender} {id}");
        let copy = format!("mail:{hash}");
        self.change(|change| {
            if change.handled(&answered)?.or(change.handled(&copy)?).is_some() {
                return Ok(Received::Again);
            }
            let received = self.receive_within(change, (raw, signers), &message, policy, now)?;
            let key = if matches!(received, Received::Answered(_)) { &answered } else { &copy };
            change.set_handled(key, now, "")?;
            match &received {
                Received::Answered(answer) => {
                    let bug = answer.bug.as_ref().map(|(bug, ..)| *bug);
                    change.add_mail(&Mail {
                        id: 0,
                        bug,
                        message_id: answer.message_id.clone(),
                        time: now,
                        text: compose(answer),
                        delivered: None,
                    })?;
                }
                Received::Denied(denial) => {
                    change.add_failure(&Failure {
                        time: now,
                        client: "mail".into(),
                        name: sender.chars().take(200).collect(),
                        text: format!("{denial:?}: {id}"),
                    })?;
                }
                _ => {}
            }
            Ok(received)
        })
    }

    fn receive_within(
        &self,
        change: &dyn Change,
        (raw, signers): (&[u8], &[String]),
        message: &Message,
        policy: &MailPolicy,
        now: i64,
    ) -> Result<Received, Error> {
        let sender = sender(message);
        if sender.is_empty() || policy.plus(&sender).is_some() || is_automatic(raw) {
            return Ok(Received::Automatic);
        }
        let asked = asked(message, policy);
        let (bug, token) = named(change, message, policy)?;
        if asked.is_empty() {
            return Ok(Received::Nothing);
        }
        let by_token = match (&bug, token) {
            (Some(bug), Some(token)) => {
                blake3::Hash::from_hex(self.mail_token(&bug.external, &sender)?)
                    .ok()
                    .zip(blake3::Hash::from_hex(token.repeat(2)).ok())
                    .is_some_and(|(own, given)| own == given)
            }
            _ => false,
        };
        let is_named = policy.allow.contains(&sender)
            || sender
                .rsplit_once('@')
                .is_some_and(|(_, domain)| policy.allow.contains(&format!("@{domain}")));
        let is_proven = by_token
            || is_signed(raw, &policy.authserv_id, &sender)
            || signers.iter().any(|signer| is_of(signer, &sender));
        if !is_proven {
            // The sender may be forged: an answer would go to somebody who knows nothing of this.
            return Ok(Received::Denied(Denial::NotProven));
        }
        let too_many = self.count_answer(change, &sender, now)?;
        if too_many {
            return Ok(Received::Denied(Denial::NotAllowed));
        }
        let mut answer = Answer {
            to: sender.clone(),
            subject: message.subject.text.clone(),
            in_reply_to: message.message_id.clone(),
            bug: bug.as_ref().map(|bug| (bug.id, bug.shown(), policy.address(&bug.external))),
            said: Vec::new(),
            denial: None,
            message_id: self
                .message_id(policy, &format!("answer {now} {}", blake3::hash(raw).to_hex())),
            time: now,
        };
        match bug {
            _ if !(is_named || by_token) => answer.denial = Some(Denial::NotAllowed),
            None => answer.denial = Some(Denial::NoBug),
            Some(bug) => {
                for one in &asked {
                    answer.said.push(self.obey(change, message, policy, &bug, &sender, one, now)?);
                }
            }
        }
        Ok(Received::Answered(answer))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one command of one mail with all that it is about"
    )]
    fn obey(
        &self,
        change: &dyn Change,
        message: &Message,
        policy: &MailPolicy,
        bug: &Bug,
        sender: &str,
        asked: &Asked,
        now: i64,
    ) -> Result<Said, Error> {
        let result = match &asked.command {
            Err(wrong) => Err(mistake(wrong)),
            Ok(command) => {
                match self.command(change, message, policy, bug.id, sender, command, now) {
                    Ok(done) => Ok(done),
                    Err(Error::Record(error)) => return Err(error.into()),
                    Err(error) => Err(error.to_string()),
                }
            }
        };
        Ok(Said { line: asked.text.chars().take(200).collect(), result })
    }

    /// Counts an answer; whether the sender has had too many today.
    fn count_answer(&self, change: &dyn Change, sender: &str, now: i64) -> Result<bool, Error> {
        Ok(daily::add(change, &format!("answers {sender}"), now)? >= ANSWERS)
    }

    /// Says that a mail was delivered.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub fn delivered(&self, mail: i64, now: i64) -> Result<(), Error> {
        self.change(|change| Ok(change.set_delivered(mail, now)?))
    }

    /// The word by which a person may command a bug from an address that signs nothing: 32 digits.
    ///
    /// # Errors
    /// When the record cannot be read or written.
    pub fn mail_address(
        &self,
        policy: &MailPolicy,
        bug: &Bug,
        person: &str,
    ) -> Result<String, Error> {
        let token = self.mail_token(&bug.external, &person.to_ascii_lowercase())?;
        Ok(policy.address(&format!("{}.{}", bug.external, &token[..32])))
    }

    /// The word, twice, so that it can be compared as a hash.
    fn mail_token(&self, external: &str, person: &str) -> Result<String, Error> {
        let key = blake3::hash(self.salt.as_bytes());
        let mac =
            blake3::keyed_hash(key.as_bytes(), format!("mail {external} {person}").as_bytes());
        Ok(mac.to_hex()[..32].repeat(2))
    }

    /// A Message-ID that follows from what the mail is about.
    pub(super) fn message_id(&self, policy: &MailPolicy, about: &str) -> String {
        let domain = policy.from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        let mac =
            blake3::keyed_hash(blake3::hash(self.salt.as_bytes()).as_bytes(), about.as_bytes());
        format!("{}@{domain}", &mac.to_hex()[..32])
    }
}

/// The address in `From:`, in lower case; empty where there is none.
fn sender(message: &Message) -> String {
    message.from.address.clone().unwrap_or_default().to_ascii_lowercase()
}

/// The commands that the writer of a mail wrote.
fn asked(message: &Message, policy: &MailPolicy) -> Vec<Asked> {
    let lines: Vec<&str> = message
        .body
        .lines()
        .enumerate()
        .filter(|(at, _)| {
            let attached = |part: &parse_mail::Part| {
                part.attachment.is_some() && (part.first..part.end).contains(at)
            };
            !message.parts.iter().any(attached)
        })
        .map(|(_, line)| line.text)
        .take_while(|line| !FORWARDED.iter().any(|mark| line.starts_with(mark)))
        .collect();
    commands(&lines, &policy.prefixes)
}

/// The bug that a mail is about, and the word of an own address.
fn named<'a>(
    read: &dyn Read,
    message: &'a Message,
    policy: &MailPolicy,
) -> Result<(Option<Bug>, Option<&'a str>), Error> {
    let addresses =
        message.to.iter().chain(&message.cc).filter_map(|person| person.address.as_deref());
    for address in addresses {
        let Some(plus) = policy.plus(address).filter(|plus| !plus.is_empty()) else { continue };
        let (external, token) = match plus.split_once('.') {
            Some((external, token)) => (external, Some(token)),
            None => (plus, None),
        };
        if let Some(bug) = read.bug_by_external(&external.to_ascii_lowercase())? {
            return Ok((Some(bug), token));
        }
    }
    let answered = message.in_reply_to.iter().chain(message.references.iter().rev());
    for id in answered.take(REFERENCES) {
        if let Some(bug) = read.mail(id)?.and_then(|mail| mail.bug) {
            return Ok((read.bug(bug)?, None));
        }
    }
    Ok((None, None))
}

/// Whether a person asked for no more mails about a bug.
pub(super) fn is_silenced(read: &dyn Read, bug: i64, address: &str) -> Result<bool, Error> {
    Ok(read.setting(&silence_key(bug, address))?.is_some())
}

pub(super) fn silence_key(bug: i64, address: &str) -> String {
    format!("uncc {bug} {}", address.to_ascii_lowercase())
}
