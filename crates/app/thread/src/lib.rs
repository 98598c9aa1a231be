//! A mirror of mailing lists: kept indexed, searched, and read thread by thread.
//!
//! Invariants: prints nothing and asks no clock; what was found is returned as values, and progress
//! goes to the one who calls.

mod digest;
mod mirror;

pub use io_database::mail_index::{Filter, Row};
pub use mirror::{Error, Mails, Mirror, Morning, Progress, Summary};
pub use parse_mail::message_id;
