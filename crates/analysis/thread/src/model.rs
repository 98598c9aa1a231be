//! The nouns of a thread. Data only; indexes of messages are indexes into [`Thread::entries`].

use std::sync::{Arc, OnceLock};

use model::{Grade, LineSpan, RuleName};
use parse_mail::{BugId, Diff, LinkKind, Person, Trailer, VersionNumber};

use crate::compare::Change;

/// A thread with all that was found in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// Messages in order of time: the first is M1.
    pub entries: Vec<Entry>,
    /// The message that was asked for, if one was.
    pub asked: Option<usize>,
    /// Messages that others answer and that are not at hand: their Message-IDs.
    pub absent: Vec<String>,
    /// People added to the conversation who wrote nothing in it.
    pub silent: Vec<Silent>,
    /// Versions of all series, oldest first within a series.
    pub versions: Vec<Version>,
    /// Diffs that are no version.
    pub drafts: Vec<Draft>,
    /// Version numbers below the newest that are not at hand.
    pub missing_versions: Vec<VersionNumber>,
    /// What changed from one version (or draft) to the next.
    pub comparisons: Vec<Comparison>,
    /// Trailers outside quotes.
    pub tags: Vec<Tag>,
    /// Bug ids.
    pub bugs: Vec<BugMention>,
    /// What was noticed about the bug ids and their links.
    pub bug_notes: Vec<Note>,
    /// Commits named.
    pub commits: Vec<NamedCommit>,
    /// Links that will vanish or that hide where they lead.
    pub links: Vec<DoubtfulLink>,
    /// Questions and demands, in order of time.
    pub questions: Vec<Question>,
    /// The author's own questions that a newer version has overtaken.
    pub superseded: Vec<Superseded>,
    /// Claims that were taken back.
    pub withdrawn: Vec<WithdrawnClaim>,
    /// Commands to syzbot.
    pub commands: Vec<Command>,
    /// Pull requests.
    pub pulls: Vec<PullRequest>,
    /// Tests asked for, offered and done.
    pub tests: Tests,
    /// What a look at the newest diff shows and nobody said.
    pub findings: Vec<Finding>,
    /// The sum of it all.
    pub state: State,
    /// What each line of each message is, as far as it was asked.
    pub(crate) roles: Vec<OnceLock<Arc<[Role]>>>,
}

impl Thread {
    /// A version and, while they are partial, the ones before it that it goes on from; the newest
    /// first.
    pub fn whole(&self, version: usize) -> impl Iterator<Item = usize> {
        let mut goes_on = true;
        let lineage = self.versions.get(version).map(|v| v.lineage);
        (0..self.versions.len().min(version + 1))
            .rev()
            .filter(move |v| Some(self.versions[*v].lineage) == lineage)
            .take_while(move |v| std::mem::replace(&mut goes_on, self.versions[*v].is_partial))
    }

    /// The version that was asked for and the newest of the same series, where that is another one.
    pub fn superseded(&self) -> Option<(usize, usize)> {
        let asked = self.entries[self.asked?].about?;
        let newest = self.state.newest?;
        let is_older = newest != asked && !self.whole(newest).any(|v| v == asked);
        is_older.then_some((asked, newest))
    }

    /// The Message-IDs of the mails that are about any version of the series, or about none.
    pub fn series_ids<'m>(
        &'m self,
        messages: &'m [parse_mail::Message],
    ) -> impl Iterator<Item = String> + 'm {
        let lineage = self.state.newest.map(|v| self.versions[v].lineage);
        self.entries.iter().filter_map(move |entry| {
            let of_series = entry.about.is_none_or(|v| Some(self.versions[v].lineage) == lineage);
            messages[entry.message].message_id.clone().filter(|_| of_series)
        })
    }

    /// The title of a version: that of its cover letter, also where only some of its patches were
    /// sent again.
    pub fn title(&self, version: usize) -> &str {
        let covered = self.whole(version).find(|v| self.versions[*v].cover.is_some());
        &self.versions[covered.unwrap_or(version)].title
    }
}

/// What a line of a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The commit message of a patch.
    CommitMessage,
    /// Below `---` of a patch.
    Notes,
    /// The sender's own words in any other mail.
    Words,
    /// A quote.
    Quoted,
    /// The line above a quote.
    Attribution,
    /// Part of a diff or its statistics.
    Diff,
    /// A command to a bot.
    Command,
    /// A signature or a list's footer.
    Signature,
}

/// When a message was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// Not before this, in seconds since 1970.
    pub low: i64,
    /// Not after this.
    pub high: i64,
    /// Whether the text gives it to the minute or better.
    pub is_exact: bool,
    /// Whether seconds are known.
    pub has_seconds: bool,
    /// Nothing is known.
    pub is_unknown: bool,
    /// The line that tells: that of the message or the quote that dates it.
    pub line: u64,
}

/// What a message is in its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The cover letter of the version with this index.
    Cover(usize),
    /// A patch of the version with this index.
    Patch(usize),
    /// Someone else's answer to a patch.
    Review,
    /// The author's answer.
    Answer,
    /// Anything else.
    Remark,
}

/// A message in its thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Index of the message in the input.
    pub message: usize,
    /// When it was sent.
    pub when: When,
    /// The message it answers.
    pub parent: Option<usize>,
    /// The line that shows whom it answers, when a quote does.
    pub parent_line: Option<u64>,
    /// Its quote shows that it answers `parent`, and its headers name another mail: the line that is
    /// quoted, and the message that the headers name.
    pub by_quote: Option<(u64, usize)>,
    /// Its `Date`, in seconds since 1970, where other mails or the machines on its way show that it
    /// cannot be.
    pub refused: Option<i64>,
    /// What it is.
    pub kind: Kind,
    /// The version it is about: the one it carries or answers.
    pub about: Option<usize>,
    /// Further copies of it in the input.
    pub copies: usize,
}

/// Someone who was brought in and is silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent {
    /// Who.
    pub person: Person,
    /// Where the name was added.
    pub line: u64,
}

/// A patch of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Its number in the series, from 1.
    pub number: u32,
    /// The message.
    pub entry: usize,
    /// Its title.
    pub title: String,
    /// Who wrote it, where the `From:` in its text names somebody else than its sender.
    pub writer: Option<Person>,
    /// Its diff. None when the message has none that can be read.
    pub diff: Option<Diff>,
    /// Hash over the change without line numbers and white space.
    pub patch_id: Option<u64>,
}

/// A version of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Which series: versions of one have the same number.
    pub lineage: usize,
    /// The number.
    pub number: VersionNumber,
    /// Sent again unchanged.
    pub is_resend: bool,
    /// A proposal for comment.
    pub is_rfc: bool,
    /// It replaces only some patches of the version before.
    pub is_partial: bool,
    /// How many versions of the same number were sent before; 0 for the first.
    pub again: u32,
    /// The message that begins it.
    pub entry: usize,
    /// The cover letter.
    pub cover: Option<usize>,
    /// The cover letter has no `[PATCH 0/n]`: its sender's patches answer it at once.
    pub is_cover_inferred: bool,
    /// How many patches it has by its subjects.
    pub size: u32,
    /// The patches at hand.
    pub patches: Vec<Patch>,
    /// `change-id`.
    pub change_id: Option<String>,
    /// `base-commit`.
    pub base_commit: Option<String>,
    /// Why it is taken for a version of the same series as the one before.
    pub linked_by: Vec<Link>,
    /// Its title.
    pub title: String,
    /// Its author.
    pub author: Person,
}

impl Version {
    /// Numbers of the patches that are not at hand.
    pub fn missing(&self) -> Vec<u32> {
        (1..=self.size.min(9999)).filter(|n| !self.patches.iter().any(|p| p.number == *n)).collect()
    }

    /// The name: `v3`, `v3 RESEND`; `v3 again` for patches that were sent a second time under the
    /// number of a version that stays.
    pub fn name(&self) -> String {
        let number = self.number;
        match (self.is_resend, self.again) {
            (true, 0) => format!("{number} RESEND"),
            (true, n) => format!("{number} RESEND ({})", n.saturating_add(1)),
            (false, 0) => number.to_string(),
            (false, 1) => format!("{number} again"),
            (false, n) => format!("{number} again ({n})"),
        }
    }
}

/// Why two versions are of one series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The same `change-id`.
    ChangeId,
    /// The new one answers the old one or a reply to it.
    InReplyTo,
    /// A patch is the same but for line numbers.
    PatchId,
    /// A file starts from the same blob, or from the one the old version made.
    Blob,
    /// The new one links to the old one.
    Cited,
    /// The same author and title.
    Title,
    /// The same author, files and a similar title.
    Files,
}

impl Link {
    /// Whether it ties one patch to another, not the series that they are in.
    pub(crate) const fn is_of_one_patch(self) -> bool {
        matches!(self, Self::PatchId | Self::Blob | Self::Title | Self::Files)
    }

    /// How it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChangeId => "change-id",
            Self::InReplyTo => "in-reply-to",
            Self::PatchId => "patch-id",
            Self::Blob => "blob",
            Self::Cited => "link",
            Self::Title => "title",
            Self::Files => "author and files",
        }
    }
}

/// A diff that is no version of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The message.
    pub entry: usize,
    /// The diff.
    pub diff: Diff,
    /// How it relates to the versions.
    pub relation: Relation,
    /// Lines that show the relation.
    pub evidence: Vec<u64>,
    /// How sure the relation is.
    pub grade: Grade,
}

/// How a draft relates to the versions at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It does what a patch of the version does: a copy, as bots send it that tell of an applied one.
    Same(usize),
    /// It starts where the version ends.
    Incremental(usize),
    /// It starts from the base of the version and would replace it.
    Replacement(usize),
    /// It touches files of the version; the blobs do not tell from where it starts.
    Touches(usize),
    /// It touches no file of any version.
    Unrelated,
}

/// A side of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A version, by its index.
    Version(usize),
    /// A draft, by its index.
    Draft(usize),
}

/// What changed between two diffs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The older side.
    pub from: Side,
    /// The newer side.
    pub to: Side,
    /// Files that start from another blob now: path, old and new blob.
    pub moved_base: Vec<(String, String, String)>,
    /// Files only in the older side.
    pub files_gone: Vec<String>,
    /// Files only in the newer side.
    pub files_new: Vec<String>,
    /// What changed, by function.
    pub changes: Vec<Change>,
}

/// Where a trailer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the commit message.
    Message,
    /// Below `---`, where `git am` drops it.
    BelowLine,
    /// In a cover letter.
    Cover,
    /// In a reply.
    Reply,
}

impl Place {
    /// How it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Message => "commit message",
            Self::BelowLine => "below ---",
            Self::Cover => "cover letter",
            Self::Reply => "reply",
        }
    }
}

/// A trailer with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The message.
    pub entry: usize,
    /// The version it is in or given to.
    pub version: Option<usize>,
    /// The message of the patch it is in or given to; none if it is in or given to a cover letter.
    pub patch: Option<usize>,
    /// A reply names somebody else than its sender.
    pub is_for_other: bool,
    /// Where.
    pub place: Place,
    /// The trailer.
    pub trailer: Trailer,
    /// Its lines in the input.
    pub lines: LineSpan,
    /// Not a tag of the kernel's.
    pub is_unknown: bool,
    /// It should name an address and does not.
    pub lacks_address: bool,
    /// The sentence before makes it depend on something: the line.
    pub condition: Option<u64>,
    /// A reply to an older version gave it, and the newest has a patch with the same diff: the
    /// message of that patch.
    pub carried_to: Option<usize>,
}

/// A bug id where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BugMention {
    /// The id.
    pub id: BugId,
    /// The message in which it stands outside quotes first.
    pub entry: usize,
    /// Lines outside quotes.
    pub lines: Vec<u64>,
    /// Versions whose own messages name it.
    pub versions: Vec<usize>,
    /// Whether a trailer names it, so that it survives a merge.
    pub in_trailer: bool,
}

/// A remark of the program with its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// One sentence.
    pub statement: String,
    /// The lines that prove it.
    pub lines: Vec<LineSpan>,
    /// How sure.
    pub grade: Grade,
    /// By which rule.
    pub rule: RuleName,
}

/// A commit that was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedCommit {
    /// The id as written first.
    pub id: String,
    /// Its title, if written.
    pub title: Option<String>,
    /// The release named with it.
    pub release: Option<String>,
    /// Lines outside quotes.
    pub lines: Vec<u64>,
    /// Whether a `Fixes` names it.
    pub is_fixes: bool,
}

/// A link that will not help for long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoubtfulLink {
    /// The address.
    pub url: String,
    /// Why.
    pub kind: LinkKind,
    /// The line.
    pub line: u64,
    /// What the text itself says about its life.
    pub note: Option<String>,
}

/// What kind of thing is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A question.
    Question,
    /// A change is wanted.
    Request,
    /// Something is said to be wrong.
    Objection,
    /// A test is wanted.
    Test,
    /// The fault is dated to another commit than `Fixes` names.
    Fixes,
}

impl Ask {
    /// How it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Question => "question",
            Self::Request => "request",
            Self::Objection => "objection",
            Self::Test => "test",
            Self::Fixes => "fixes",
        }
    }
}

/// What stands above a question in the quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Lines of the diff of a version: its index, the path, and the line in its message.
    Code {
        /// Index of the version.
        version: usize,
        /// The file.
        path: String,
        /// The function or hunk heading.
        function: String,
        /// Lines of the version's message, the last quoted last.
        lines: Vec<u64>,
    },
    /// Lines of text.
    Text {
        /// Lines in the input.
        lines: Vec<u64>,
    },
    /// Nothing is quoted.
    None,
}

/// How a reply to a question sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Agreement or thanks.
    Agrees,
    /// An explanation or a refusal.
    Answers,
    /// A question back.
    AsksBack,
    /// Someone else should answer.
    Deflects,
    /// It could be done.
    Offers,
    /// The question is taken back.
    Withdraws,
}

impl Tone {
    /// How it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Answers => "answers",
            Self::AsksBack => "asks back",
            Self::Deflects => "deflects",
            Self::Offers => "offers",
            Self::Withdraws => "withdraws",
        }
    }
}

/// A reply to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The message.
    pub entry: usize,
    /// The lines.
    pub lines: LineSpan,
    /// Whether the one who asked wrote it.
    pub by_asker: bool,
    /// Whether the author of the series wrote it.
    pub by_author: bool,
    /// How it sounds.
    pub tone: Tone,
    /// Its text, white space folded.
    pub text: String,
}

/// How a question stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionState {
    /// Nothing closes it.
    Open,
    /// Answered in words; the asker has not said more.
    Answered,
    /// One part is answered, another is not.
    Partly,
    /// The lines it is about changed in the version with this index; the asker has not said more.
    Changed(usize),
    /// The asker confirmed.
    Confirmed,
    /// Settled in words, and the lines it is about are gone in that version.
    Resolved(usize),
    /// What it is about is gone in that version.
    Moot(usize),
    /// The asker took it back.
    Withdrawn,
}

impl QuestionState {
    /// Whether nobody owes anything any more.
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Confirmed | Self::Resolved(_) | Self::Moot(_) | Self::Withdrawn)
    }
}

/// A question or demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Who asks.
    pub asker: Person,
    /// What kind of thing.
    pub ask: Ask,
    /// Where it is asked: entry and lines.
    pub asked: Vec<(usize, LineSpan)>,
    /// The decisive sentence, as written.
    pub text: String,
    /// Further sentences that ask, of the same paragraph.
    pub parts: Vec<String>,
    /// The version it is about.
    pub version: Option<usize>,
    /// What it is about.
    pub anchor: Anchor,
    /// Who is asked by name.
    pub asked_of: Vec<String>,
    /// Replies in order of time.
    pub exchanges: Vec<Exchange>,
    /// How it stands.
    pub state: QuestionState,
    /// Why it stands so.
    pub reason: String,
    /// Lines that show the change, if the state rests on one.
    pub evidence: Vec<u64>,
    /// Whose turn it is; empty when it is closed.
    pub waits_for: Vec<String>,
    /// SEEN for a question mark, INFERRED for a demand read from words.
    pub grade: Grade,
    /// Whether the author of the series is the one to act.
    pub author_acts: bool,
}

/// An own question of the author that a newer version overtook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superseded {
    /// The message.
    pub entry: usize,
    /// The lines.
    pub lines: LineSpan,
    /// The sentence.
    pub text: String,
    /// The newer version.
    pub by: usize,
}

/// A claim that its maker took back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithdrawnClaim {
    /// The claim, as written.
    pub text: String,
    /// Where it is made.
    pub lines: Vec<LineSpan>,
    /// Where it is refuted.
    pub refuted: Vec<LineSpan>,
    /// Where it is given up.
    pub conceded: LineSpan,
    /// What it was backed by, if that is doubtful.
    pub backed_by: Option<String>,
}

/// A command to syzbot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The message.
    pub entry: usize,
    /// Who gives it.
    pub person: Person,
    /// The lines.
    pub lines: LineSpan,
    /// `test`, `fix`, `dup`, `invalid`, `undup`, `set` and so on.
    pub name: String,
    /// What stands behind it; may be empty.
    pub argument: String,
}

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// The message.
    pub entry: usize,
    /// The lines that say from where.
    pub lines: LineSpan,
    /// The repository.
    pub url: String,
    /// The branch or tag.
    pub reference: Option<String>,
    /// The commit on which the changes stand.
    pub base: Option<String>,
    /// The last commit of the changes.
    pub head: Option<String>,
    /// Somebody's word that it was merged; no proof of a merge.
    pub pulled: Option<Pulled>,
}

/// Somebody's word that a pull request was merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// The message.
    pub entry: usize,
    /// The line.
    pub line: u64,
    /// The merge.
    pub commit: Option<String>,
}

/// A test that was wanted, offered or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestNote {
    /// The message.
    pub entry: usize,
    /// Who wrote it.
    pub person: Person,
    /// The lines.
    pub lines: LineSpan,
    /// The sentence.
    pub text: String,
    /// Configurations it names.
    pub configs: Vec<String>,
    /// For a result: whether it is good. None when nothing was run.
    pub passed: Option<bool>,
}

/// All about tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tests {
    /// Asked for.
    pub asked: Vec<TestNote>,
    /// Offered.
    pub offered: Vec<TestNote>,
    /// Said to be done, and results of machines.
    pub done: Vec<TestNote>,
    /// How many people gave the newest version a `Tested-by`, in its replies or its messages.
    pub tested_by: usize,
}

/// Something a look at the newest diff shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// One or two sentences.
    pub statement: String,
    /// The lines.
    pub lines: Vec<LineSpan>,
    /// Whether it may break something, or is only style.
    pub is_style: bool,
    /// How sure.
    pub grade: Grade,
}

/// Somebody's word that something was applied, or is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Who says so.
    pub person: Person,
    /// Where, a line of the input.
    pub line: u64,
    /// The number of the patch that it is about; none for the whole version.
    pub patch: Option<u32>,
}

/// Whose turn it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// Nobody's: it was applied, given up, or nothing is open.
    #[default]
    Nobody,
    /// The author of the newest version.
    Author,
    /// Those who review.
    Reviewers,
    /// Whoever takes it: it has review tags and nothing is open.
    Maintainer,
    /// People who were asked.
    People(Vec<String>),
}

impl Turn {
    /// How it is printed.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Author => "author",
            Self::Reviewers => "reviewers",
            Self::Maintainer => "maintainer",
            Self::People(_) => "people",
        }
    }
}

/// The sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Whose turn it is.
    pub turn: Turn,
    /// The newest version, by its index.
    pub newest: Option<usize>,
    /// Open, answered, partly, changed, closed.
    pub open: usize,
    /// Answered in words only.
    pub answered: usize,
    /// Partly answered.
    pub partly: usize,
    /// Changed and unconfirmed.
    pub changed: usize,
    /// Closed.
    pub closed: usize,
    /// Review tags by name for the newest version.
    pub review_tags: Vec<(String, usize)>,
    /// Who says it was applied, and where; no proof of a merge.
    pub said_applied: Vec<Applied>,
    /// Who refuses the newest version in words, without a trailer, and did not take it back.
    pub refused: Vec<Applied>,
    /// Whose turn it is, with the numbers of the questions.
    pub ball: Vec<(String, Vec<usize>)>,
    /// Who could confirm, with the numbers of the questions.
    pub to_confirm: Vec<(String, Vec<usize>)>,
    /// The whole as one line.
    pub line: String,
}
