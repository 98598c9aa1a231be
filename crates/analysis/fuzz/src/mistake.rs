//! What can be wrong with descriptions that read well.

use parse_syzlang::Position;

/// A mistake and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Name of the file.
    pub path: String,
    /// Where in it.
    pub at: Position,
    /// The name that it is about.
    pub name: String,
    /// What is wrong with it.
    pub wrong: Wrong,
}

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Declared before.
    Twice,
    /// Neither a type nor flags nor a constant.
    Unknown,
    /// A template with another number of parameters.
    Parameters,
    /// A parameter that its template does not use.
    UnusedParameter,
    /// A declaration that nothing refers to.
    Unused,
    /// A constant with two values on one architecture.
    TwoValues,
    /// The first constant of a file that tells no architecture.
    NoArchitecture,
    /// A constant named like flags.
    LikeFlags,
}
