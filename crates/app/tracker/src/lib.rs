//! The bug's record: crashes come in and find their bugs; actions change where a bug stands; nothing is lost.
//!
//! Invariants: every change stands in one transaction of the record and in the bug's history; time is an argument; the
//! record is a [`Record`], whichever database holds it.

mod act;
mod change;
mod client;
mod error;
mod expire;
mod filing;
mod find;
mod ingest;
mod mail;
mod similar;
mod watch;

use model::tracker::{Failure, Read, Record, RecordError};

pub use self::client::{Call, CallError, Host, NewJob};
pub use self::error::Error;
pub use self::expire::Expiry;
pub use self::filing::{LONGEST_LOG, Origin, file_log};
pub use self::ingest::Filed;
pub use self::mail::{Answer, Denial, Done, MailPolicy, Received, Reporting, Said, Stage};
pub use self::watch::{Told, Watch};

/// What an installation decides for itself.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether new bugs may be seen by anybody.
    pub public: bool,
    /// The bounds of the silence that ends a bug; `None` ends none.
    pub silence: Option<analysis_tracker::Rate>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { public: true, silence: Some(analysis_tracker::Rate::default()) }
    }
}

/// The record with the decisions about it.
pub struct Tracker {
    record: Box<dyn Record>,
    policy: Policy,
    salt: String,
}

impl Tracker {
    /// The record that a database holds.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn new(record: Box<dyn Record>, policy: Policy) -> Result<Self, Error> {
        let salt = lasting(&*record, "salt")?;
        Ok(Self { record, policy, salt })
    }

    /// A secret of that name that lasts as long as the record.
    ///
    /// # Errors
    /// When the record cannot be read or written.
    pub fn secret(&self, name: &str) -> Result<String, Error> {
        lasting(&*self.record, &format!("secret {name}"))
    }

    /// Writes something down that went wrong.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub fn fail(&self, name: &str, text: &str, now: i64) -> Result<(), Error> {
        let failure = Failure {
            time: now,
            client: "ktriage".into(),
            name: name.to_owned(),
            text: text.to_owned(),
        };
        self.change(|change| Ok(change.add_failure(&failure)?))
    }

    /// Remembers a value that belongs to the record as a whole.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub fn remember(&self, name: &str, value: &str) -> Result<(), Error> {
        self.change(|change| Ok(change.set_setting(name, value)?))
    }

    /// Questions to the record.
    pub fn read(&self) -> &dyn Read {
        &*self.record
    }

    /// Copies the record into a new file while others go on using it.
    ///
    /// # Errors
    /// When it cannot be read or the file cannot be written.
    pub fn backup(&self, to: &std::path::Path) -> Result<(), Error> {
        Ok(self.record.backup(to)?)
    }

    /// The decisions of the installation.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}

/// A value that was chosen once by chance.
fn lasting(record: &dyn Record, name: &str) -> Result<String, Error> {
    let mut value = record.setting(name)?;
    if value.is_none() {
        record.change(&mut |change| {
            let known = change.setting(name)?;
            let own = known.clone().unwrap_or_else(chance);
            if known.is_none() {
                change.set_setting(name, &own)?;
            }
            value = Some(own);
            Ok(())
        })?;
    }
    value.ok_or_else(|| RecordError::Abandoned.into())
}

/// 32 hexadecimal digits that nobody can guess.
pub fn chance() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    let part = |n: u8| format!("{:016x}", RandomState::new().hash_one(n));
    part(0) + &part(1)
}
