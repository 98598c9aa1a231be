//! Same bug or new. Exact identity only; what is merely alike is suggested, never decided.

use model::tracker::{Bug, BugId, Identity, Key, KeyKind};

/// The bug of all damaged reports.
const CORRUPTED: &str = "corrupted report";
/// The bug of all worthless reports.
const SUPPRESSED: &str = "suppressed report";

/// A bug that shares a key with the crash.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// The bug.
    pub bug: &'a Bug,
    /// Its keys that the crash has too.
    pub shared: &'a [Key],
    /// Whether it, or the bug that carries its record on, is open.
    pub is_active: bool,
}

/// Why a bug was chosen. The first that applies wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A crash of it had this very title.
    Title,
    /// Its title is another name of the crash, or the crash's title another name of its crashes.
    NamedAlike,
    /// Both have the same other name.
    SharedAlternative,
    /// The logs' diagnoses fall into one group, and each report was seen beside the other.
    Group,
}

/// The identity under which a report is filed: damaged and worthless ones have a bug of their own.
pub fn filed_as(identity: Identity, corrupted: bool, suppressed: bool) -> Identity {
    let title = match (suppressed, corrupted) {
        (true, _) => SUPPRESSED,
        (false, false) => return identity,
        // The diagnosis tells what the title cannot.
        (false, true) if is_placeless(&identity.title) && identity.group.is_some() => {
            return Identity { alternatives: Vec::new(), ..identity };
        }
        (false, true) => CORRUPTED,
    };
    Identity { title: title.to_owned(), ..Identity::default() }
}

/// Whether a bug is one of those that hold what cannot be told apart.
pub fn is_set_aside(title: &str) -> bool {
    matches!(title, CORRUPTED | SUPPRESSED)
}

/// The function that a title names; `None` where it names none or stands for crashes without a place.
pub fn function(title: &str) -> Option<&str> {
    let (_, function) = title.rsplit_once(" in ")?;
    (!is_placeless(title)).then_some(function)
}

/// Whether a title stands for crashes whose place could not be read.
pub fn is_placeless(title: &str) -> bool {
    title.ends_with(" in corrupted")
}

/// Titles of loops: after the outermost function of the stack, which many loops share.
const LOOPS: &[&str] = &["INFO: rcu detected stall in ", "BUG: soft lockup in "];

/// Whether a title names where a loop was entered and not where it is, so that a diagnosis tells more.
fn is_loop(title: &str) -> bool {
    LOOPS.iter().any(|start| title.starts_with(start))
}

/// The bug that a crash belongs to; `None` when it is a new one.
pub fn choose(identity: &Identity, candidates: &[Candidate<'_>]) -> Option<(BugId, Reason)> {
    candidates
        .iter()
        .filter(|candidate| candidate.is_active)
        .filter_map(|candidate| Some((reason(identity, candidate)?, candidate.bug)))
        // Ties: the bug of the highest sequence, then the oldest, so that choices stay as they were.
        .min_by_key(|(reason, bug)| (*reason, std::cmp::Reverse(bug.sequence), bug.id))
        .map(|(reason, bug)| (bug.id, reason))
}

fn reason(identity: &Identity, candidate: &Candidate<'_>) -> Option<Reason> {
    let has = |kind: KeyKind, value: &str| {
        candidate.shared.iter().any(|key| key.kind == kind && key.value == value)
    };
    let own = &candidate.bug.title;
    let group = identity.group.as_ref().is_some_and(|group| has(KeyKind::Group, group));
    if is_placeless(&identity.title) || is_placeless(own) {
        // Such a title names a kind of crash, no bug: only the diagnosis tells which.
        return (group && has(KeyKind::Title, &identity.title)).then_some(Reason::Title);
    }
    if has(KeyKind::Title, &identity.title) {
        let tells = !is_loop(&identity.title) || identity.group.is_none() || group;
        return tells.then_some(Reason::Title);
    }
    // A name after another function of the same stack is one that another bug may well have too.
    if function(own) == function(&identity.title) {
        if identity.alternatives.contains(own) || has(KeyKind::Alternative, &identity.title) {
            return Some(Reason::NamedAlike);
        }
        if identity.alternatives.iter().any(|title| has(KeyKind::Alternative, title)) {
            return Some(Reason::SharedAlternative);
        }
    }
    let beside = identity.followers.contains(own) && has(KeyKind::Follower, &identity.title);
    (group && beside).then_some(Reason::Group)
}

#[cfg(test)]
mod tests {
    use model::tracker::{ReproducerLevel, Standing};

    use super::*;

    fn bug(id: BugId, title: &str, sequence: u32) -> Bug {
        Bug {
            id,
            title: title.into(),
            sequence,
            external: String::new(),
            standing: Standing::begin(true),
            created: 0,
            first: 0,
            last: 0,
            crashes: 1,
            reproducer: ReproducerLevel::None,
            kind: None,
            frame: None,
            changed: 0,
            previous: None,
            attempts: 0,
            attempted: None,
            kept: 0,
            kept_last: None,
        }
    }

    fn key(kind: KeyKind, value: &str) -> Key {
        Key { kind, value: value.into() }
    }

    fn identity(title: &str, alternatives: &[&str]) -> Identity {
        Identity {
            title: title.into(),
            alternatives: alternatives.iter().map(|&title| title.to_owned()).collect(),
            ..Identity::default()
        }
    }

    #[test]
    fn loops_that_were_entered_alike_are_told_apart_by_their_diagnoses() {
        let title = "BUG: soft lockup in proc_reg_write";
        let old = bug(1, title, 1);
        let shared = [key(KeyKind::Title, title)];
        let of = |group: Option<&str>| Identity {
            group: group.map(str::to_owned),
            ..identity(title, &[])
        };
        let candidate = [Candidate { bug: &old, shared: &shared, is_active: true }];
        assert_eq!(choose(&of(Some("soft_lockup/write/meter")), &candidate), None);
        assert_eq!(choose(&of(None), &candidate), Some((1, Reason::Title)));
        let both = [shared[0].clone(), key(KeyKind::Group, "soft_lockup/write/meter")];
        let candidate = [Candidate { bug: &old, shared: &both, is_active: true }];
        assert_eq!(
            choose(&of(Some("soft_lockup/write/meter")), &candidate),
            Some((1, Reason::Title))
        );
    }

    #[test]
    fn the_very_title_wins_over_other_names_and_closed_bugs_get_nothing() {
        let (a, b, c) = (bug(1, "KASAN: x in f", 1), bug(2, "WARNING in f", 1), bug(3, "t", 1));
        let alternative = [key(KeyKind::Alternative, "KASAN: bad access in f")];
        let title = [key(KeyKind::Title, "WARNING in f")];
        let own = identity("WARNING in f", &["KASAN: bad access in f"]);
        let all = [
            Candidate { bug: &a, shared: &alternative, is_active: true },
            Candidate { bug: &b, shared: &title, is_active: true },
            Candidate { bug: &c, shared: &[], is_active: true },
        ];
        assert_eq!(choose(&own, &all), Some((2, Reason::Title)));
        let closed = Candidate { is_active: false, ..all[1].clone() };
        assert_eq!(choose(&own, &[all[0].clone(), closed]), Some((1, Reason::SharedAlternative)));
        assert_eq!(choose(&own, &all[2..]), None);
    }

    #[test]
    fn a_group_alone_makes_no_two_crashes_one_bug() {
        let a = bug(1, "INFO: task hung in shop_close", 1);
        let group = [key(KeyKind::Group, "hung/mutex")];
        let mut own = identity("INFO: task hung in shop_count", &[]);
        own.group = Some("hung/mutex".into());
        let only_group = Candidate { bug: &a, shared: &group, is_active: true };
        assert_eq!(choose(&own, std::slice::from_ref(&only_group)), None);
        let both = [group[0].clone(), key(KeyKind::Follower, "INFO: task hung in shop_count")];
        own.followers = vec![a.title.clone()];
        let beside = Candidate { shared: &both, ..only_group };
        assert_eq!(choose(&own, &[beside]), Some((1, Reason::Group)));
    }

    #[test]
    fn a_title_without_a_place_makes_one_bug_only_within_one_group() {
        let a = bug(1, "INFO: rcu detected stall in corrupted", 1);
        let shared = [key(KeyKind::Title, &a.title), key(KeyKind::Group, "rcu_stall/f")];
        let own = Identity { group: Some("rcu_stall/f".into()), ..identity(&a.title, &[]) };
        let candidate = Candidate { bug: &a, shared: &shared, is_active: true };
        assert_eq!(choose(&own, std::slice::from_ref(&candidate)), Some((1, Reason::Title)));
        let other = Candidate { shared: &shared[..1], ..candidate };
        assert_eq!(choose(&own, &[other]), None);
    }

    #[test]
    fn damaged_reports_are_filed_apart() {
        let own = identity("BUG: x", &["BUG: y"]);
        assert_eq!(filed_as(own.clone(), true, false).title, CORRUPTED);
        assert!(filed_as(own.clone(), true, true).alternatives.is_empty());
        assert_eq!(filed_as(own.clone(), false, false), own);
        assert!(is_set_aside(&filed_as(own.clone(), true, false).title));
        assert!(is_set_aside(&filed_as(own, false, true).title) && !is_set_aside("BUG: x"));
    }

    #[test]
    fn a_title_without_a_place_names_no_function() {
        assert_eq!(function("KASAN: slab-out-of-bounds Read in shop_reset"), Some("shop_reset"));
        assert_eq!(function("INFO: rcu detected stall in corrupted"), None);
        assert_eq!(function("kernel panic: odd"), None);
    }
}
