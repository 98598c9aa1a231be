//! A bug and where it stands.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The number of a bug in its record, from 1 on.
pub type BugId = i64;

/// Where a bug stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody was told yet.
    New,
    /// A report went out.
    Reported,
    /// A patch is on a list.
    FixProposed,
    /// The commit that fixes it is known; kernels under test do not all contain it.
    FixKnown,
    /// Every kernel under test contains the fix.
    Fixed,
    /// Another bug's record goes on for it.
    Duplicate,
    /// No bug of the kernel.
    Invalid,
    /// Silent for longer than chance allows.
    Obsolete,
}

impl State {
    /// All states, in the order of a bug's life.
    pub const ALL: [Self; 8] = [
        Self::New,
        Self::Reported,
        Self::FixProposed,
        Self::FixKnown,
        Self::Fixed,
        Self::Duplicate,
        Self::Invalid,
        Self::Obsolete,
    ];

    /// The name under which the state is stored and asked for.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Reported => "reported",
            Self::FixProposed => "fix_proposed",
            Self::FixKnown => "fix_known",
            Self::Fixed => "fixed",
            Self::Duplicate => "duplicate",
            Self::Invalid => "invalid",
            Self::Obsolete => "obsolete",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether a further crash belongs to the bug instead of opening a new one.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::New | Self::Reported | Self::FixProposed | Self::FixKnown)
    }
}

/// A commit that fixes a bug.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fix {
    /// Its title.
    pub title: String,
    /// Its name, where it is known.
    pub hash: Option<String>,
}

/// The part of a bug that actions change, and that undoing one restores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// Where it stands.
    pub state: State,
    /// Why, as far as it was said.
    pub reason: String,
    /// The bug whose record goes on for this one, in state [`State::Duplicate`].
    pub duplicate_of: Option<BugId>,
    /// Whether its crashes stand in the record of that bug.
    pub merged: bool,
    /// The commits that fix it.
    pub fixes: Vec<Fix>,
    /// When it was closed.
    pub closed: Option<i64>,
    /// Whether anybody may see it.
    pub public: bool,
}

impl Standing {
    /// How a bug begins.
    pub const fn begin(public: bool) -> Self {
        Self {
            state: State::New,
            reason: String::new(),
            duplicate_of: None,
            merged: false,
            fixes: Vec::new(),
            closed: None,
            public,
        }
    }
}

/// The best reproducer of a bug.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ReproducerLevel {
    /// None.
    #[default]
    None,
    /// A program in syzkaller's language.
    Syz,
    /// A program in C.
    C,
}

impl ReproducerLevel {
    /// The level of that number, 0 to 2.
    pub const fn from_number(number: i64) -> Self {
        match number {
            2 => Self::C,
            1 => Self::Syz,
            _ => Self::None,
        }
    }

    /// The name under which it is asked for.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Syz => "syz",
            Self::C => "c",
        }
    }
}

/// One bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bug {
    /// Its number.
    pub id: BugId,
    /// The title of its first crash.
    pub title: String,
    /// 1 for the first bug of that title, 2 for the one after it was closed, …
    pub sequence: u32,
    /// A name that cannot be guessed from the number, for mails and links: 20 hexadecimal digits.
    pub external: String,
    /// Where it stands.
    pub standing: Standing,
    /// When the record learnt of it.
    pub created: i64,
    /// When it was first seen.
    pub first: i64,
    /// When it was last seen.
    pub last: i64,
    /// How often it was seen.
    pub crashes: u64,
    /// Its best reproducer that was not revoked.
    pub reproducer: ReproducerLevel,
    /// The kind of crash.
    pub kind: Option<String>,
    /// The function in the title.
    pub frame: Option<String>,
    /// When anything was last done about it.
    pub changed: i64,
    /// The closed bug of the same title before it.
    pub previous: Option<BugId>,
    /// Reproductions that failed, and when the last one did.
    pub attempts: u32,
    /// See [`Bug::attempts`].
    pub attempted: Option<i64>,
    /// How many logs were kept, ever, and when the last one was.
    pub kept: u32,
    /// See [`Bug::kept`].
    pub kept_last: Option<i64>,
}

impl Bug {
    /// The title under which it is shown: `Title (2)` for the second bug of that title.
    pub fn shown(&self) -> String {
        match self.sequence {
            0 | 1 => self.title.clone(),
            sequence => format!("{} ({sequence})", self.title),
        }
    }
}

/// What a key of a bug is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// A title that a crash of it had.
    Title,
    /// Another name of such a crash.
    Alternative,
    /// The diagnosis's group of such a log.
    Group,
    /// A title that followed from it in the same log.
    Follower,
    /// The function in a title. Suggests only.
    Frame,
    /// A loadable module in whose code such a crash was. Tells apart what a title cannot.
    Module,
    /// A title that its reproducer gave in the lab. Suggests only.
    Manifestation,
}

impl KeyKind {
    /// All kinds in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Title,
        Self::Alternative,
        Self::Group,
        Self::Follower,
        Self::Frame,
        Self::Module,
        Self::Manifestation,
    ];

    /// The number under which it is stored.
    pub const fn number(self) -> i64 {
        self as i64
    }
}

/// One key of a bug.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What it is.
    pub kind: KeyKind,
    /// Its text.
    pub value: String,
}

/// Everything by which the bug of a crash is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The crash's title.
    pub title: String,
    /// Its other names.
    pub alternatives: Vec<String>,
    /// The diagnosis's group.
    pub group: Option<String>,
    /// Titles that followed from it in the same log.
    pub followers: Vec<String>,
    /// The function in the title.
    pub frame: Option<String>,
    /// The loadable modules in the report's stack.
    pub modules: Vec<String>,
}

impl Identity {
    /// The keys, as they are stored with the bug.
    pub fn keys(&self) -> Vec<Key> {
        let key = |kind, value: &String| Key { kind, value: value.clone() };
        let mut keys = vec![key(KeyKind::Title, &self.title)];
        keys.extend(self.alternatives.iter().map(|value| key(KeyKind::Alternative, value)));
        keys.extend(self.group.iter().map(|value| key(KeyKind::Group, value)));
        keys.extend(self.followers.iter().map(|value| key(KeyKind::Follower, value)));
        keys.extend(self.frame.iter().map(|value| key(KeyKind::Frame, value)));
        keys.extend(self.modules.iter().map(|value| key(KeyKind::Module, value)));
        keys
    }
}
