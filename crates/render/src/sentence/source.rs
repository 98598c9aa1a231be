//! Sentences about the source and its history.

use model::Predicate;

/// `None` for predicates of other families.
pub(super) fn sentence(predicate: &Predicate) -> Option<String> {
    use Predicate as P;
    Some(match predicate {
        P::DefinedIn { function, file } => format!("{file} defines {function}()."),
        P::Calls { caller, function } => format!("The body of {caller}() calls {function}()."),
        P::CommitExists { commit, title: None } => format!("Commit {commit} exists."),
        P::CommitExists { commit, title: Some(title) } => {
            format!("Commit {commit} exists and is called \"{title}\".")
        }
        P::CommitInRelease { commit, release } => format!("{release} holds commit {commit}."),
        P::FirstInRelease { commit, release } => {
            format!("{release} is the first release that holds commit {commit}.")
        }
        _ => return None,
    })
}
