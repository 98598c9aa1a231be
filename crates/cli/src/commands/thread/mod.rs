//! `ktriage thread`: what a patch thread says, asks and still owes.

pub(super) mod input;
pub(super) mod list;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use analysis_thread::understand;
use app_thread::Filter;
use render::thread::{Document, Reading};

use crate::day::day;
use crate::failure::Failure;
use crate::output::Escaped;

/// What a patch thread says, asks and still owes: versions, drafts, questions and their state,
/// tests asked, whose turn it is.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    ktriage thread t.mbox.gz              the thread as lore gives it\n  \
    ktriage thread page.txt               a page of Patchew or lore saved as text\n  \
    ktriage thread ~/Mail/kcov            a maildir, or a clone of a public-inbox\n  \
    ktriage thread --list-open *.mbox     one open question a line\n  \
    ktriage thread --diff v4 t.mbox       the diff of v4, as its sender wrote it\n  \
    ktriage thread --list ~/lore/kcov     index a mirror of a list, or bring the index up to date\n  \
    ktriage thread --list ~/lore/kcov --me ann@pump.example    what waits for ann, and what she waits for\n  \
    ktriage thread --list ~/lore/kcov --file kernel/kcov.c     threads with a diff of that file\n  \
    ktriage thread --list ~/lore/kcov --id 20260502.1@b.example    the thread of that mail")]
pub(crate) struct Arguments {
    /// Mailboxes, mails, maildirs or saved pages; `-` is standard input.
    #[arg(value_name = "MBOX|PAGE|DIR", required_unless_present = "list")]
    inputs: Vec<PathBuf>,
    /// Print one JSON object for each input.
    #[arg(long, conflicts_with_all = ["list_open", "diff"])]
    json: bool,
    /// Only the thread of the mail with this Message-ID, or with this link of an archive.
    #[arg(long, value_name = "MESSAGE-ID")]
    id: Option<String>,
    /// Also write a page that can be read in a minute.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print only the open questions, one a line: file, lines, number, whose turn, asker, text.
    #[arg(long, conflicts_with = "diff")]
    list_open: bool,
    /// Print one diff byte for byte: `v4`, `v4/2` for its second patch, or a draft such as `D1`.
    #[arg(long, value_name = "NAME")]
    diff: Option<String>,
    /// Index a mirror of public-inbox archives and ask the index.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["inputs", "diff"])]
    list: Option<PathBuf>,
    /// Where the index is; in the mirror's directory if not given.
    #[arg(long, value_name = "FILE", requires = "list")]
    index: Option<PathBuf>,
    /// The morning view of one person: what waits for this address, what it waits for, new versions of what
    /// it reviewed, its series that nobody touched, and what was applied since (`--since`, else in the two
    /// weeks before the newest mail).
    #[arg(long, value_name = "ADDRESS", requires = "list")]
    me: Option<String>,
    /// Threads that name this bug: a syzbot id, a number of bugzilla.kernel.org, a CVE.
    #[arg(long, value_name = "ID", requires = "list")]
    bug: Vec<String>,
    /// Threads with a diff of this file; of all files below it if it ends in `/`.
    #[arg(long, value_name = "PATH", requires = "list")]
    file: Vec<String>,
    /// Threads with a diff of this function; `*` stands for anything.
    #[arg(long, value_name = "NAME", requires = "list")]
    function: Vec<String>,
    /// Threads with patches that have no Tested-by, were not said to be applied, and have no newer version.
    #[arg(long, requires = "list")]
    untested: bool,
    /// Threads in which one mail has all these words: `use-after-free`, `io_uring_cmd`, "a phrase", begin*,
    /// *part* of a name in a diff; AND, OR, NOT.
    #[arg(long, value_name = "WORDS", requires = "list")]
    search: Vec<String>,
    /// Of that mail: a part of its sender's name or address.
    #[arg(long, value_name = "WHO", requires = "list")]
    from: Vec<String>,
    /// Of that mail: not before this day.
    #[arg(long, value_name = "YYYY-MM-DD", requires = "list", value_parser = day)]
    since: Option<i64>,
    /// Of that mail: before this day.
    #[arg(long, value_name = "YYYY-MM-DD", requires = "list", value_parser = day)]
    until: Option<i64>,
    /// Print the whole of each thread that is found instead of a line.
    #[arg(long, requires = "list")]
    show: bool,
    /// At most this many threads an answer, the newest first.
    #[arg(long, default_value_t = 50, requires = "list")]
    limit: usize,
    /// Ask the index as it is.
    #[arg(long, requires = "list")]
    no_update: bool,
    /// Exit with status 1 if a question is open.
    #[arg(long)]
    exit_code: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let id = match &arguments.id {
        None => None,
        Some(text) => Some(app_thread::message_id(text).ok_or_else(|| {
            Failure::usage(anyhow::anyhow!("`{text}` names no Message-ID"))
                .hint("give it as the header has it, ID@HOST, or as a link to the mail on lore")
        })?),
    };
    let mut printer = Printer { arguments, pages: Vec::new(), open: 0 };
    if let Some(directory) = &arguments.list {
        let filter = filter(arguments);
        let whole = arguments.show || id.is_some();
        let is_morning = arguments.me.is_some();
        let (json, page) = (arguments.json && !is_morning, arguments.html.is_some() && !is_morning);
        if !whole && (json || arguments.list_open || page) {
            return Err(Failure::usage(anyhow::anyhow!(
                "--json, --html and --list-open are about whole threads"
            ))
            .hint("add --show, or name one thread with --id"));
        }
        list::run(
            &list::Query {
                directory: directory.clone(),
                index: arguments.index.clone(),
                me: arguments.me.clone(),
                page: arguments.html.clone().filter(|_| !whole),
                filter,
                limit: arguments.limit,
                offline: arguments.no_update,
                id,
                show: arguments.show,
                json: arguments.json && !whole,
            },
            |read| printer.take(read),
        )?;
        return printer.end();
    }
    let mut is_found = false;
    for path in &arguments.inputs {
        let found = input::read(path)?;
        let mut threads = understand(&found.messages);
        if let Some(id) = &id {
            threads.retain(|t| {
                let has = |m: usize| found.messages[m].message_id.as_ref() == Some(id);
                t.entries.iter().any(|e| has(e.message)) || t.absent.contains(id)
            });
            if threads.is_empty() {
                continue;
            }
        }
        is_found = true;
        printer.take(Reading {
            name: found.name,
            form: found.form,
            messages: found.messages,
            threads,
            files: found.files,
        })?;
    }
    if let (Some(id), false) = (id, is_found) {
        return Err(Failure::usage(anyhow::anyhow!(
            "no mail of the input has or answers the Message-ID {id}"
        )));
    }
    printer.end()
}

/// What the arguments ask of the index.
fn filter(arguments: &Arguments) -> Filter {
    Filter {
        bugs: arguments.bug.clone(),
        files: arguments.file.clone(),
        functions: arguments.function.clone(),
        writer: None,
        untested: arguments.untested,
        words: arguments.search.clone(),
        from: arguments.from.clone(),
        since: arguments.since,
        until: arguments.until,
    }
}

/// Prints each input as the arguments want it.
struct Printer<'a> {
    arguments: &'a Arguments,
    pages: Vec<Reading>,
    open: usize,
}

impl Printer<'_> {
    fn take(&mut self, read: Reading) -> Result<(), Failure> {
        let arguments = self.arguments;
        let mut out = io::stdout().lock();
        self.open += read.threads.iter().map(|t| t.state.open + t.state.partly).sum::<usize>();
        if let Some(name) = &arguments.diff {
            let bytes = diff(&read, name)?;
            if out.is_terminal() {
                write!(out, "{}", Escaped(&String::from_utf8_lossy(&bytes)))?;
            } else {
                out.write_all(&bytes)?;
            }
        } else if arguments.json {
            serde_json::to_writer(&mut out, &Document::of(&read)).map_err(io::Error::from)?;
            writeln!(out)?;
        } else if arguments.list_open {
            write!(out, "{}", Escaped(&render::thread::open_questions(&read)))?;
        } else {
            write!(out, "{}", Escaped(&render::thread::report(&read)))?;
        }
        out.flush()?;
        if arguments.html.is_some() {
            self.pages.push(read);
        }
        Ok(())
    }

    fn end(self) -> Result<ExitCode, Failure> {
        // What waits for somebody has a page of its own.
        let has_own = self.pages.is_empty() && self.arguments.me.is_some();
        if let Some(path) = self.arguments.html.as_ref().filter(|_| !has_own) {
            std::fs::write(path, render::thread::page(&self.pages)).map_err(|error| {
                Failure::usage(
                    anyhow::Error::new(error).context(format!("writing {}", path.display())),
                )
            })?;
        }
        Ok(match self.arguments.exit_code && self.open > 0 {
            true => ExitCode::from(crate::failure::FOUND),
            false => ExitCode::SUCCESS,
        })
    }
}

/// The bytes of a diff as its sender wrote them.
fn diff(read: &Reading, name: &str) -> Result<Vec<u8>, Failure> {
    let mut names = Vec::new();
    for thread in &read.threads {
        let bytes = |entry: usize, diff: &parse_mail::Diff| {
            let body = &read.messages[thread.entries[entry].message].body;
            body.bytes(diff.first, diff.last)
        };
        for (at, version) in thread.versions.iter().enumerate() {
            let mut all = Vec::new();
            // `[PATCH 3/2]` is one more than was announced.
            let highest = version.patches.iter().map(|p| p.number).max().unwrap_or(1);
            for number in 1..=version.size.max(highest).clamp(1, 9999) {
                // What a partial reroll leaves out stays as the newest version before has it.
                let patch = thread
                    .whole(at)
                    .find_map(|v| thread.versions[v].patches.iter().find(|p| p.number == number));
                let Some((patch, found)) = patch.and_then(|p| Some((p, p.diff.as_ref()?))) else {
                    continue;
                };
                let one = bytes(patch.entry, found);
                if format!("{}/{number}", version.name()) == name {
                    return Ok(one);
                }
                all.extend(one);
            }
            if version.name() == name {
                return Ok(all);
            }
            names.push(version.name());
        }
        for (number, draft) in thread.drafts.iter().enumerate() {
            let one = format!("D{}", number + 1);
            if one == name {
                return Ok(bytes(draft.entry, &draft.diff));
            }
            names.push(one);
        }
    }
    Err(Failure::usage(anyhow::anyhow!("{}: no diff `{name}`", read.name)).hint(
        match names.is_empty() {
            true => "there is no diff in it".to_owned(),
            false => format!("it has {}", names.join(", ")),
        },
    ))
}
