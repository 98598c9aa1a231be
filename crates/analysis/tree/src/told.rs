//! What a tree tells of a claim about the source or its history.

use model::Predicate;

/// A claim with what the tree tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What is claimed.
    pub claim: Predicate,
    /// The line of the text that claims it, from 1; 0 where it is no text.
    pub line: usize,
    /// What the tree says.
    pub says: Says,
}

/// What a tree says of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// It is so, by this.
    Shown(Vec<Where>),
    /// It is not so.
    Contradicted {
        /// What is so instead.
        found: Predicate,
        /// By this.
        at: Vec<Where>,
    },
    /// The tree neither shows nor refutes it.
    NotShown(Why),
}

/// Where a tree says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// A line of a file.
    Line {
        /// The file.
        file: String,
        /// The line.
        line: usize,
    },
    /// A commit.
    Commit(String),
    /// A tag.
    Tag(String),
}

/// Why a tree does not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It defines no such function, as far as the layout of the source tells.
    NotDefined(String),
    /// It has no such file.
    NoFile(String),
    /// The file holds the name, but no definition that can be read: a macro may make it.
    OnlyNamed(String),
    /// The body does not hold the name: a macro, a pointer or a function between may lead there.
    NotInBody(Where),
    /// The tree has no history.
    NoHistory,
    /// The history does not hold the commit.
    NoCommit(String),
    /// The tree has no such tag.
    NoTag(String),
    /// No tag holds the commit.
    InNoTag(String),
}
