//! What somebody may do.

use serde::Deserialize;

/// What somebody is allowed, the least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Did not log in.
    #[default]
    Nobody,
    /// Sees everything.
    Reader,
    /// Changes bugs, adds crashes, asks for jobs.
    Editor,
    /// Shows and hides bugs.
    Admin,
}

/// Something that needs a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// To see a public bug, its logs, lists and numbers of public bugs.
    SeePublic,
    /// To see a private bug.
    SeePrivate,
    /// To see how the service itself is: health, metrics, managers, errors.
    SeeService,
    /// To change a bug.
    Change,
    /// To add crashes.
    Add,
    /// To show or hide a bug.
    Publish,
}

/// The table of rights. `anonymous` says whether somebody who did not log in may see public bugs.
pub const fn may(role: Role, right: Right, anonymous: bool) -> bool {
    match (right, role) {
        (Right::SeePublic, Role::Nobody) => anonymous,
        (
            Right::SeePublic | Right::SeePrivate | Right::SeeService,
            Role::Reader | Role::Editor | Role::Admin,
        )
        | (Right::Change | Right::Add, Role::Editor | Role::Admin)
        | (Right::Publish, Role::Admin) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_rights() {
        use Right::{Add, Change, Publish, SeePrivate, SeePublic, SeeService};
        use Role::{Admin, Editor, Nobody, Reader};
        let rights = [SeePublic, SeePrivate, SeeService, Change, Add, Publish];
        for (role, anonymous, allowed) in [
            (Nobody, true, [true, false, false, false, false, false]),
            (Nobody, false, [false, false, false, false, false, false]),
            (Reader, false, [true, true, true, false, false, false]),
            (Editor, false, [true, true, true, true, true, false]),
            (Admin, false, [true, true, true, true, true, true]),
        ] {
            for (right, expected) in rights.into_iter().zip(allowed) {
                assert_eq!(may(role, right, anonymous), expected, "{role:?} {right:?} {anonymous}");
            }
        }
    }
}
