//! Versions across threads and titles, and diffs that are no version (rules T2, T4, T5).

use std::collections::{HashMap, HashSet};

use model::Grade;
use parse_mail::{Diff, FileDiff, LineKind, Message, Person, TrailerKind, diffs, quote, trailer};

use crate::model::{Draft, Link, Patch, Relation, Thread, Version};
use crate::text::fold;

/// A message that carries a patch or begins a series.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// Index of the message in the list given.
    pub(crate) index: usize,
    pub(crate) diff: Option<Diff>,
    pub(crate) patch_id: Option<u64>,
    change_id: Option<String>,
    base_commit: Option<String>,
    author: Person,
    sender: Person,
    title: String,
    parent_ids: Vec<String>,
    message_id: Option<String>,
    seconds: i64,
    version: parse_mail::VersionNumber,
    has_version: bool,
    number: Option<(u32, u32)>,
    is_resend: bool,
    is_rfc: bool,
    /// The branch of a backport: `6.1.y`.
    branch: Option<String>,
    /// Mails that it links to, each with the line, in lower case.
    cited: Vec<(String, String)>,
}

/// Finds the messages that carry patches or begin series.
pub(crate) fn starts(all: &[&Message]) -> Vec<Start> {
    let mut found = alone(all);
    adopt(all, &mut found);
    found
}

/// What a cover letter says of the patches below it.
struct Heading {
    version: parse_mail::VersionNumber,
    is_resend: bool,
    is_rfc: bool,
    /// How many patches it announces, if it says so.
    size: Option<u32>,
    sender: Person,
    seconds: i64,
}

/// Patches without a version of their own that answer a cover letter with one, `[PATCHSET v3 0/4]` or
/// `[PATCHSET v3]`, are of that version.
fn adopt(all: &[&Message], starts: &mut [Start]) {
    let mut covers: HashMap<String, Heading> = HashMap::new();
    for message in all {
        let subject = &message.subject;
        let is_cover = subject.is_patch
            && !subject.is_reply
            && subject.has_version
            && subject.number.is_none_or(|n| n.0 == 0);
        if let (true, Some(id)) = (is_cover, &message.message_id) {
            let heading = Heading {
                version: subject.version,
                is_resend: subject.is_resend,
                is_rfc: subject.is_rfc,
                size: subject.number.map(|n| n.1),
                sender: message.from.clone(),
                seconds: message.date.map_or(0, |d| d.seconds),
            };
            covers.insert(id.clone(), heading);
        }
    }
    for mine in starts {
        let Some(cover) = mine.parent_ids.first().and_then(|id| covers.get(id)) else { continue };
        let fits = match (mine.number, cover.size) {
            (Some((number, size)), Some(announced)) => number > 0 && announced == size,
            (Some((number, _)), None) => number > 0,
            (None, _) => (0..=SENT_TOGETHER).contains(&(mine.seconds - cover.seconds)),
        };
        if fits && !mine.has_version && cover.sender.is(&mine.sender) {
            (mine.version, mine.is_resend, mine.is_rfc) =
                (cover.version, cover.is_resend, cover.is_rfc);
            mine.has_version = true;
        }
    }
}

/// The branch that the tags of a backport name.
fn branch(tags: &[String]) -> Option<String> {
    tags.iter()
        .map(|t| t.to_ascii_lowercase())
        .map(|t| {
            let bare = t.trim_start_matches("for-").trim_start_matches("linux-");
            bare.trim_start_matches('v').to_owned()
        })
        .find(|t| {
            let number: String =
                t.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
            number.contains('.') && number.starts_with(|c: char| c.is_ascii_digit())
        })
}

/// The starts, each read for itself.
fn alone(all: &[&Message]) -> Vec<Start> {
    all.iter()
        .enumerate()
        .filter_map(|(index, message)| {
            let subject = &message.subject;
            if subject.is_pull {
                return None;
            }
            let cover =
                subject.is_patch && !subject.is_reply && subject.number.is_some_and(|n| n.0 == 0);
            let may = subject.is_patch || message.parts.iter().any(|p| p.attachment.is_some());
            if !may {
                return None;
            }
            let mut found = if cover { Vec::new() } else { diffs(&message.body) };
            let is_start = if subject.is_reply {
                subject.is_patch && found.first().is_some_and(|d| starts_in_reply(message, d))
            } else {
                subject.is_patch && (cover || !found.is_empty())
            };
            if !is_start {
                return None;
            }
            let diff = merge(&mut found);
            let mut start = Start {
                index,
                patch_id: diff.as_ref().and_then(change_id_of),
                diff,
                change_id: None,
                base_commit: None,
                author: author_of(message),
                sender: message.from.clone(),
                title: subject.title.clone(),
                parent_ids: message
                    .in_reply_to
                    .iter()
                    .chain(&message.references)
                    .cloned()
                    .collect(),
                message_id: message.message_id.clone(),
                seconds: message.date.map_or(0, |d| d.seconds),
                version: subject.version,
                has_version: subject.has_version,
                number: subject.number,
                is_resend: subject.is_resend,
                is_rfc: subject.is_rfc,
                branch: branch(&subject.tags),
                cited: Vec::new(),
            };
            for line in message.body.lines() {
                if line.text.contains("://") && start.cited.len() < MAX_CITED {
                    let ids = line.text.split_whitespace().filter_map(parse_mail::linked_id);
                    let lower = line.text.to_lowercase();
                    start.cited.extend(ids.map(|id| (id, lower.clone())));
                }
                let Some(found) = trailer(line.text) else { continue };
                match found.kind {
                    TrailerKind::ChangeId => start.change_id = Some(found.value),
                    TrailerKind::BaseCommit => start.base_commit = Some(found.value),
                    _ => {}
                }
            }
            Some(start)
        })
        .collect()
}

/// The `From:` at the top of the body names the author when someone else sends.
pub(crate) fn author_of(message: &Message) -> Person {
    for line in message.body.lines().take(3) {
        if let Some(rest) = line.text.strip_prefix("From: ") {
            let found = parse_mail::person(rest);
            // A relayed mail names its own writer only here.
            if found.address.is_some() && (message.from.address.is_none() || message.via.is_some())
            {
                return found;
            }
        }
        if !line.text.is_empty() && !line.text.contains(": ") {
            break;
        }
    }
    message.from.clone()
}

/// The `From:` at the top of a patch's text, where it names somebody else than the sender.
fn writer(message: &Message) -> Option<Person> {
    let first = message.body.lines().take(20).find_map(|l| l.text.strip_prefix("From: "));
    let found = parse_mail::person(first?);
    (found.address.is_some() && !found.is(&message.from)).then_some(found)
}

/// Whether a mail with `Re:` is a patch of its own: nothing is quoted above the diff, and a
/// `Signed-off-by` and `---` stand there.
fn starts_in_reply(message: &Message, diff: &Diff) -> bool {
    let mut signed = false;
    let mut ruled = false;
    for line in message.body.lines().take(diff.first) {
        if quote(line.text).depth > 0 {
            return false;
        }
        signed |= trailer(line.text).is_some_and(|t| t.tag == "Signed-off-by");
        ruled |= signed && line.text == "---";
    }
    signed && ruled
}

/// All diffs of a patch mail as one.
fn merge(found: &mut Vec<Diff>) -> Option<Diff> {
    let mut all = std::mem::take(found).into_iter();
    let mut one = all.next()?;
    for next in all {
        one.lines.last = next.lines.last;
        one.last = next.last;
        one.damage = one.damage.or(next.damage);
        one.files.extend(next.files);
    }
    Some(one)
}

/// A hash over what the diff does, without line numbers, white space and blobs. Not git's patch-id.
fn change_id_of(diff: &Diff) -> Option<u64> {
    change_hash(diff.files.iter())
}

/// A hash over what files of a diff do, without line numbers, white space and blobs; none if they change
/// too little to be told from another change.
pub(crate) fn change_hash<'a>(files: impl Iterator<Item = &'a FileDiff>) -> Option<u64> {
    let mut hash = Fnv::new();
    let mut changed = 0;
    for file in files {
        hash.add(file.path().as_bytes());
        for line in file.hunks.iter().flat_map(|h| &h.body) {
            changed += usize::from(line.kind != LineKind::Context);
            hash.add(&[line.kind.mark() as u8]);
            for word in line.text.split_whitespace() {
                hash.add(word.as_bytes());
            }
        }
    }
    (changed > 0).then_some(hash.0)
}

/// The 64-bit hash of Fowler, Noll and Vo over pieces of text.
pub(crate) struct Fnv(u64);

impl Fnv {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn value(&self) -> u64 {
        self.0
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.0 = (self.0 ^ 0x1f).wrapping_mul(0x0100_0000_01b3);
    }
}

fn author_key(person: &Person) -> String {
    person.address.clone().unwrap_or_else(|| person.name.clone()).to_lowercase()
}

pub(crate) fn name_key(person: &Person) -> String {
    if person.name.is_empty() { author_key(person) } else { person.name.to_lowercase() }
}

/// Links kept of a patch.
const MAX_CITED: usize = 64;
/// Seconds between two versions of one series, at most.
const MAX_GAP: i64 = 550 * 86_400;
/// Starts that are looked at for the versions before one.
const NEAREST: usize = 24;

/// Calls `link` for pairs of starts that belong to one series. Only pairs that share an author and a
/// file, a title or a change-id, or of which one links to the other, are looked at.
pub(crate) fn for_each_link(starts: &[Start], mut link: impl FnMut(usize, usize, Link)) {
    let mut keys: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, start) in starts.iter().enumerate() {
        let name = name_key(&start.author);
        let mut mine = vec![format!("t\0{name}\0{}", start.title.to_lowercase())];
        mine.extend(start.change_id.iter().map(|id| format!("c\0{id}")));
        mine.extend(start.patch_id.iter().map(|id| format!("p\0{id}")));
        for file in start.diff.iter().flat_map(|d| &d.files).take(64) {
            mine.push(format!("f\0{name}\0{}", file.path()));
        }
        for key in mine {
            keys.entry(key).or_default().push(at);
        }
    }
    let mut lists: Vec<(String, Vec<usize>)> =
        keys.into_iter().filter(|(_, l)| l.len() > 1).collect();
    lists.sort();
    let mut has_older = vec![false; starts.len()];
    for (key, mut list) in lists {
        list.sort_by_key(|at| (starts[*at].seconds, *at));
        for (at, &b) in list.iter().enumerate() {
            // The nearest few are enough: links are transitive.
            for &a in list[..at].iter().rev().take(NEAREST) {
                if let Some(reason) = why_linked(&starts[a], &starts[b]) {
                    has_older[b] = true;
                    link(a, b, reason);
                }
                // A first version begins anew; what was before it under the same title is another series.
                let begins = starts[a].version.major == 1 && !starts[a].is_resend;
                if begins && key.starts_with('t') {
                    break;
                }
            }
        }
    }
    by_citation(starts, &mut link);
    by_succession(starts, &has_older, &mut link);
}

/// Seconds between two versions of which the later has another title and no other tie to the earlier.
const SUCCEEDS_WITHIN: i64 = 60 * 86_400;
/// Percent of the words of two titles from which on a shared function makes them versions of one patch.
const ALIKE: usize = 35;

/// Files with the function that their first hunk names.
fn places(start: &Start) -> Vec<(&str, String)> {
    start
        .diff
        .iter()
        .flat_map(|d| &d.files)
        .filter_map(|file| {
            let name = crate::compare::name_of(&file.hunks.first()?.heading);
            (!name.is_empty()).then(|| (file.path(), name))
        })
        .collect()
}

/// A series `vN` that continues nothing under its own titles is the next version of the one series or
/// patch `vN-1` of the same person to the same functions.
fn by_succession(starts: &[Start], has_older: &[bool], link: &mut impl FnMut(usize, usize, Link)) {
    let is_single = |s: &Start| s.number.is_none_or(|n| n.1 <= 1);
    // Sent with it: the same sender, version and size, within an hour.
    let with = |a: &Start, b: &Start| {
        a.version == b.version
            && a.number.map(|n| n.1) == b.number.map(|n| n.1)
            && (a.seconds - b.seconds).abs() <= SENT_TOGETHER
            && name_key(&a.sender) == name_key(&b.sender)
    };
    for (b, later) in starts.iter().enumerate() {
        if !later.has_version || later.version.major < 2 || later.diff.is_none() {
            continue;
        }
        let goes_on = |at: usize| has_older[at] && (at == b || with(&starts[at], later));
        let at = places(later);
        if at.is_empty() || (0..starts.len()).any(goes_on) {
            continue;
        }
        let succeeds = |s: &Start| {
            let there = places(s);
            let same_place = is_single(s) && is_single(later) && there == at && at.len() == 1;
            let shared = there.iter().any(|p| at.contains(p));
            s.version.major + 1 == later.version.major
                && (1..=SUCCEEDS_WITHIN).contains(&(later.seconds - s.seconds))
                && !is_other_branch(s, later)
                && name_key(&s.author) == name_key(&later.author)
                && (same_place || shared && title_likeness(&s.title, &later.title) >= ALIKE)
        };
        let before: Vec<usize> = (0..starts.len()).filter(|at| succeeds(&starts[*at])).collect();
        let Some(&a) = before.last() else { continue };
        let one = before.iter().all(|other| {
            let (s, last) = (&starts[*other], &starts[a]);
            with(s, last)
                || s.title.eq_ignore_ascii_case(&last.title)
                || s.patch_id.is_some() && s.patch_id == last.patch_id
        });
        if one {
            link(a, b, Link::Files);
        }
    }
}

/// Whether two patches are for two branches: backports to two releases, or the later is one of the earlier
/// for an older release. The release that a new version is for may change.
fn is_other_branch(a: &Start, b: &Start) -> bool {
    match (&a.branch, &b.branch) {
        (one, two) if one == two => false,
        (Some(_), Some(_)) => true,
        (Some(only), None) | (None, Some(only)) => only.ends_with(".y") || a.version >= b.version,
        (None, None) => false,
    }
}

/// Versions that link to the mails of older ones: `v2: https://lore.kernel.org/r/…`.
fn by_citation(starts: &[Start], link: &mut impl FnMut(usize, usize, Link)) {
    let ids: HashMap<&str, usize> = starts
        .iter()
        .enumerate()
        .filter_map(|(at, s)| Some((s.message_id.as_deref()?, at)))
        .collect();
    for (b, start) in starts.iter().enumerate() {
        for (id, line) in &start.cited {
            let Some(&a) = ids.get(id.as_str()) else { continue };
            let older = &starts[a];
            let named = crate::text::has_phrase(line, &older.version.to_string())
                || ["previous version", "last version", "rfc"].iter().any(|w| line.contains(w));
            let near = (0..=MAX_GAP).contains(&(start.seconds - older.seconds));
            let newer = older.version < start.version
                || older.is_rfc && !start.is_rfc
                || older.version == start.version && start.is_resend;
            let same = older.author.is(&start.author) || older.sender.is(&start.sender);
            if a != b && near && newer && same && !is_other_branch(older, start) {
                let alike = title_likeness(&older.title, &start.title);
                if named && alike >= 20 || alike >= 50 {
                    link(a, b, Link::Cited);
                }
            }
        }
    }
}

/// Seconds between the first and the last mail of a series that was sent without threading.
const SENT_TOGETHER: i64 = 3600;

/// Calls `link` for patches of one series that answer nothing: the same sender, version and size,
/// sent within an hour. Numbers that stand there twice are two series and are left alone.
pub(crate) fn for_each_sent_together(starts: &[Start], mut link: impl FnMut(usize, usize)) {
    let mut series: HashMap<(String, parse_mail::VersionNumber, bool, u32), Vec<usize>> =
        HashMap::new();
    for (at, start) in starts.iter().enumerate() {
        let Some((_, size)) = start.number else { continue };
        if start.seconds != 0 && !start.parent_ids.iter().any(|id| id.contains('@')) {
            let key = (name_key(&start.sender), start.version, start.is_resend, size);
            series.entry(key).or_default().push(at);
        }
    }
    let mut lists: Vec<Vec<usize>> = series.into_values().filter(|l| l.len() > 1).collect();
    lists.sort();
    for mut list in lists {
        list.sort_by_key(|at| starts[*at].seconds);
        let mut rest = list.as_slice();
        while let Some(&first) = rest.first() {
            let end = rest
                .partition_point(|at| starts[*at].seconds - starts[first].seconds <= SENT_TOGETHER);
            let (mine, others) = rest.split_at(end);
            rest = others;
            let numbers: HashSet<u32> =
                mine.iter().filter_map(|at| starts[*at].number.map(|n| n.0)).collect();
            if numbers.len() == mine.len() {
                for &at in &mine[1..] {
                    link(first, at);
                }
            }
        }
    }
}

/// Why the later of two starts is a version of the earlier: the strongest reason.
fn why_linked(a: &Start, b: &Start) -> Option<Link> {
    if a.change_id.is_some() && a.change_id == b.change_id {
        return Some(Link::ChangeId);
    }
    let same_author = a.author.is(&b.author) || name_key(&a.author) == name_key(&b.author);
    let apart = (b.seconds - a.seconds).abs();
    if !same_author || is_other_branch(a, b) || a.seconds != 0 && b.seconds != 0 && apart > MAX_GAP
    {
        return None;
    }
    let newer = a.version < b.version
        || a.is_rfc && !b.is_rfc
        || b.is_resend && (a.version == b.version || !b.has_version);
    // The same change may be picked into another series; in its old place it is a version.
    if a.patch_id.is_some() && a.patch_id == b.patch_id && (newer || a.number == b.number) {
        return Some(Link::PatchId);
    }
    let same_title = a.title.eq_ignore_ascii_case(&b.title) && a.title.len() >= 8;
    if same_title && newer {
        return Some(Link::Title);
    }
    let (Some(left), Some(right)) = (&a.diff, &b.diff) else { return None };
    let mut shared = 0;
    let mut blob = false;
    for file in &left.files {
        let Some(other) = right.file(file.path()) else { continue };
        shared += 1;
        let starts_alike = file.old_blob.is_some() && file.old_blob == other.old_blob;
        let goes_on = file.new_blob.is_some() && file.new_blob == other.old_blob
            || other.new_blob.is_some() && other.new_blob == file.old_blob;
        blob |= starts_alike || goes_on;
    }
    let alike = title_likeness(&a.title, &b.title);
    // Two series of one person over the same files are told apart by their sizes.
    let same_size = a.number.map(|n| n.1) == b.number.map(|n| n.1);
    if newer && blob && same_size && alike >= 40 {
        return Some(Link::Blob);
    }
    let most = left.files.len().max(right.files.len());
    let same_place = a.number == b.number;
    (newer && shared * 2 > most && alike >= 75 && same_place && apart <= MAX_GAP / 6)
        .then_some(Link::Files)
}

/// How many percent of the words of two titles are the same.
fn title_likeness(a: &str, b: &str) -> usize {
    let words = |t: &str| -> Vec<String> {
        t.to_lowercase().split_whitespace().map(str::to_owned).collect()
    };
    let (a, b) = (words(a), words(b));
    let same = a.iter().filter(|w| b.contains(w)).count();
    same * 200 / (a.len() + b.len()).max(1)
}

/// Puts the starts of a thread together to versions of series.
pub(crate) fn find(all: &[&Message], thread: &mut Thread) {
    let starts = starts(all);
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, start) in starts.iter().enumerate() {
        let fits = |group: &Vec<usize>| {
            let first = &starts[group[0]];
            let (Some((number, size)), Some((_, other))) = (start.number, first.number) else {
                return false;
            };
            size == other
                && start.version == first.version
                && start.is_resend == first.is_resend
                && (start.author.is(&first.author)
                    || all[start.index].from.is(&all[first.index].from))
                && !group.iter().any(|g| starts[*g].number.is_some_and(|n| n.0 == number))
                && together(all, thread, start, group, &starts)
        };
        match groups.iter_mut().find(|g| fits(g)) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    // Lineages: union of all groups that some pair of starts links.
    let mut lineage: Vec<usize> = (0..groups.len()).collect();
    let mut reasons = group_links(&starts, &groups);
    answers_older(all, &starts, &groups, thread, &mut reasons);
    for (a, b, _) in &reasons {
        let (a, b) = (lineage[*a], lineage[*b]);
        let (keep, drop) = (a.min(b), a.max(b));
        for l in &mut lineage {
            if *l == drop {
                *l = keep;
            }
        }
    }
    let mut versions: Vec<(usize, Version)> = groups
        .iter()
        .enumerate()
        .map(|(g, group)| (g, version(all, &starts, group, lineage[g])))
        .collect();
    let first_of = |versions: &[(usize, Version)], lineage: usize| {
        versions.iter().filter(|v| v.1.lineage == lineage).map(|v| v.1.entry).min().unwrap_or(0)
    };
    let order: Vec<(usize, usize)> =
        versions.iter().map(|v| (v.1.lineage, first_of(&versions, v.1.lineage))).collect();
    let begin = |l: usize| order.iter().find(|o| o.0 == l).map_or(0, |o| o.1);
    versions.sort_by_key(|(_, v)| (begin(v.lineage), v.lineage, v.entry));
    let place: HashMap<usize, usize> =
        versions.iter().enumerate().map(|(new, (g, _))| (*g, new)).collect();
    let mut versions: Vec<Version> = versions.into_iter().map(|v| v.1).collect();
    for (a, b, reason) in reasons {
        let newer = place[&a].max(place[&b]);
        if !versions[newer].linked_by.contains(&reason) {
            versions[newer].linked_by.push(reason);
        }
    }
    mark_partial(&mut versions, thread);
    unmarked_covers(all, thread, &mut versions);
    unnumbered(all, thread, &mut versions);
    thread.versions = versions;
}

/// The links between groups, each once.
fn group_links(starts: &[Start], groups: &[Vec<usize>]) -> Vec<(usize, usize, Link)> {
    let mut group_of = vec![0; starts.len()];
    for (g, group) in groups.iter().enumerate() {
        for &start in group {
            group_of[start] = g;
        }
    }
    let mut found: Vec<(usize, usize, Link)> = Vec::new();
    for_each_link(starts, |a, b, reason| {
        let link = (group_of[a], group_of[b], reason);
        if link.0 != link.1 && !found.contains(&link) {
            found.push(link);
        }
    });
    let mut others: HashMap<(usize, usize), bool> = HashMap::new();
    // What has a version before it under the very title needs no tie to a similar one.
    let titled: HashSet<usize> = found.iter().filter(|l| l.2 == Link::Title).map(|l| l.1).collect();
    found.retain(|&(a, b, reason)| {
        let same_title = || {
            let (one, two) = (head(starts, &groups[a]), head(starts, &groups[b]));
            one.title.eq_ignore_ascii_case(&two.title)
        };
        let is_weak = matches!(reason, Link::Files | Link::Blob);
        if is_weak && titled.contains(&b) && !same_title() {
            return false;
        }
        !reason.is_of_one_patch()
            || !*others.entry((a, b)).or_insert_with(|| is_other_series(starts, groups, a, b))
    });
    found
}

/// What a group goes by: its cover letter, else its first patch.
fn head<'s>(starts: &'s [Start], group: &[usize]) -> &'s Start {
    let number = |s: &&Start| s.number.map_or(1, |n| n.0);
    let first = group.iter().map(|s| &starts[*s]).min_by_key(number);
    first.unwrap_or(&starts[group[0]])
}

/// Whether two groups of different titles are two series that have a patch in common, rather than two
/// versions of one: the later has a version before it under its own title, or counts its versions anew, or
/// shares too few patches.
fn is_other_series(starts: &[Start], groups: &[Vec<usize>], a: usize, b: usize) -> bool {
    let (one, two) = (head(starts, &groups[a]), head(starts, &groups[b]));
    let alike = |a: &Start, b: &Start| title_likeness(&a.title, &b.title) >= 50;
    if alike(one, two) {
        return false;
    }
    let ((earlier, x), (later, y)) = match one.seconds <= two.seconds {
        true => ((one, &groups[a]), (two, &groups[b])),
        false => ((two, &groups[b]), (one, &groups[a])),
    };
    let before = |title: &Start| {
        groups
            .iter()
            .map(|g| head(starts, g))
            .filter(|h| h.seconds < later.seconds && alike(h, title))
            .map(|h| h.version)
            .max()
    };
    let reached = before(earlier).unwrap_or(earlier.version);
    let patches = |group: &Vec<usize>| -> Vec<&Start> {
        group.iter().map(|s| &starts[*s]).filter(|s| s.number.is_none_or(|n| n.0 > 0)).collect()
    };
    let (x, y) = (patches(x), patches(y));
    let same = |x: &Start, y: &Start| {
        x.title.eq_ignore_ascii_case(&y.title) || x.patch_id.is_some() && x.patch_id == y.patch_id
    };
    let shared = x.iter().filter(|p| y.iter().any(|q| same(p, q))).count();
    let (fewer, more) = (x.len().min(y.len()), x.len().max(y.len()));
    if later.version <= reached {
        // `[RFC v4 0/9]` becomes `[PATCH 0/8]` with most of its patches; a resend has them all.
        let grows_up = earlier.is_rfc && !later.is_rfc && shared * 2 >= more;
        return !(grows_up || later.is_resend && shared > 0);
    }
    // A single patch goes on alone or within a series.
    if x.len() <= 1 {
        return false;
    }
    let has_cover = |start: &Start| start.number.is_some_and(|n| n.0 == 0);
    // Series without cover letters go by their first patch at hand, which says little.
    if !has_cover(earlier) || !has_cover(later) {
        return false;
    }
    if before(later).is_some_and(|v| v < later.version) {
        return true;
    }
    // From v3 on the next number by chance is unlikely.
    let goes_on = reached.major >= 2 && later.version.major == reached.major + 1;
    shared * 2 < fewer && !goes_on
}

/// Whether a start belongs to a group of the same version: they answer each other or the same mail,
/// or stand on one page, or were sent within an hour.
fn together(
    all: &[&Message],
    thread: &Thread,
    start: &Start,
    group: &[usize],
    starts: &[Start],
) -> bool {
    group.iter().any(|g| {
        let other = &starts[*g];
        let refers = |a: &Start, b: &Start| {
            b.message_id.as_ref().is_some_and(|id| a.parent_ids.contains(id))
        };
        refers(start, other)
            || refers(other, start)
            || start.parent_ids.last().is_some()
                && start.parent_ids.first() == other.parent_ids.first()
            || thread.entries[start.index].parent.is_some()
                && thread.entries[start.index].parent == thread.entries[other.index].parent
            || all[start.index].source == parse_mail::Source::Page
            || (start.seconds - other.seconds).abs() <= SENT_TOGETHER
    })
}

/// A newer version that answers an older one: of the same author whatever its title, or of the same
/// title when somebody else goes on with it.
fn answers_older(
    all: &[&Message],
    starts: &[Start],
    groups: &[Vec<usize>],
    thread: &Thread,
    reasons: &mut Vec<(usize, usize, Link)>,
) {
    for (g, group) in groups.iter().enumerate() {
        let start = &starts[group[0]];
        let is_first = !start.has_version && start.version.major == 1;
        let mut up = thread.entries[start.index].parent;
        for _ in 0..thread.entries.len() {
            let Some(parent) = up else { break };
            let above =
                groups.iter().position(|other| other.iter().any(|s| starts[*s].index == parent));
            if let Some(above) = above
                && above != g
            {
                let other = &starts[groups[above][0]];
                let same = start.author.is(&other.author)
                    || all[start.index].from.is(&all[other.index].from)
                    || start.title.eq_ignore_ascii_case(&other.title);
                // The same patch of the same version once more, in answer to a remark on it.
                let again = other.version == start.version
                    && groups[above].iter().any(|s| {
                        starts[*s].number == start.number
                            && starts[*s].title.eq_ignore_ascii_case(&start.title)
                    });
                // What has a version before it under its own title goes on with that one.
                let has_own = !start.title.eq_ignore_ascii_case(&other.title)
                    && groups.iter().enumerate().any(|(at, group)| {
                        let head = head(starts, group);
                        at != g
                            && head.version < start.version
                            && head.title.eq_ignore_ascii_case(&start.title)
                    });
                let newer = other.version < start.version && !is_first && !has_own;
                if same && (again || newer) {
                    reasons.push((above, g, Link::InReplyTo));
                }
                break;
            }
            up = thread.entries[parent].parent;
        }
    }
}

fn version(all: &[&Message], starts: &[Start], group: &[usize], lineage: usize) -> Version {
    let mut members: Vec<&Start> = group.iter().map(|g| &starts[*g]).collect();
    members.sort_by_key(|s| (s.number.map_or(1, |n| n.0), s.index));
    let first = members[0];
    let cover = members.iter().find(|s| s.number.is_some_and(|n| n.0 == 0)).map(|s| s.index);
    let patches: Vec<Patch> = members
        .iter()
        .filter(|s| Some(s.index) != cover)
        .map(|s| Patch {
            number: s.number.map_or(1, |n| n.0),
            entry: s.index,
            title: s.title.clone(),
            writer: writer(all[s.index]),
            diff: s.diff.clone(),
            patch_id: s.patch_id,
        })
        .collect();
    Version {
        lineage,
        number: first.version,
        is_resend: first.is_resend,
        is_rfc: first.is_rfc,
        is_partial: false,
        again: 0,
        entry: cover
            .unwrap_or_else(|| members.iter().map(|s| s.index).min().unwrap_or(first.index)),
        cover,
        is_cover_inferred: false,
        size: first.number.map_or(1, |n| n.1),
        patches,
        change_id: members.iter().find_map(|s| s.change_id.clone()),
        base_commit: members.iter().find_map(|s| s.base_commit.clone()),
        linked_by: Vec::new(),
        title: first.title.clone(),
        author: match cover {
            Some(c) => all[c].from.clone(),
            None => first.author.clone(),
        },
    }
}

/// A version is a partial reroll if its number says so (`v5.1`), or if it lacks patches that the one
/// before has and was sent in answer to that one.
fn mark_partial(versions: &mut [Version], thread: &Thread) {
    for at in 0..versions.len() {
        let before =
            at.checked_sub(1).map(|b| &versions[b]).filter(|b| b.lineage == versions[at].lineage);
        let Some(before) = before else { continue };
        let mine = &versions[at];
        let entries: Vec<usize> =
            before.patches.iter().map(|p| p.entry).chain(before.cover).collect();
        let answers = mine.patches.iter().any(|p| {
            let mut up = thread.entries[p.entry].parent;
            let mut found = false;
            for _ in 0..16 {
                let Some(parent) = up else { break };
                found |= entries.contains(&parent);
                up = thread.entries[parent].parent;
            }
            found
        });
        let fewer =
            mine.patches.len() < before.patches.len() || (mine.patches.len() as u32) < mine.size;
        let lacks = (mine.patches.len() as u32) < mine.size && mine.size == before.size;
        let partial = mine.number.minor > 0
            || mine.cover.is_none() && mine.size > 1 && (answers && fewer || lacks);
        let again = versions[..at]
            .iter()
            .rev()
            .take_while(|v| v.lineage == mine.lineage)
            .filter(|v| v.number == mine.number && v.is_resend == mine.is_resend)
            .count();
        versions[at].is_partial = partial;
        versions[at].again = u32::try_from(again).unwrap_or(u32::MAX);
    }
}

/// Gives patches without numbers to the cover letter `[PATCH 0/n]` that they answer, in their order, if
/// they are as many as it lacks.
fn unnumbered(all: &[&Message], thread: &Thread, versions: &mut Vec<Version>) {
    let mut taken: Vec<usize> = Vec::new();
    for at in 0..versions.len() {
        let Some(cover) = versions[at].cover else { continue };
        if !versions[at].patches.is_empty() {
            continue;
        }
        let (number, resend, size) =
            (versions[at].number, versions[at].is_resend, versions[at].size);
        let mine: Vec<usize> = (0..versions.len())
            .filter(|v| {
                let other = &versions[*v];
                other.cover.is_none()
                    && other.number == number
                    && other.is_resend == resend
                    && other.patches.len() == 1
                    && all[other.entry].subject.number.is_none()
                    && all[other.entry].from.is(&all[cover].from)
                    && thread.entries[other.entry].parent == Some(cover)
                    && !taken.contains(v)
            })
            .collect();
        if mine.len() as u64 != u64::from(size) {
            continue;
        }
        let mut patches: Vec<Patch> =
            mine.iter().flat_map(|v| versions[*v].patches.clone()).collect();
        patches.sort_by_key(|p| p.entry);
        for (place, patch) in (1..).zip(&mut patches) {
            patch.number = place;
        }
        versions[at].patches = patches;
        taken.extend(mine);
    }
    let mut index = 0;
    versions.retain(|_| {
        index += 1;
        !taken.contains(&(index - 1))
    });
}

/// Finds cover letters without `[PATCH 0/n]`: the first mail of a thread, of the sender of the
/// patches, sent right before the first of them, which answers it.
fn unmarked_covers(all: &[&Message], thread: &Thread, versions: &mut [Version]) {
    for version in versions.iter_mut().filter(|v| v.cover.is_none()) {
        let Some(first) = version.patches.iter().min_by_key(|p| p.number) else { continue };
        let Some(above) = thread.entries[first.entry].parent else { continue };
        let (patch, cover) = (all[first.entry], all[above]);
        let apart = patch.date.zip(cover.date).map(|(p, c)| p.seconds - c.seconds);
        let subject = &cover.subject;
        let begins = thread.entries[above].parent.is_none()
            && cover.in_reply_to.is_empty()
            && !subject.is_reply
            && (!subject.is_patch || subject.number.is_none())
            && !subject.is_pull;
        if begins
            && cover.from.is(&patch.from)
            && apart.is_some_and(|s| (0..=SENT_TOGETHER).contains(&s))
            && diffs(&cover.body).is_empty()
        {
            version.cover = Some(above);
            version.entry = above;
            version.is_cover_inferred = true;
            if version.size > 1 {
                version.title.clone_from(&subject.title);
            }
        }
    }
}

/// The series that a thread is about: that of the mail that was asked for, else the one that begins it.
pub(crate) fn main_lineage(thread: &Thread) -> Option<usize> {
    let asked = thread.asked.and_then(|e| thread.entries[e].about);
    asked.or(thread.versions.first().map(|_| 0)).map(|v| thread.versions[v].lineage)
}

/// The index of the newest version of the series that the thread is about.
pub(crate) fn newest(thread: &Thread) -> Option<usize> {
    let lineage = main_lineage(thread)?;
    thread.versions.iter().rposition(|v| v.lineage == lineage)
}

/// Version numbers below the newest of the series that are not at hand.
pub(crate) fn missing(thread: &Thread) -> Vec<parse_mail::VersionNumber> {
    let lineage = main_lineage(thread);
    let main = || thread.versions.iter().filter(move |v| Some(v.lineage) == lineage);
    let newest = main().map(|v| v.number.major).max().unwrap_or(0);
    (1..newest.min(1000))
        .filter(|major| !main().any(|v| v.number.major == *major))
        .map(|major| parse_mail::VersionNumber { major, minor: 0 })
        .collect()
}

/// Finds the diffs that are no version and how each relates to the versions.
pub(crate) fn drafts(all: &[&Message], thread: &mut Thread) {
    for (entry, message) in all.iter().enumerate() {
        let is_version = thread.versions.iter().any(|v| v.patches.iter().any(|p| p.entry == entry));
        if is_version {
            continue;
        }
        for diff in diffs(&message.body) {
            let (relation, evidence, grade) = relate(&diff, entry, thread);
            thread.drafts.push(Draft { entry, diff, relation, evidence, grade });
        }
    }
}

/// Whether two diffs change the same lines of the same files, wherever these stand.
fn is_same(a: &Diff, b: &Diff) -> bool {
    let lines = |d: &Diff| -> Vec<(LineKind, String)> {
        let hunks = d.files.iter().flat_map(|f| &f.hunks);
        hunks.flat_map(|h| &h.body).map(|l| (l.kind, l.text.clone())).collect()
    };
    a.files.len() == b.files.len()
        && a.files.iter().zip(&b.files).all(|(x, y)| x.path() == y.path())
        && a.added() + a.removed() > 0
        && lines(a) == lines(b)
}

fn relate(diff: &Diff, entry: usize, thread: &Thread) -> (Relation, Vec<u64>, Grade) {
    // The nearest version before the draft is the most likely one.
    let candidates: Vec<usize> =
        (0..thread.versions.len()).filter(|v| thread.versions[*v].entry <= entry).collect();
    let files_of = |v: usize| {
        thread.versions[v].patches.iter().filter_map(|p| p.diff.as_ref()).flat_map(|d| &d.files)
    };
    let twin = candidates.iter().rev().find_map(|v| {
        let mut diffs = thread.versions[*v].patches.iter().filter_map(|p| p.diff.as_ref());
        diffs.find(|d| is_same(d, diff)).map(|d| (*v, d.lines.first))
    });
    if let Some((version, line)) = twin {
        return (Relation::Same(version), vec![line, diff.lines.first], Grade::Seen);
    }
    let same_blob = |a: &Option<String>, b: &Option<String>| match (a, b) {
        (Some(a), Some(b)) => a.starts_with(b.as_str()) || b.starts_with(a.as_str()),
        _ => false,
    };
    for &v in candidates.iter().rev() {
        for file in &diff.files {
            let incremental = files_of(v)
                .find(|f| f.path() == file.path() && same_blob(&f.new_blob, &file.old_blob));
            if let Some(f) = incremental {
                return (
                    Relation::Incremental(v),
                    vec![f.first_line + 1, file.first_line + 1],
                    Grade::Derived,
                );
            }
        }
        for file in &diff.files {
            let base = files_of(v)
                .find(|f| f.path() == file.path() && same_blob(&f.old_blob, &file.old_blob));
            if let Some(f) = base {
                return (
                    Relation::Replacement(v),
                    vec![f.first_line + 1, file.first_line + 1],
                    Grade::Derived,
                );
            }
        }
    }
    // Without blobs the lines tell: what the draft finds and the version added was not there before.
    for &v in candidates.iter().rev() {
        let mut touches = false;
        for file in &diff.files {
            for other in files_of(v).filter(|f| f.path() == file.path()) {
                touches = true;
                let lines = |f: &FileDiff, kind: LineKind| -> Vec<(String, u64)> {
                    f.hunks
                        .iter()
                        .flat_map(|h| &h.body)
                        .filter(|l| l.kind == kind)
                        .map(|l| (fold(&l.text), l.number))
                        .filter(|l| l.0.len() > 6)
                        .collect()
                };
                let added = lines(other, LineKind::Added);
                let mut base = lines(other, LineKind::Context);
                base.extend(lines(other, LineKind::Removed));
                let mut before = lines(file, LineKind::Removed);
                before.extend(lines(file, LineKind::Context));
                for (text, number) in before {
                    if base.iter().any(|b| b.0 == text) {
                        continue;
                    }
                    if let Some(found) = added.iter().find(|a| a.0 == text) {
                        return (Relation::Incremental(v), vec![found.1, number], Grade::Inferred);
                    }
                }
                let again = lines(file, LineKind::Added);
                let same = again.iter().filter(|a| added.iter().any(|b| b.0 == a.0)).count();
                if same > 0 && same * 2 >= added.len() {
                    let number = again.first().map_or(file.first_line, |l| l.1);
                    return (
                        Relation::Replacement(v),
                        vec![other.first_line, number],
                        Grade::Inferred,
                    );
                }
            }
        }
        if touches {
            return (Relation::Touches(v), vec![diff.lines.first], Grade::Seen);
        }
    }
    (Relation::Unrelated, vec![diff.lines.first], Grade::Seen)
}
