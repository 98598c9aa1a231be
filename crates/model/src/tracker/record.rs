//! What a database must do to hold the record. All decisions are made outside of it.

use super::{
    Action, Bug, BugId, Build, Counts, Crash, CrashId, Day, Entry, Failure, Filter, Job, Key, Mail,
    Manager, ManagerDay, NewCrash, Page, Reproducer, ReproducerLevel, Standing,
};

/// Why the record could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// The medium is full.
    Full(String),
    /// Another program holds it.
    Busy(String),
    /// Something else.
    Other(String),
    /// Whoever changed it took the change back.
    Abandoned,
}

impl std::fmt::Display for RecordError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Full(what) | Self::Busy(what) | Self::Other(what) => f.write_str(what),
            Self::Abandoned => f.write_str("the change was taken back"),
        }
    }
}

impl std::error::Error for RecordError {}

type Result<T> = std::result::Result<T, RecordError>;

/// Questions.
pub trait Read {
    /// The bug of that number.
    fn bug(&self, id: BugId) -> Result<Option<Bug>>;
    /// The bug of that outside name.
    fn bug_by_external(&self, external: &str) -> Result<Option<Bug>>;
    /// Bugs that fit.
    fn bugs(&self, filter: &Filter) -> Result<Page>;
    /// Bugs with one of the keys, each with those that it has; at most `limit`, the newest first.
    fn bugs_with_keys(&self, keys: &[Key], limit: usize) -> Result<Vec<(Bug, Vec<Key>)>>;
    /// The bug of that title with the highest sequence.
    fn newest_of_title(&self, title: &str) -> Result<Option<Bug>>;
    /// All keys of a bug.
    fn keys(&self, bug: BugId) -> Result<Vec<Key>>;
    /// Bugs whose record another one carries on.
    fn duplicates(&self, of: BugId) -> Result<Vec<Bug>>;
    /// Crashes of a bug, newest first.
    fn crashes(&self, bug: BugId, limit: u64) -> Result<Vec<Crash>>;
    /// Crashes of a bug whose log is kept, newest first.
    fn kept_crashes(&self, bug: BugId) -> Result<Vec<Crash>>;
    /// The crash of that number.
    fn crash(&self, id: CrashId) -> Result<Option<Crash>>;
    /// The crash that is shown first: with a reproducer, whole, of the bug's own title, new.
    fn best_crash(&self, bug: BugId) -> Result<Option<Crash>>;
    /// The crash of a delivery.
    fn crash_by_key(&self, key: &str) -> Result<Option<Crash>>;
    /// How often a bug was seen by day and kernel, oldest first.
    fn days(&self, bug: BugId) -> Result<Vec<Day>>;
    /// How often any bug was seen by day, from a day on.
    fn days_of_all(&self, from: i64, public_only: bool) -> Result<Vec<(i64, u64)>>;
    /// Machines on which a bug was seen, with how often; the most frequent first.
    fn machines(&self, bug: BugId, limit: u64) -> Result<Vec<(String, u64)>>;
    /// Reproducers of a bug, the best and newest first.
    fn reproducers(&self, bug: BugId) -> Result<Vec<Reproducer>>;
    /// The history of a bug, oldest first.
    fn history(&self, bug: BugId) -> Result<Vec<Entry>>;
    /// The newest entries of all bugs, newest first.
    fn recent(&self, limit: u64, public_only: bool) -> Result<Vec<(Entry, Bug)>>;
    /// Entries of all bugs that came after one, oldest first.
    fn history_after(&self, entry: i64, limit: u64) -> Result<Vec<(Entry, Bug)>>;
    /// The labels of a bug.
    fn labels(&self, bug: BugId) -> Result<Vec<(String, String)>>;
    /// The content of that name.
    fn artefact(&self, name: &str) -> Result<Option<Vec<u8>>>;
    /// The bugs that hold an artefact: whoever may see one of them may see it.
    fn bugs_of_artefact(&self, name: &str) -> Result<Vec<BugId>>;
    /// How many artefacts there are. Slower than [`Read::counts`]: each is looked at.
    fn count_artefacts(&self) -> Result<u64>;
    /// Numbers of the whole record.
    fn counts(&self, public_only: bool) -> Result<Counts>;
    /// The build of that client and key.
    fn build(&self, client: &str, key: &str) -> Result<Option<Build>>;
    /// All managers.
    fn managers(&self) -> Result<Vec<Manager>>;
    /// Errors that clients reported, newest first.
    fn failures(&self, limit: u64) -> Result<Vec<Failure>>;
    /// Jobs of a bug, those that are not done first, each kind newest first.
    fn jobs_of(&self, bug: BugId, limit: u64) -> Result<Vec<Job>>;
    /// Jobs of all bugs in the same order.
    fn jobs(&self, limit: u64) -> Result<Vec<Job>>;
    /// Jobs of a manager's machines that are not done: the least often tried first, of these the oldest.
    fn open_jobs(&self, manager: &str, limit: u64) -> Result<Vec<Job>>;
    /// How many jobs are not done.
    fn count_open_jobs(&self) -> Result<u64>;
    /// The job of that number.
    fn job(&self, id: i64) -> Result<Option<Job>>;
    /// The answer to a request that was handled, and when.
    fn handled(&self, key: &str) -> Result<Option<(i64, String)>>;
    /// Mails that are written and not delivered, oldest first.
    fn undelivered(&self, limit: u64) -> Result<Vec<Mail>>;
    /// The mail of that Message-ID.
    fn mail(&self, message_id: &str) -> Result<Option<Mail>>;
    /// A value that belongs to the record as a whole.
    fn setting(&self, name: &str) -> Result<Option<String>>;
}

/// Changes. Each stands in a transaction of [`Record::change`].
pub trait Change: Read {
    /// Writes a bug; its number is given.
    fn add_bug(&self, bug: &Bug) -> Result<BugId>;
    /// Writes everything of a bug but its number, title and outside name.
    fn set_bug(&self, bug: &Bug) -> Result<()>;
    /// Adds keys; those that are there stay.
    fn add_keys(&self, bug: BugId, keys: &[Key]) -> Result<()>;
    /// Takes a key off.
    fn remove_key(&self, bug: BugId, key: &Key) -> Result<()>;
    /// Makes a text of the bug searchable.
    fn add_text(&self, bug: BugId, text: &str) -> Result<()>;
    /// Writes a crash and counts it on its day.
    fn add_crash(
        &self,
        bug: BugId,
        origin: BugId,
        crash: &NewCrash,
        kept: &KeptNames,
    ) -> Result<CrashId>;
    /// Writes a reproducer.
    fn add_reproducer(&self, bug: BugId, crash: CrashId, reproducer: &Reproducer) -> Result<i64>;
    /// Says whether newer kernels no longer crash by a reproducer, and what the bug's best one is now.
    fn set_revoked(&self, reproducer: i64, revoked: bool) -> Result<()>;
    /// Forgets log, report and machine information of a crash, and removes those that nothing else names.
    fn drop_texts(&self, crash: CrashId) -> Result<()>;
    /// Moves crashes and what belongs to them from one bug to another: those that were filed first under `origin`, of
    /// one title where one is given. With `refile` they count as filed first under `to`. Gives how many.
    fn move_crashes(
        &self,
        from: BugId,
        to: BugId,
        origin: BugId,
        title: Option<&str>,
        refile: bool,
    ) -> Result<u64>;
    /// Counts a bug's crashes, days and times again from its crashes.
    fn recount(&self, bug: BugId) -> Result<()>;
    /// Stores a content under its name.
    fn put(&self, content: &[u8]) -> Result<String>;
    /// Appends to the history.
    fn append(
        &self,
        bug: BugId,
        time: i64,
        who: &str,
        action: &Action,
        why: &str,
        before: Option<&Standing>,
    ) -> Result<i64>;
    /// Sets a label.
    fn set_label(&self, bug: BugId, name: &str, value: &str) -> Result<()>;
    /// Takes a label off; whether it was there.
    fn remove_label(&self, bug: BugId, name: &str) -> Result<bool>;
    /// Writes a build.
    fn put_build(&self, build: &Build) -> Result<()>;
    /// Writes a manager.
    fn put_manager(&self, manager: &Manager) -> Result<()>;
    /// Adds to a manager's day: sums are added, highest values kept.
    fn add_manager_day(&self, name: &str, day: &ManagerDay) -> Result<()>;
    /// Writes an error that a client reported.
    fn add_failure(&self, failure: &Failure) -> Result<()>;
    /// Writes a new job; its number is given.
    fn add_job(&self, job: &Job) -> Result<i64>;
    /// Writes a job.
    fn set_job(&self, job: &Job) -> Result<()>;
    /// Remembers that a request was handled and what was answered.
    fn set_handled(&self, key: &str, time: i64, answer: &str) -> Result<()>;
    /// Forgets requests that were handled before a time.
    fn forget_handled(&self, prefix: &str, before: i64) -> Result<()>;
    /// Writes a mail to be delivered.
    fn add_mail(&self, mail: &Mail) -> Result<i64>;
    /// Says that a mail was delivered.
    fn set_delivered(&self, id: i64, time: i64) -> Result<()>;
    /// Sets a value that belongs to the record as a whole.
    fn set_setting(&self, name: &str, value: &str) -> Result<()>;
}

/// Names of the texts of a crash that are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptNames {
    /// The log.
    pub log: Option<String>,
    /// The report.
    pub report: Option<String>,
    /// The machine information.
    pub machine_info: Option<String>,
    /// The best reproducer that came with it.
    pub reproducer: ReproducerLevel,
}

/// A whole record.
pub trait Record: Read + Send {
    /// Runs a change. What it wrote is on the disk when this returns, or nothing of it where it fails.
    fn change(&self, change: &mut dyn FnMut(&dyn Change) -> Result<()>) -> Result<()>;
    /// Copies the whole record into a new file while others go on using it.
    fn backup(&self, to: &std::path::Path) -> Result<()>;
}
