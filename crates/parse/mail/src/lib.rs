//! Mail bytes and saved archive pages in; messages, quotes, diffs and trailers with their lines out.
//!
//! Invariants: knows nothing about what a thread means; does no I/O; any bytes give messages and
//! problems, never an error that loses the rest and never a panic; memory is bounded by the input.

mod archive;
mod body;
mod diff;
mod html;
pub mod mbox;
mod message;
mod message_id;
mod original;
mod page;
mod problem;
mod quote;
mod reference;
mod subject;
mod time;
mod trailer;

pub use archive::{Form, form, messages, messages_of_file};
pub use body::{Body, Line};
pub use diff::{
    Damage, Diff, FileDiff, Hunk, HunkLine, LineKind, begins_function, diffs, function_name,
};
pub use message::{Message, Part, Person, Source, message, person};
pub use message_id::{linked_id, message_id};
pub use problem::{Problem, ProblemKind};
pub use quote::{Attribution, Quote, attribution, quote};
pub use reference::{BugId, BugKind, CommitMention, Link, LinkKind, bug_ids, commits, links};
pub use subject::{Subject, VersionNumber, subject};
pub use time::{Civil, Moment, QuotedDate, age_range, quoted_date};
pub use trailer::{Trailer, TrailerKind, trailer, trailers};
