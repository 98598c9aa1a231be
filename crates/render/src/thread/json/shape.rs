//! The shape of the printed JSON, format 1. Types of their own: it changes only on purpose.
//! Messages are named by `M1`, questions by `Q1`, drafts by `D1`, lines as `[first, last]`.

use schemars::JsonSchema;
use serde::Serialize;

pub(super) type Lines = [u64; 2];

/// One input.
#[derive(Serialize, JsonSchema)]
pub struct Document {
    pub(super) format: u32,
    pub(super) file: String,
    pub(super) form: &'static str,
    pub(super) threads: Vec<ThreadJson>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct ThreadJson {
    pub(super) title: String,
    pub(super) state: StateJson,
    pub(super) messages: Vec<MessageJson>,
    pub(super) absent: Vec<String>,
    pub(super) silent: Vec<SilentJson>,
    pub(super) missing_versions: Vec<String>,
    pub(super) versions: Vec<VersionJson>,
    pub(super) drafts: Vec<DraftJson>,
    pub(super) comparisons: Vec<ComparisonJson>,
    pub(super) tags: Vec<TagJson>,
    pub(super) commits: Vec<CommitJson>,
    pub(super) bugs: Vec<BugJson>,
    pub(super) bug_notes: Vec<StatementJson>,
    pub(super) links: Vec<LinkJson>,
    pub(super) questions: Vec<QuestionJson>,
    pub(super) superseded: Vec<SupersededJson>,
    pub(super) withdrawn: Vec<WithdrawnJson>,
    pub(super) commands: Vec<CommandJson>,
    pub(super) pulls: Vec<PullJson>,
    pub(super) tests: TestsJson,
    pub(super) findings: Vec<StatementJson>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct StateJson {
    pub(super) line: String,
    pub(super) newest: Option<String>,
    /// The Message-ID of the cover letter or first patch of the newest version.
    pub(super) newest_message_id: Option<String>,
    /// The version that was asked for, where a newer one of the same series exists.
    pub(super) superseded: Option<SupersessionJson>,
    /// Whose turn it is.
    pub(super) turn: WhoseTurnJson,
    pub(super) open: usize,
    pub(super) partly: usize,
    pub(super) answered: usize,
    pub(super) changed: usize,
    pub(super) closed: usize,
    pub(super) review_tags: Vec<CountJson>,
    pub(super) said_applied: Vec<AppliedJson>,
    /// Who refuses the newest version in words, without a trailer.
    pub(super) refused: Vec<RefusedJson>,
    /// Whom open questions wait for.
    pub(super) waiting_on: Vec<TurnJson>,
    pub(super) to_confirm: Vec<TurnJson>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct SupersessionJson {
    pub(super) version: String,
    pub(super) by: String,
    pub(super) message_id: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct WhoseTurnJson {
    /// `nobody`, `author`, `reviewers`, `maintainer` or `people`.
    pub(super) who: &'static str,
    /// Their names, where they are known.
    pub(super) names: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct AppliedJson {
    pub(super) name: String,
    pub(super) address: Option<String>,
    pub(super) line: u64,
    /// The number of the patch; null if it is about the whole version.
    pub(super) patch: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct RefusedJson {
    pub(super) name: String,
    pub(super) address: Option<String>,
    pub(super) line: u64,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct CountJson {
    pub(super) tag: String,
    pub(super) count: usize,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct TurnJson {
    pub(super) who: String,
    pub(super) questions: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct MessageJson {
    pub(super) id: String,
    pub(super) message_id: Option<String>,
    pub(super) name: String,
    pub(super) address: Option<String>,
    pub(super) via: Option<String>,
    /// UTC; `~` and a day only if just the age is known; null if unknown.
    pub(super) time: Option<String>,
    pub(super) from: Option<i64>,
    pub(super) to: Option<i64>,
    pub(super) subject: String,
    pub(super) kind: &'static str,
    pub(super) version: Option<String>,
    pub(super) parent: Option<String>,
    /// Where the quote shows the parent and the headers name another mail: that one, and the line of
    /// the quote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) headers_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quote_line: Option<u64>,
    /// Its `Date` in UTC, where it cannot be and was not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) date_refused: Option<String>,
    pub(super) lines: Lines,
    pub(super) from_line: u64,
    /// The file of a directory or the commit of an archive, and its line that is the first of the
    /// message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_line: Option<u64>,
    pub(super) copies: usize,
    pub(super) problems: Vec<ProblemJson>,
}

/// A command to syzbot.
#[derive(Serialize, JsonSchema)]
pub(super) struct CommandJson {
    pub(super) message: String,
    pub(super) name: String,
    pub(super) command: String,
    pub(super) argument: String,
    pub(super) lines: Lines,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct PullJson {
    pub(super) message: String,
    pub(super) url: String,
    pub(super) reference: Option<String>,
    pub(super) base: Option<String>,
    pub(super) head: Option<String>,
    pub(super) lines: Lines,
    /// Somebody's word that it was merged.
    pub(super) said_merged: Option<SaidMergedJson>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct SaidMergedJson {
    pub(super) message: String,
    pub(super) line: u64,
    pub(super) commit: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct ProblemJson {
    pub(super) problem: String,
    pub(super) lines: Lines,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct SilentJson {
    pub(super) name: String,
    pub(super) address: Option<String>,
    pub(super) line: u64,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct VersionJson {
    pub(super) name: String,
    pub(super) series: usize,
    pub(super) title: String,
    pub(super) author: String,
    pub(super) message: String,
    pub(super) cover: Option<String>,
    /// The cover letter has no `[PATCH 0/n]`.
    pub(super) cover_inferred: bool,
    pub(super) size: u32,
    pub(super) rfc: bool,
    pub(super) partial: bool,
    pub(super) missing: Vec<u32>,
    pub(super) change_id: Option<String>,
    pub(super) base_commit: Option<String>,
    pub(super) linked_by: Vec<&'static str>,
    pub(super) patches: Vec<PatchJson>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct PatchJson {
    pub(super) number: u32,
    pub(super) title: String,
    /// Who wrote it, if its text names another than its sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) writer: Option<String>,
    pub(super) message: String,
    pub(super) diff: Option<DiffJson>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct DiffJson {
    pub(super) lines: Lines,
    pub(super) added: usize,
    pub(super) removed: usize,
    pub(super) damaged: bool,
    pub(super) files: Vec<FileJson>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct FileJson {
    pub(super) path: String,
    pub(super) old_blob: Option<String>,
    pub(super) new_blob: Option<String>,
    pub(super) added: usize,
    pub(super) removed: usize,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct DraftJson {
    pub(super) name: String,
    pub(super) message: String,
    pub(super) relation: &'static str,
    pub(super) version: Option<String>,
    pub(super) evidence: Vec<u64>,
    pub(super) grade: &'static str,
    pub(super) diff: DiffJson,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct ComparisonJson {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) moved_base: Vec<MovedJson>,
    pub(super) files_gone: Vec<String>,
    pub(super) files_new: Vec<String>,
    pub(super) changes: Vec<ChangeJson>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct MovedJson {
    pub(super) path: String,
    pub(super) old: String,
    pub(super) new: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct ChangeJson {
    pub(super) path: String,
    pub(super) function: String,
    pub(super) gone: Vec<ChangedJson>,
    pub(super) new: Vec<ChangedJson>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct ChangedJson {
    pub(super) line: u64,
    pub(super) text: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct TagJson {
    pub(super) tag: String,
    pub(super) value: String,
    pub(super) name: String,
    pub(super) address: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) place: &'static str,
    pub(super) message: String,
    pub(super) version: Option<String>,
    /// The patch that it is in or given to; null for a cover letter, that is for all its patches.
    pub(super) patch: Option<String>,
    pub(super) unknown: bool,
    /// A reply names somebody else than its sender.
    pub(super) for_other: bool,
    pub(super) lacks_address: bool,
    pub(super) condition: Option<u64>,
    /// It was given to a patch of an older version, and this patch of the newest has the same diff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) carried_to: Option<String>,
    pub(super) lines: Lines,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct CommitJson {
    pub(super) id: String,
    pub(super) title: Option<String>,
    pub(super) release: Option<String>,
    pub(super) fixes: bool,
    pub(super) lines: Vec<u64>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct BugJson {
    pub(super) tracker: &'static str,
    pub(super) id: String,
    pub(super) versions: Vec<String>,
    pub(super) in_trailer: bool,
    pub(super) lines: Vec<u64>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct StatementJson {
    pub(super) statement: String,
    pub(super) grade: &'static str,
    pub(super) rule: &'static str,
    pub(super) style: bool,
    pub(super) lines: Vec<Lines>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct LinkJson {
    pub(super) url: String,
    pub(super) kind: &'static str,
    pub(super) note: Option<String>,
    pub(super) line: u64,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct QuestionJson {
    pub(super) id: String,
    pub(super) asker: String,
    pub(super) ask: &'static str,
    pub(super) asked: Vec<PlaceJson>,
    pub(super) text: String,
    pub(super) parts: Vec<String>,
    pub(super) version: Option<String>,
    pub(super) about: Option<AboutJson>,
    pub(super) asked_of: Vec<String>,
    pub(super) exchanges: Vec<ExchangeJson>,
    pub(super) state: &'static str,
    pub(super) state_version: Option<String>,
    pub(super) reason: String,
    pub(super) evidence: Vec<u64>,
    pub(super) waits_for: Vec<String>,
    pub(super) grade: &'static str,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct PlaceJson {
    pub(super) message: String,
    pub(super) lines: Lines,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct AboutJson {
    pub(super) version: Option<String>,
    pub(super) path: Option<String>,
    pub(super) function: Option<String>,
    pub(super) lines: Vec<u64>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct ExchangeJson {
    pub(super) message: String,
    pub(super) lines: Lines,
    pub(super) by: &'static str,
    pub(super) tone: &'static str,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct SupersededJson {
    pub(super) message: String,
    pub(super) lines: Lines,
    pub(super) text: String,
    pub(super) by: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct WithdrawnJson {
    pub(super) claim: String,
    pub(super) lines: Vec<Lines>,
    pub(super) refuted: Vec<Lines>,
    pub(super) conceded: Lines,
    pub(super) backed_by: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct TestsJson {
    pub(super) asked: Vec<TestJson>,
    pub(super) offered: Vec<TestJson>,
    pub(super) done: Vec<TestJson>,
    pub(super) tested_by: usize,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct TestJson {
    pub(super) message: String,
    pub(super) name: String,
    pub(super) text: String,
    pub(super) configs: Vec<String>,
    pub(super) passed: Option<bool>,
    pub(super) lines: Lines,
}
