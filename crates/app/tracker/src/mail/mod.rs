//! Mails: commands come in, reports and answers go out.
//!
//! Invariants: a mail is answered once, however many copies of it come, in one transaction with all that it does; a copy
//! that proves nothing does not stand in the way of one that does; who does not prove to be allowed changes
//! nothing and gets no answer, since the address may be somebody else's; mails of programs are never answered.

mod commands;
mod daily;
mod head;
mod receive;
mod report;

use std::collections::BTreeSet;

use analysis_tracker::command::Mistake;

pub use self::report::{Reporting, Stage};

/// What an installation decides about mail.
#[derive(Clone, Debug, Default)]
pub struct MailPolicy {
    /// The own address, `bot@example.org`.
    pub from: String,
    /// What commands begin with.
    pub prefixes: Vec<String>,
    /// Who may command: addresses, or `@domain`.
    pub allow: BTreeSet<String>,
    /// The name under which the own mail server tells whether a signature is good.
    pub authserv_id: String,
    /// The stages of reporting, the first one first.
    pub stages: Vec<Stage>,
}

impl MailPolicy {
    /// The own address with something behind a `+`.
    pub fn address(&self, plus: &str) -> String {
        match self.from.split_once('@') {
            Some((local, domain)) => format!("{local}+{plus}@{domain}"),
            None => self.from.clone(),
        }
    }

    /// What stands behind the `+` of an own address; empty where nothing does. `None` for other addresses.
    fn plus<'a>(&self, address: &'a str) -> Option<&'a str> {
        let (local, domain) = address.rsplit_once('@')?;
        let (own, own_domain) = self.from.rsplit_once('@')?;
        if !domain.eq_ignore_ascii_case(own_domain) {
            return None;
        }
        let (local, plus) = local.split_once('+').unwrap_or((local, ""));
        local.eq_ignore_ascii_case(own).then_some(plus)
    }
}

/// Why a mail with commands did nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// Its sender is not among those who may command.
    NotAllowed,
    /// It is not proven that it is from its sender.
    NotProven,
    /// It names no bug.
    NoBug,
}

/// What became of one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The line.
    pub line: String,
    /// What was done, or why nothing was.
    pub result: Result<Done, String>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// The bug stands otherwise or has a label more.
    Changed,
    /// A job was asked for.
    Asked(i64),
    /// The sender gets no more mails about the bug.
    Silenced,
}

/// An answer to a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Who gets it.
    pub to: String,
    /// The subject of the mail that it answers.
    pub subject: String,
    /// Its Message-ID.
    pub in_reply_to: Option<String>,
    /// The bug with its number, title and own address.
    pub bug: Option<(i64, String, String)>,
    /// What became of each command.
    pub said: Vec<Said>,
    /// Why nothing was done at all.
    pub denial: Option<Denial>,
    /// The Message-ID of the answer.
    pub message_id: String,
    /// When, in seconds since 1970.
    pub time: i64,
}

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// It was handled before.
    Again,
    /// A program or this one wrote it.
    Automatic,
    /// It holds no command.
    Nothing,
    /// Nothing was done, and nobody was answered.
    Denied(Denial),
    /// Its commands were done or refused, and its sender was answered.
    Answered(Answer),
}

/// The words for a command that cannot be read.
fn mistake(mistake: &Mistake) -> String {
    mistake.to_string()
}
