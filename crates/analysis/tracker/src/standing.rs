//! Where a bug stands after an action, or why the action is refused.

use model::tracker::{Action, BugId, Standing, State};

/// What must be known of a bug besides its standing.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// The bug.
    pub id: BugId,
    /// Whether a report went out already.
    pub was_reported: bool,
    /// The bug that was named and those that carry its record on, as far as the chain goes.
    pub target: &'a [BugId],
}

/// Why an action is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is closed as said.
    #[error("the bug is closed ({}); reopen it first", .0.name())]
    Closed(State),
    /// It is open.
    #[error("the bug is open")]
    Open,
    /// The fix is in all kernels.
    #[error("the bug is fixed already; a new crash would open a new bug")]
    Fixed,
    /// No fix is known.
    #[error("no fix is recorded for the bug")]
    NoFix,
    /// The title of a commit is too short to be one.
    #[error("a fix is named by the title of its commit, of at least 3 characters")]
    NoTitle,
    /// It would be its own duplicate.
    #[error("a bug cannot be a duplicate of itself")]
    Itself,
    /// The other one is a duplicate of this one.
    #[error("bug {0} is a duplicate of this one: that would be a circle")]
    Circle(BugId),
    /// It is no duplicate.
    #[error("the bug is no duplicate")]
    NoDuplicate,
    /// Its crashes stand in another record.
    #[error("the crashes of the bug stand in the record of bug {0}; split it first")]
    Merged(BugId),
    /// They do not.
    #[error("the bug was not merged into another one")]
    NotMerged,
}

/// Where a bug stands after an action. `now` is in seconds since 1970.
///
/// # Errors
/// When the action does not fit where the bug stands.
pub fn act(
    before: &Standing,
    action: &Action,
    why: &str,
    now: i64,
    about: About<'_>,
) -> Result<Standing, Refusal> {
    if let (true, Some(into)) = (before.merged, before.duplicate_of)
        && changes(action)
        && !matches!(action, Action::Split { .. } | Action::Publish { .. })
    {
        return Err(Refusal::Merged(into));
    }
    let mut after = before.clone();
    after.reason = why.to_owned();
    let open = if about.was_reported { State::Reported } else { State::New };
    match action {
        Action::Report { .. } => {
            must_be_open(before)?;
            after.state = before.state.max(State::Reported);
        }
        Action::Propose { .. } => {
            must_be_open(before)?;
            after.state = before.state.max(State::FixProposed);
        }
        Action::Fix { fixes } => {
            if before.state == State::Fixed {
                return Err(Refusal::Fixed);
            }
            if fixes.is_empty() || fixes.iter().any(|fix| fix.title.trim().len() < 3) {
                return Err(Refusal::NoTitle);
            }
            after = reopened(after, State::FixKnown);
            after.fixes.clone_from(fixes);
        }
        Action::Unfix => {
            if before.fixes.is_empty() {
                return Err(Refusal::NoFix);
            }
            after = reopened(after, open);
        }
        Action::Contained { .. } => {
            if before.state != State::FixKnown {
                return Err(Refusal::NoFix);
            }
            after.state = State::Fixed;
            after.closed = Some(now);
        }
        Action::Duplicate { of } | Action::Merge { into: of } => {
            if before.state != State::Duplicate {
                must_be_open(before)?;
            }
            if *of == about.id {
                return Err(Refusal::Itself);
            }
            if about.target.contains(&about.id) {
                return Err(Refusal::Circle(*of));
            }
            after.state = State::Duplicate;
            after.duplicate_of = Some(*of);
            after.merged = matches!(action, Action::Merge { .. });
            after.closed = Some(now);
        }
        Action::Unduplicate => {
            if before.state != State::Duplicate {
                return Err(Refusal::NoDuplicate);
            }
            after = reopened(after, open);
        }
        Action::Split { title: None, .. } => {
            if !before.merged {
                return Err(Refusal::NotMerged);
            }
            after = reopened(after, open);
        }
        Action::Invalid | Action::Expire { .. } => {
            must_be_open(before)?;
            after.state = match action {
                Action::Invalid => State::Invalid,
                _ => State::Obsolete,
            };
            after.closed = Some(now);
        }
        Action::Reopen => {
            if before.state.is_open() {
                return Err(Refusal::Open);
            }
            after = reopened(after, open);
        }
        Action::Publish { public } => {
            after.reason.clone_from(&before.reason);
            after.public = *public;
        }
        _ => return Ok(before.clone()),
    }
    Ok(after)
}

/// Whether an action says where a bug stands.
fn changes(action: &Action) -> bool {
    !matches!(
        action,
        Action::Create { .. }
            | Action::Reproducer { .. }
            | Action::Attempt
            | Action::Note { .. }
            | Action::Label { .. }
            | Action::Unlabel { .. }
            | Action::JobDone { .. }
            | Action::Manifest { .. }
            | Action::Retest { .. }
            | Action::Undo { .. }
            | Action::Split { title: Some(_), .. }
    )
}

const fn must_be_open(standing: &Standing) -> Result<(), Refusal> {
    if standing.state.is_open() { Ok(()) } else { Err(Refusal::Closed(standing.state)) }
}

fn reopened(standing: Standing, state: State) -> Standing {
    Standing {
        state,
        duplicate_of: None,
        merged: false,
        fixes: Vec::new(),
        closed: None,
        ..standing
    }
}

#[cfg(test)]
mod tests {
    use model::tracker::Fix;

    use super::*;

    fn run(actions: &[Action]) -> Result<Standing, Refusal> {
        let about = About { id: 1, was_reported: true, target: &[2, 3] };
        actions.iter().try_fold(Standing::begin(true), |standing, action| {
            act(&standing, action, "w", 9, about)
        })
    }

    fn fix() -> Action {
        Action::Fix { fixes: vec![Fix { title: "net: mend it".into(), hash: None }] }
    }

    fn state(actions: &[Action]) -> State {
        run(actions).unwrap().state
    }

    #[test]
    fn a_life_from_new_to_fixed() {
        let report = Action::Report { stage: "list".into(), message_id: None };
        let propose = Action::Propose { link: "https://example.org/1".into() };
        let contained = Action::Contained { kernels: vec!["6.1".into()] };
        assert_eq!(state(&[]), State::New);
        assert_eq!(state(std::slice::from_ref(&report)), State::Reported);
        assert_eq!(state(&[report.clone(), propose.clone()]), State::FixProposed);
        assert_eq!(state(&[propose.clone(), report.clone()]), State::FixProposed);
        let fixed = [report.clone(), propose, fix(), contained];
        let standing = run(&fixed).unwrap();
        assert_eq!((standing.state, standing.closed), (State::Fixed, Some(9)));
        assert_eq!(run(&[&fixed[..], &[fix()]].concat()), Err(Refusal::Fixed));
        assert_eq!(run(&[&fixed[..], &[report]].concat()), Err(Refusal::Closed(State::Fixed)));
        assert_eq!(state(&[&fixed[..], &[Action::Unfix]].concat()), State::Reported);
    }

    #[test]
    fn duplicates_make_no_circle_and_a_fix_ends_them() {
        let dup = |of| Action::Duplicate { of };
        assert_eq!(state(&[dup(2)]), State::Duplicate);
        assert_eq!(state(&[dup(2), fix()]), State::FixKnown);
        assert_eq!(run(&[dup(1)]), Err(Refusal::Itself));
        let about = About { id: 3, was_reported: false, target: &[2, 3] };
        assert_eq!(act(&Standing::begin(true), &dup(2), "", 0, about), Err(Refusal::Circle(2)));
        assert_eq!(run(&[Action::Unduplicate]), Err(Refusal::NoDuplicate));
    }

    #[test]
    fn a_merged_bug_does_nothing_of_its_own_until_it_is_split() {
        let merged = [Action::Merge { into: 2 }];
        for action in [fix(), Action::Invalid, Action::Reopen, Action::Unduplicate] {
            assert_eq!(run(&[&merged[..], &[action]].concat()), Err(Refusal::Merged(2)));
        }
        let split = Action::Split { title: None, to: None };
        assert_eq!(state(&[&merged[..], &[split.clone()]].concat()), State::Reported);
        assert_eq!(run(&[split]), Err(Refusal::NotMerged));
    }

    #[test]
    fn what_says_nothing_about_the_state_changes_nothing() {
        let note = Action::Note { text: "seen on two machines".into() };
        assert_eq!(run(&[note]).unwrap(), Standing::begin(true));
        let hidden = run(&[Action::Publish { public: false }]).unwrap();
        assert_eq!((hidden.state, hidden.public), (State::New, false));
    }
}
