//! Which bugs are asked for.

use super::{Bug, ReproducerLevel, State};

/// How bugs are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The one seen last comes first.
    #[default]
    Last,
    /// The newest comes first.
    Created,
    /// The one seen most often comes first.
    Crashes,
}

impl Order {
    /// All orders with the names under which they are asked for.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Last, "last"), (Self::Created, "created"), (Self::Crashes, "crashes")];
}

/// A question for bugs. What is not set does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Words that the bug's texts must hold, each as the beginning of a word.
    pub text: String,
    /// States; empty stands for the open ones.
    pub states: Vec<State>,
    /// Closed ones too.
    pub all: bool,
    /// The kind of crash.
    pub kind: Option<String>,
    /// Seen on that machine.
    pub machine: Option<String>,
    /// Seen with that kernel.
    pub kernel: Option<String>,
    /// With that label, `name` or `name:value`.
    pub label: Option<String>,
    /// With a reproducer of at least that level.
    pub reproducer: ReproducerLevel,
    /// Seen at that time or later.
    pub since: Option<i64>,
    /// Public ones only.
    pub public_only: bool,
    /// The order.
    pub order: Order,
    /// Bugs to pass over.
    pub offset: u64,
    /// Most bugs to give; 0 stands for 100.
    pub limit: u64,
}

/// A part of the bugs that fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The bugs.
    pub bugs: Vec<Bug>,
    /// How many fit in all.
    pub total: u64,
}

/// Numbers of the whole record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Bugs by state, in the order of [`State::ALL`].
    pub states: [u64; 8],
    /// Crashes.
    pub crashes: u64,
    /// Bytes of the database file.
    pub file_bytes: u64,
}
