//! `ktriage import`: saved pages of syzbot, and logs, into the record.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use app_tracker::{Imported, Page};
use schemars::JsonSchema;
use serde::Serialize;

use super::{State, add, failure, name_of_user, now};
use crate::failure::Failure;
use crate::output::Escaped;

/// Bytes of a text that is saved beside a page.
const LONGEST: u64 = 64 << 20;

/// Take saved JSON pages of syzbot (`?json=1`) into the record: bugs, their crashes, states and fixes.
///
/// A page is a list of bugs or one bug. Nothing is fetched: what a page links to (logs, reports, reproducers,
/// configurations) comes along where it was saved beside it under a name that holds the number of the link
/// (`…x=1a2b…`), as `wget` names it. In a folder the other files are taken for console logs and added as by
/// `ktriage add`. The same pages can be taken in again: only what is new in them is added.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    ktriage import bug.json               one saved page\n  \
    ktriage import mirror/                pages, the texts that they link to, and logs")]
pub(crate) struct Arguments {
    /// Saved pages, or folders of them.
    #[arg(value_name = "PAGE", required = true)]
    pages: Vec<PathBuf>,
    /// The name under which it stands in the history; the user's if not given.
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    /// Print one JSON object a bug, and one a crash of a log.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    state: State,
}

/// What became of one bug of a page.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Taken<'a> {
    /// Number of this format.
    format: u32,
    /// The page.
    file: &'a str,
    /// The title under which the bug is shown.
    title: &'a str,
    /// The bug.
    bug: i64,
    /// Whether it is new in the record.
    is_new: bool,
    /// Crashes that are new in the record.
    crashes: usize,
}

/// The files that are there, by the numbers in their names.
struct Saved(BTreeMap<String, PathBuf>);

impl Saved {
    fn new(files: &[PathBuf]) -> Self {
        let mut found = BTreeMap::new();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            for number in name.split(|c: char| !c.is_ascii_hexdigit()) {
                if number.len() >= 6 {
                    found.insert(number.to_ascii_lowercase(), file.clone());
                }
            }
        }
        Self(found)
    }

    /// The file that a link leads to.
    fn of(&self, link: &str) -> Option<&Path> {
        let (_, query) = link.split_once('?')?;
        let number = query.split('&').find_map(|pair| pair.strip_prefix("x="))?;
        self.0.get(&number.to_ascii_lowercase()).map(PathBuf::as_path)
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let tracker = arguments.state.open()?;
    let who = name_of_user(arguments.by.as_deref());
    let mut failed = Failures::default();
    let (mut pages, mut others) = (Vec::new(), Vec::new());
    for path in &arguments.pages {
        for file in add::files(path)? {
            // A file that is named is a page, whatever it is called.
            let is_page = !path.is_dir() || file.extension().is_some_and(|end| end == "json");
            if is_page { pages.push(file) } else { others.push(file) }
        }
    }
    let saved = Saved::new(&others);
    let mut named: BTreeSet<PathBuf> = BTreeSet::new();
    let mut out = io::stdout().lock();
    let (mut bugs, mut new) = (0_u64, 0_u64);
    for path in &pages {
        let page = match read(path) {
            Ok(page) => page,
            Err(failure) => {
                failed.add(failure);
                continue;
            }
        };
        named.extend(page.links().filter_map(|link| saved.of(link)).map(Path::to_owned));
        let text = |link: &str| {
            let path = saved.of(link)?;
            let short = std::fs::metadata(path).is_ok_and(|file| file.len() <= LONGEST);
            if short { std::fs::read(path).ok() } else { None }
        };
        for one in tracker.import(&page, &text, &who, now()).map_err(failure)? {
            bugs += 1;
            new += u64::from(one.is_new);
            tell(&mut out, arguments.json, &path.display().to_string(), &one)?;
        }
    }
    if !arguments.json && !pages.is_empty() {
        writeln!(out, "{} pages: {bugs} bugs, {new} of them new", pages.len())?;
    }
    drop(out);
    others.retain(|file| !named.contains(file));
    if !others.is_empty() {
        add::run(&add::Arguments {
            logs: others,
            machine: String::new(),
            by: arguments.by.clone(),
            json: arguments.json,
            state: arguments.state.clone(),
        })?;
    }
    failed.end()
}

/// What could not be read; all but the last were told.
#[derive(Default)]
struct Failures(Option<Failure>);

impl Failures {
    fn add(&mut self, failure: Failure) {
        if let Some(earlier) = self.0.replace(failure) {
            earlier.report();
        }
    }

    fn end(self) -> Result<ExitCode, Failure> {
        self.0.map_or(Ok(ExitCode::SUCCESS), Err)
    }
}

fn read(path: &Path) -> Result<Page, Failure> {
    let text = std::fs::read(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .map_err(Failure::usage)?;
    Page::read(&text).map_err(|error| {
        let context = format!("{} is no saved page", path.display());
        Failure::usage(anyhow::Error::new(error).context(context))
            .hint("save pages with `?json=1`; logs are added by `ktriage add`")
    })
}

fn tell(out: &mut impl io::Write, json: bool, file: &str, one: &Imported) -> io::Result<()> {
    let Imported { bug, title, is_new, crashes } = one;
    if json {
        let format = render::tracker::json::FORMAT;
        let taken = Taken { format, file, title, bug: *bug, is_new: *is_new, crashes: *crashes };
        serde_json::to_writer(&mut *out, &taken)?;
        return writeln!(out);
    }
    let what = if *is_new { "new" } else { "known" };
    writeln!(
        out,
        "{}: bug {bug} ({what}, {crashes} crashes added): {}",
        Escaped(file),
        Escaped(title)
    )
}
