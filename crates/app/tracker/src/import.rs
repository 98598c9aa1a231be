//! Saved JSON pages of syzbot's dashboard become bugs of the record.
//!
//! Invariants: a page that comes again changes only what is new in it; texts that were not saved beside the page stay
//! away, and nothing is fetched.

use model::calendar::days_from_civil;
use model::tracker::{
    Action, Bug, Build, Change, Fix, Identity, Key, KeyKind, NewCrash, NewReproducer,
    ReproducerLevel, State,
};
use serde::Deserialize;
use serde_json::Value;

use crate::filing::bounded;
use crate::find::title_of_subject;
use crate::{Error, Tracker};

/// Bytes of a page that are read.
const LONGEST: usize = 64 << 20;
/// Bugs of a list, crashes and commits of a bug.
const MOST: usize = 100_000;
const CRASHES: usize = 1_000;
const COMMITS: usize = 50;
/// Links that are noted.
const LINKS: usize = 20;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// What stands as client of builds and source of crashes.
const SOURCE: &str = "syzbot";

/// Why a page cannot be taken in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is not JSON.
    #[error("no JSON: {0}")]
    Json(String),
    /// It is JSON of something else.
    #[error("no page of a bug and no list of bugs: {0}")]
    Shape(&'static str),
    /// Its version is not known.
    #[error("version {0} of the pages is not known, only 1")]
    Version(u64),
    /// It is too long.
    #[error("the page is longer than {} MiB", LONGEST >> 20)]
    TooLong,
}

/// A saved page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page(Vec<Saved>);

/// Gives the text that a link of a page leads to, where it was saved.
pub type Texts<'a> = &'a dyn Fn(&str) -> Option<Vec<u8>>;

/// What became of one bug of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The bug.
    pub bug: i64,
    /// The title under which it is shown.
    pub title: String,
    /// Whether it is new in the record.
    pub is_new: bool,
    /// Crashes that are new in the record.
    pub crashes: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Saved {
    title: String,
    id: String,
    link: String,
    status: String,
    first_crash: Option<String>,
    last_crash: Option<String>,
    fix_time: Option<String>,
    close_time: Option<String>,
    fix_commits: Option<Vec<SavedCommit>>,
    cause_commit: Option<SavedCommit>,
    discussions: Option<Vec<String>>,
    crashes: Option<Vec<SavedCrash>>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct SavedCommit {
    title: String,
    hash: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct SavedCrash {
    title: String,
    syz_reproducer: String,
    c_reproducer: String,
    repro_opts: String,
    kernel_config: String,
    kernel_source_git: String,
    kernel_source_commit: String,
    syzkaller_git: String,
    syzkaller_commit: String,
    crash_report_link: String,
}

impl Page {
    /// Reads a page: a list of bugs or one bug.
    ///
    /// # Errors
    /// When it is neither.
    pub fn read(text: &[u8]) -> Result<Self, ImportError> {
        if text.len() > LONGEST {
            return Err(ImportError::TooLong);
        }
        let json = |error: serde_json::Error| ImportError::Json(error.to_string());
        let value: Value = serde_json::from_slice(text).map_err(json)?;
        let Some(fields) = value.as_object() else {
            return Err(ImportError::Shape("it is no object"));
        };
        match fields.get("version").and_then(Value::as_u64) {
            None => return Err(ImportError::Shape("it has no version")),
            Some(1) => {}
            Some(other) => return Err(ImportError::Version(other)),
        }
        let list = fields.get("Bugs").or_else(|| fields.get("bugs"));
        let bugs: Vec<Saved> = match list {
            Some(Value::Null) => Vec::new(),
            Some(list) => Vec::deserialize(list).map_err(json)?,
            None if fields.contains_key("title") => vec![Saved::deserialize(&value).map_err(json)?],
            None => return Err(ImportError::Shape("it has neither Bugs nor a title")),
        };
        if bugs.iter().any(|bug| bug.title.trim().is_empty()) {
            return Err(ImportError::Shape("a bug has no title"));
        }
        Ok(Self(bugs))
    }

    /// The links of the page to texts.
    pub fn links(&self) -> impl Iterator<Item = &str> {
        let crashes = self.0.iter().flat_map(|bug| bug.crashes.iter().flatten());
        crashes
            .flat_map(|crash| {
                [
                    &crash.syz_reproducer,
                    &crash.c_reproducer,
                    &crash.kernel_config,
                    &crash.syzkaller_git,
                    &crash.crash_report_link,
                ]
            })
            .map(String::as_str)
            .filter(|link| !link.is_empty())
    }
}

/// The value of one parameter of a link.
pub(crate) fn parameter<'a>(link: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = link.split_once('?')?;
    query
        .split(['&', '#'])
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(known, value)| (known == name && !value.is_empty()).then_some(value))
}

/// Seconds since 1970 of a time such as `2023-01-31T12:30:00Z`; fractions are dropped. The zero of Go is no time.
fn seconds(text: Option<&String>) -> Option<i64> {
    let text = text?;
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60;
    if !fits || year < 1970 {
        return None;
    }
    let days = days_from_civil(i64::from(year), month, day);
    Some(days * DAY + i64::from(hour * 3600 + minute * 60 + second))
}

impl SavedCommit {
    fn fix(&self) -> Fix {
        Fix { title: bounded(&self.title), hash: self.hash.as_ref().map(|hash| bounded(hash)) }
    }
}

impl Saved {
    /// The names under which the record remembers the bug.
    fn names(&self) -> Vec<String> {
        let linked = ["extid", "id"].into_iter().filter_map(|name| parameter(&self.link, name));
        let own = Some(self.id.as_str()).filter(|id| !id.is_empty());
        own.into_iter().chain(linked).map(|name| format!("import:{}", bounded(name))).collect()
    }

    fn fixes(&self) -> Vec<Fix> {
        let commits = self.fix_commits.iter().flatten().take(COMMITS);
        commits.map(SavedCommit::fix).filter(|fix| fix.title.len() >= 3).collect()
    }

    /// What was done to the bug, by its page.
    fn actions(&self, bug: &Bug) -> Vec<Action> {
        let status = self.status.to_ascii_lowercase();
        let fixes = self.fixes();
        let mut done = Vec::new();
        if status.contains("reported") && bug.standing.state == State::New {
            done.push(Action::Report { stage: SOURCE.into(), message_id: None });
        }
        if !fixes.is_empty() {
            let known = bug.standing.fixes == fixes;
            if !known {
                done.push(Action::Fix { fixes });
            }
            let arrived = status.starts_with("fixed") || self.close_time.is_some();
            if arrived && bug.standing.state != State::Fixed {
                done.push(Action::Contained { kernels: vec![SOURCE.into()] });
            }
        } else if bug.standing.state.is_open() {
            let closed = seconds(self.close_time.as_ref());
            if status.contains("obsolete") {
                let last = seconds(self.last_crash.as_ref()).unwrap_or(bug.last);
                let silent = closed.map_or(0, |closed| (closed - last).max(0) / DAY);
                let silent = u32::try_from(silent).unwrap_or(u32::MAX);
                done.push(Action::Expire { silent, allowed: silent });
            } else if status.contains("invalid") || status.contains("dup") || closed.is_some() {
                done.push(Action::Invalid);
            }
        }
        done
    }

    fn notes(&self) -> Vec<String> {
        let cause = self.cause_commit.iter().map(|commit| {
            let hash = commit.hash.as_deref().unwrap_or("");
            format!("brought by {hash} \"{}\"", bounded(&commit.title)).replace("  ", " ")
        });
        let links = self.discussions.iter().flatten().take(LINKS);
        cause.chain(links.map(|link| bounded(link))).filter(|note| !note.is_empty()).collect()
    }
}

impl Tracker {
    /// Takes the bugs of a saved page into the record. A bug of a number that was taken in before, or of its very title
    /// and number, is that one.
    ///
    /// # Errors
    /// When the record cannot be written; nothing of the bug at hand was taken then.
    pub fn import(
        &self,
        page: &Page,
        texts: Texts<'_>,
        who: &str,
        now: i64,
    ) -> Result<Vec<Imported>, Error> {
        page.0
            .iter()
            .take(MOST)
            .map(|saved| self.change(|change| self.import_one(change, saved, texts, who, now)))
            .collect()
    }

    fn import_one(
        &self,
        change: &dyn Change,
        saved: &Saved,
        texts: Texts<'_>,
        who: &str,
        now: i64,
    ) -> Result<Imported, Error> {
        let names = saved.names();
        let mut known = None;
        for name in &names {
            let id = change.setting(name)?.and_then(|id| id.parse::<i64>().ok());
            if let Some(bug) = id.map(|id| change.bug(id)).transpose()?.flatten() {
                known = Some(bug);
                break;
            }
        }
        let shown = bounded(&saved.title);
        let (title, sequence) = title_of_subject(&shown);
        if known.is_none() {
            let key = Key { kind: KeyKind::Title, value: title.to_owned() };
            let alike = change.bugs_with_keys(&[key], 1_000)?;
            let same = |bug: &&Bug| bug.title == title && bug.sequence == sequence;
            known = alike.iter().map(|(bug, _)| bug).find(same).cloned();
        }
        let is_new = known.is_none();
        let mut bug = match known {
            Some(bug) => bug,
            None => self.imported_bug(change, saved, title, sequence, who, now)?,
        };
        for name in &names {
            change.set_setting(name, &bug.id.to_string())?;
        }
        let crashes = self.import_crashes(change, saved, &mut bug, texts, now)?;
        self.import_standing(change, saved, &bug, who, now)?;
        Ok(Imported { bug: bug.id, title: bug.shown(), is_new, crashes })
    }

    fn imported_bug(
        &self,
        change: &dyn Change,
        saved: &Saved,
        title: &str,
        sequence: u32,
        who: &str,
        now: i64,
    ) -> Result<Bug, Error> {
        let time = seconds(saved.first_crash.as_ref()).unwrap_or(now);
        let identity = imported_identity(title);
        let mut bug = self.new_bug(change, title, Some(sequence), time, now)?;
        bug.frame.clone_from(&identity.frame);
        bug.last = seconds(saved.last_crash.as_ref()).unwrap_or(time).max(time);
        let bug = crate::ingest::open(change, bug, who, now)?;
        change.add_keys(bug.id, &identity.keys())?;
        Ok(bug)
    }

    fn import_crashes(
        &self,
        change: &dyn Change,
        saved: &Saved,
        bug: &mut Bug,
        texts: Texts<'_>,
        now: i64,
    ) -> Result<usize, Error> {
        let first = seconds(saved.first_crash.as_ref()).unwrap_or(bug.first);
        let last = seconds(saved.last_crash.as_ref()).unwrap_or(first);
        let all: Vec<&SavedCrash> = saved.crashes.iter().flatten().take(CRASHES).collect();
        let mut new = 0;
        // The page has the newest first and tells only the times of the first and the last crash of all.
        for (at, crash) in all.iter().enumerate().rev() {
            let hash = blake3::hash(format!("{crash:?}").as_bytes()).to_hex();
            let key = format!("import:{}:{}", bug.id, &hash[..32]);
            if change.crash_by_key(&key)?.is_some() {
                continue;
            }
            let time = if at + 1 == all.len() && at > 0 { first } else { last };
            let taken = import_crash(change, crash, bug, (&key, time), texts)?;
            let origin = bug.id;
            self.write(change, bug, origin, &taken.identity.clone(), &taken, now)?;
            new += 1;
        }
        Ok(new)
    }

    fn import_standing(
        &self,
        change: &dyn Change,
        saved: &Saved,
        bug: &Bug,
        who: &str,
        now: i64,
    ) -> Result<(), Error> {
        let why = bounded(&saved.status);
        let current = change.bug(bug.id)?.ok_or_else(|| Error::NoBug(bug.id.to_string()))?;
        for action in saved.actions(&current) {
            match self.act_within(change, bug.id, &action, who, &why, now) {
                // What people said here counts more.
                Ok(_) | Err(Error::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let history = change.history(bug.id)?;
        for text in saved.notes() {
            let action = Action::Note { text };
            if !history.iter().any(|entry| entry.action == action) {
                self.act_within(change, bug.id, &action, who, "", now)?;
            }
        }
        Ok(())
    }
}

fn imported_identity(title: &str) -> Identity {
    Identity {
        title: title.to_owned(),
        frame: analysis_tracker::function(title).map(str::to_owned),
        ..Identity::default()
    }
}

/// A crash of a page with its build and the texts that were saved.
fn import_crash(
    change: &dyn Change,
    crash: &SavedCrash,
    bug: &Bug,
    (key, time): (&str, i64),
    texts: Texts<'_>,
) -> Result<NewCrash, Error> {
    let text = |link: &str| if link.is_empty() { None } else { texts(link) };
    let config = text(&crash.kernel_config);
    let config = config.filter(|config| !config.is_empty());
    let commit = bounded(&crash.kernel_source_commit);
    let build = Build {
        key: commit.clone(),
        client: SOURCE.into(),
        manager: SOURCE.into(),
        time,
        fuzzer_commit: bounded(&crash.syzkaller_commit),
        repository: bounded(&crash.kernel_source_git),
        commit: commit.clone(),
        config: config.map(|config| change.put(&config)).transpose()?,
        ..Build::default()
    };
    let known = change.build(SOURCE, &commit)?;
    if !commit.is_empty() && known.is_none_or(|known| known.config.is_none()) {
        change.put_build(&build)?;
    }
    let title = if crash.title.is_empty() { bug.title.clone() } else { bounded(&crash.title) };
    let reproducer = |level, link: &str| {
        text(link).map(|text| NewReproducer { level, options: crash.repro_opts.clone(), text })
    };
    let report = text(&crash.crash_report_link).unwrap_or_default();
    Ok(NewCrash {
        key: Some(key.to_owned()),
        time,
        identity: Identity {
            modules: crate::filing::modules(&String::from_utf8_lossy(&report)),
            ..imported_identity(&title)
        },
        kernel: commit.get(..12).map(str::to_owned),
        build: (!commit.is_empty()).then(|| commit.clone()),
        machine: SOURCE.into(),
        source: SOURCE.into(),
        log: text(&crash.syzkaller_git).unwrap_or_default().into(),
        report,
        reproducers: [
            reproducer(ReproducerLevel::Syz, &crash.syz_reproducer),
            reproducer(ReproducerLevel::C, &crash.c_reproducer),
        ]
        .into_iter()
        .flatten()
        .collect(),
        ..NewCrash::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_the_zero_of_go_is_none() {
        let read = |text: &str| seconds(Some(&text.to_owned()));
        assert_eq!(read("2024-01-01T12:00:00Z"), Some(1_704_110_400));
        assert_eq!(read("2024-01-01T12:00:00.123456Z"), Some(1_704_110_400));
        for bad in ["0001-01-01T00:00:00Z", "", "yesterday", "2024-13-01T00:00:00Z", "2024-1-ä1T"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn links_are_known_by_their_numbers() {
        assert_eq!(parameter("/text?tag=ReproC&x=12ab", "x"), Some("12ab"));
        assert_eq!(parameter("/bug?extid=1f&amp=1", "extid"), Some("1f"));
        assert_eq!(parameter("/bug", "id"), None);
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for (text, said) in [
            ("[]", "no object"),
            ("{", "no JSON"),
            ("{\"title\": \"x\"}", "no version"),
            ("{\"version\": 2, \"Bugs\": []}", "version 2"),
            ("{\"version\": 1}", "neither"),
            ("{\"version\": 1, \"Bugs\": [{}]}", "no title"),
        ] {
            let error = Page::read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
        assert_eq!(Page::read(b"{\"version\": 1, \"Bugs\": null}").unwrap(), Page(Vec::new()));
    }
}
