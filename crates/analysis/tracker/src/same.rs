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
    /// All its keys; only needed where [`is_vague`] says so.
    pub keys: &'a [Key],
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

/// Titles after a function that many bugs pass: the outermost one of a stack that ran over, and the checker that sees
/// a task sleep where it must not.
const PASSED_BY_MANY: &[&str] =
    &["BUG: stack guard page was hit in ", "WARNING in rcu_note_context_switch"];

/// Whether a title names where a loop was entered and not where it is.
fn is_loop(title: &str) -> bool {
    LOOPS.iter().any(|start| title.starts_with(start))
}

/// Whether a title names a function that different bugs pass, so that the code beneath it or a diagnosis tells more.
pub fn is_vague(title: &str) -> bool {
    is_loop(title) || PASSED_BY_MANY.iter().any(|start| title.starts_with(start))
}

/// What a checker of memory accesses says, under one name for all checkers and versions: KASAN knows slabs by name
/// since 6.3, KFENCE samples the same accesses.
fn access(title: &str) -> Option<String> {
    let said = title.strip_prefix("KASAN: ").or_else(|| title.strip_prefix("KFENCE: "))?;
    Some(said.strip_prefix("slab-").unwrap_or(said).to_ascii_lowercase())
}

/// What an access shows as that no checker saw.
const UNCHECKED: &[&str] = &["general protection fault in ", "BUG: unable to handle kernel "];

/// Whether two titles after one function are two faces of one bug: a loop that two watchdogs see, an access under the
/// names of two checkers, or one that KFENCE, which sees only some, did not see. With KASAN nothing goes unseen, so
/// that a fault beside its report is another bug.
fn are_twins(one: &str, other: &str) -> bool {
    let unseen = |one: &str, other: &str| {
        one.starts_with("KFENCE: ") && UNCHECKED.iter().any(|start| other.starts_with(start))
    };
    is_loop(one) && is_loop(other)
        || access(one).is_some_and(|said| access(other) == Some(said))
        || unseen(one, other)
        || unseen(other, one)
}

/// Whether a group's key names who or what holds everything up, and not only that somebody waits.
fn names_culprit(group: &str) -> bool {
    let last = group.rsplit('/').next().unwrap_or(group);
    last != "unknown" && !last.starts_with("in:")
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
        return is_of(identity, candidate, group).then_some(Reason::Title);
    }
    // A name after another function of the same stack is one that another bug may well have too.
    if function(own) == function(&identity.title) && is_of(identity, candidate, group) {
        if identity.alternatives.contains(own) || has(KeyKind::Alternative, &identity.title) {
            return Some(Reason::NamedAlike);
        }
        let shares = identity.alternatives.iter().any(|title| has(KeyKind::Alternative, title));
        if shares && are_twins(own, &identity.title) {
            return Some(Reason::SharedAlternative);
        }
    }
    let beside = identity.followers.contains(own) && has(KeyKind::Follower, &identity.title);
    let told = identity.group.as_deref().is_some_and(names_culprit);
    (group && told && beside).then_some(Reason::Group)
}

/// Whether nothing speaks against a bug whose title fits: a vague title is no proof where both crashes were in loadable
/// modules and in none of the same, or else where both have diagnoses that fall into different groups.
fn is_of(identity: &Identity, candidate: &Candidate<'_>, group: bool) -> bool {
    if !is_vague(&identity.title) && !is_vague(&candidate.bug.title) {
        return true;
    }
    let known = |kind| candidate.keys.iter().filter(move |key| key.kind == kind);
    if !identity.modules.is_empty() && known(KeyKind::Module).next().is_some() {
        return known(KeyKind::Module).any(|key| identity.modules.contains(&key.value));
    }
    identity.group.is_none() || group || known(KeyKind::Group).next().is_none()
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
        let other = [key(KeyKind::Group, "soft_lockup/write/pump")];
        let candidate = [Candidate { bug: &old, shared: &shared, keys: &other, is_active: true }];
        assert_eq!(choose(&of(Some("soft_lockup/write/meter")), &candidate), None);
        assert_eq!(choose(&of(None), &candidate), Some((1, Reason::Title)));
        let unknown = [Candidate { keys: &[], ..candidate[0].clone() }];
        assert_eq!(
            choose(&of(Some("soft_lockup/write/meter")), &unknown),
            Some((1, Reason::Title))
        );
        let both = [shared[0].clone(), key(KeyKind::Group, "soft_lockup/write/meter")];
        let candidate = [Candidate { bug: &old, shared: &both, keys: &[], is_active: true }];
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
            Candidate { bug: &a, shared: &alternative, keys: &[], is_active: true },
            Candidate { bug: &b, shared: &title, keys: &[], is_active: true },
            Candidate { bug: &c, shared: &[], keys: &[], is_active: true },
        ];
        assert_eq!(choose(&own, &all), Some((2, Reason::Title)));
        let closed = Candidate { is_active: false, ..all[1].clone() };
        assert_eq!(choose(&own, &[all[0].clone(), closed]), None, "a warning is no bad access");
        assert_eq!(choose(&own, &all[2..]), None);
    }

    #[test]
    fn a_group_alone_makes_no_two_crashes_one_bug() {
        let a = bug(1, "INFO: task hung in shop_close", 1);
        let group = [key(KeyKind::Group, "hung/lock-in:shop_close")];
        let mut own = identity("INFO: task hung in shop_count", &[]);
        own.group = Some("hung/lock-in:shop_close".into());
        let only_group = Candidate { bug: &a, shared: &group, keys: &[], is_active: true };
        assert_eq!(choose(&own, std::slice::from_ref(&only_group)), None);
        let both = [group[0].clone(), key(KeyKind::Follower, "INFO: task hung in shop_count")];
        own.followers = vec![a.title.clone()];
        let beside = Candidate { shared: &both, ..only_group };
        assert_eq!(choose(&own, &[beside.clone()]), Some((1, Reason::Group)));
        // That both wait in one place is what a slow disk does too.
        own.group = Some("hung/in:folio_wait".into());
        let vague = [key(KeyKind::Group, "hung/in:folio_wait"), both[1].clone()];
        assert_eq!(choose(&own, &[Candidate { shared: &vague, ..beside }]), None);
    }

    #[test]
    fn what_a_title_leaves_open_the_module_tells() {
        let title = "INFO: rcu detected stall in proc_reg_write";
        let old = bug(1, title, 1);
        let keys = [key(KeyKind::Title, title), key(KeyKind::Module, "pump")];
        let candidate = Candidate { bug: &old, shared: &keys[..1], keys: &keys, is_active: true };
        let of = |module: &str| Identity { modules: vec![module.into()], ..identity(title, &[]) };
        assert_eq!(choose(&of("meter"), std::slice::from_ref(&candidate)), None);
        assert_eq!(choose(&of("pump"), &[candidate]), Some((1, Reason::Title)));
        // A title that names the place is proof enough.
        let old = bug(1, "WARNING in f", 1);
        let keys = [key(KeyKind::Title, "WARNING in f"), key(KeyKind::Module, "pump")];
        let candidate = Candidate { bug: &old, shared: &keys[..1], keys: &keys, is_active: true };
        let own = Identity { modules: vec!["meter".into()], ..identity("WARNING in f", &[]) };
        assert_eq!(choose(&own, &[candidate]), Some((1, Reason::Title)));
    }

    #[test]
    fn two_faces_of_one_bug_are_one_and_two_bugs_of_one_function_are_two() {
        let bad = "bad-access in f";
        let one = |own: &str, other: &str| {
            let old = bug(1, own, 1);
            let shared = [key(KeyKind::Alternative, bad)];
            let candidate = Candidate { bug: &old, shared: &shared, keys: &[], is_active: true };
            choose(&identity(other, &[bad]), &[candidate]).is_some()
        };
        assert!(one("KASAN: use-after-free Read in f", "KASAN: slab-use-after-free Read in f"));
        assert!(one("KFENCE: use-after-free read in f", "KASAN: slab-use-after-free Read in f"));
        assert!(one("general protection fault in f", "KFENCE: use-after-free read in f"));
        assert!(one("BUG: soft lockup in f", "INFO: rcu detected stall in f"));
        assert!(!one("KASAN: use-after-free Read in f", "KASAN: use-after-free Write in f"));
        assert!(!one("general protection fault in f", "KASAN: use-after-free Read in f"));
        assert!(!one("KASAN: use-after-free Read in g", "KASAN: use-after-free Read in f"));
    }

    #[test]
    fn a_title_without_a_place_makes_one_bug_only_within_one_group() {
        let a = bug(1, "INFO: rcu detected stall in corrupted", 1);
        let shared = [key(KeyKind::Title, &a.title), key(KeyKind::Group, "rcu_stall/f")];
        let own = Identity { group: Some("rcu_stall/f".into()), ..identity(&a.title, &[]) };
        let candidate = Candidate { bug: &a, shared: &shared, keys: &[], is_active: true };
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
