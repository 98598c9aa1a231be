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
mod import;
mod ingest;
mod mail;
mod reproduce;
mod similar;
mod watch;

use model::tracker::{Failure, Read, Record};

pub use self::client::{Call, CallError, Host, NewJob};
pub use self::error::Error;
pub use self::expire::Expiry;
pub use self::filing::{LONGEST_LOG, Origin, file_log};
pub use self::import::{ImportError, Imported, Page, Texts};
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
}

/// A value that was chosen once by chance.
fn lasting(record: &dyn Record, name: &str) -> Result<String, Error> {
    if let Some(known) = record.setting(name)? {
        return Ok(known);
    }
    let mut value = chance()?;
    record.change(&mut |change| {
        // Another program may have been faster.
        match change.setting(name)? {
            Some(known) => value = known,
            None => change.set_setting(name, &value)?,
        }
        Ok(())
    })?;
    Ok(value)
}

/// 32 hexadecimal digits that nobody can guess: 128 bits of the kernel's random numbers.
///
/// # Errors
/// When the kernel gives none.
pub fn chance() -> Result<String, Error> {
    let mut bytes = [0; 16];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(|error| Error::Chance(error.into()))?;
    if filled < bytes.len() {
        return Err(Error::Chance(std::io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn secrets_are_128_bits_and_never_the_same() {
        let (one, two) = (super::chance().unwrap(), super::chance().unwrap());
        assert!(one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_hexdigit()), "{one}");
        assert_ne!(one, two);
    }
}
