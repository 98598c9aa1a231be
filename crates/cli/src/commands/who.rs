//! `ktriage who`: whose code it is.

use std::borrow::Cow;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use analysis_tree::who::{Answer, Guilty, Recipient, patch};
use anyhow::anyhow;
use app_source::{Asked, Error, Maintainers, SourceError, Tree};

use crate::failure::Failure;
use crate::input::Input;

/// Bytes of a log or patch that are read.
const LONGEST: usize = 256 << 20;

/// Say whose code a crash, a patch or a file is: subsystems, maintainers, reviewers, lists, and why each is listed.
///
/// By the tree's MAINTAINERS with the meaning of get_maintainer, its .mailmap, the people that bindings name, and,
/// where the tree is a git repository, by who wrote and signed the code. Nothing is sent.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ktriage who console.log --tree ~/linux            by the file at which the crash points
  ktriage who 0001-fix.patch --tree ~/linux         by the files and lines that it changes
  ktriage who --file fs/ext4/inode.c --tree ~/linux
  git send-email --cc-cmd 'ktriage who --brief --tree .' 0001-fix.patch

See docs/who.md.")]
pub(crate) struct Arguments {
    /// Console logs or patches, plain or as raw mails; `-` is standard input.
    #[arg(value_name = "LOG|PATCH", required_unless_present = "file")]
    things: Vec<PathBuf>,

    /// A file or directory of the tree. May be given several times; each is asked about by itself.
    #[arg(long, value_name = "PATH")]
    file: Vec<PathBuf>,

    /// The kernel's source tree.
    #[arg(long, value_name = "DIR")]
    tree: PathBuf,

    /// The folder that holds the index of the tree's functions.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,

    /// Leave the history out, as get_maintainer does with --nogit --nogit-fallback.
    #[arg(long)]
    no_history: bool,

    /// Print the addresses alone, one a line.
    #[arg(long, conflicts_with = "json")]
    brief: bool,

    /// Print one JSON object a question, on one line (see docs/json.md).
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let tree = open(&arguments.tree, arguments.state.as_deref())?;
    let maintainers = tree.maintainers().map_err(failure)?;
    let asker = Asker { tree: &tree, maintainers: &maintainers, history: !arguments.no_history };
    let sections = maintainers.sections();
    let mut out = io::stdout().lock();
    let many = arguments.things.len() + arguments.file.len() > 1;
    let mut is_first = true;
    let mut show = |name: &str, answer: &Answer| -> Result<(), Failure> {
        if arguments.json {
            serde_json::to_writer(&mut out, &render::who::json::answered(name, answer))
                .map_err(io::Error::from)?;
            writeln!(out)?;
            return Ok(());
        }
        if many {
            let gap = if is_first { "" } else { "\n" };
            writeln!(out, "{gap}== {} ==", crate::output::Escaped(name))?;
            is_first = false;
        }
        let text = match arguments.brief {
            true => render::who::addresses(answer),
            false => render::who::text(answer),
        };
        out.write_all(text.as_bytes())?;
        Ok(())
    };
    for path in &arguments.file {
        let file = tree.source().relative(path).map_err(|error| failure(error.into()))?;
        let is_there = tree.source().is_file(&file) || tree.source().is_directory(&file);
        if !is_there {
            let root = tree.source().root().to_owned();
            return Err(failure(Error::NoFile { path: file, root }));
        }
        let answer = asker.files(&sections, &[file], None)?;
        show(&path.display().to_string(), &answer)?;
    }
    for path in &arguments.things {
        let input = Input::from(path.clone());
        let answer = asker.thing(&sections, &input)?;
        show(&input.name(), &answer)?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

struct Asker<'a> {
    tree: &'a Tree,
    maintainers: &'a Maintainers,
    history: bool,
}

type Sections<'a> = [parse_maintainers::Section<'a>];

impl Asker<'_> {
    fn files(
        &self,
        sections: &Sections<'_>,
        files: &[String],
        patch: Option<(&patch::Patch, &str)>,
    ) -> Result<Answer, Failure> {
        let asked = Asked { files, patch, history: self.history };
        self.tree.who(self.maintainers, sections, &asked).map_err(failure)
    }

    /// A patch is told by its diffs; anything else is a log.
    fn thing(&self, sections: &Sections<'_>, input: &Input) -> Result<Answer, Failure> {
        let raw = read(input)?;
        let decoded = parse_console::mail::text(&raw);
        let whole = String::from_utf8_lossy(&raw);
        let readable = String::from_utf8_lossy(&decoded);
        if patch::is_patch(&readable) {
            let text = as_sent(&whole, &readable);
            let patch = patch::read(&text);
            return self.files(sections, &patch.files, Some((&patch, &text)));
        }
        let guilty = self.guilty(&input.name(), &decoded)?;
        let mut files = vec![guilty.file.clone()];
        files.extend(guilty.others.iter().cloned());
        let mut answer = self.files(sections, &files, None)?;
        answer.guilty = Some(guilty);
        Ok(answer)
    }

    /// The file of the first report that points at one.
    fn guilty(&self, name: &str, log: &[u8]) -> Result<Guilty, Failure> {
        let reports = analysis_identity::read_log(log).reports;
        for report in &reports {
            if let Some(guilty) = self.tree.guilty(report).map_err(failure)? {
                return Ok(guilty);
            }
        }
        let (what, hint) = match reports.first() {
            None => (
                "neither a patch nor a crash report is in it".to_owned(),
                "--file PATH asks about a file of the tree",
            ),
            Some(report) => (
                format!("{}: the tree defines none of its functions", report.title),
                "is it the tree of that kernel? --file PATH asks about a file of it",
            ),
        };
        Err(Failure::usage(anyhow!("{name}: {what}")).hint(hint))
    }
}

/// The input as it is, decompressed.
fn read(input: &Input) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let longest = LONGEST as u64;
    let name = input.name();
    input.open()?.take(longest + 1).read_to_end(&mut bytes).map_err(|error| {
        Failure::usage(anyhow::Error::new(error).context(format!("cannot read {name}")))
            .hint("is the file whole?")
    })?;
    if bytes.len() > LONGEST {
        let error = anyhow!("{name} is longer than {} MiB", LONGEST >> 20);
        return Err(Failure::usage(error).hint("cut the log to the boot that crashed"));
    }
    Ok(bytes)
}

/// A patch as it was sent, headers and all, since keywords are looked for there too; the body decoded where it was
/// sent in another form than it is read.
fn as_sent<'a>(raw: &'a str, decoded: &str) -> Cow<'a, str> {
    let is_encoded = raw.lines().any(|line| {
        let line = line.to_ascii_lowercase();
        let form = line.strip_prefix("content-transfer-encoding:").map(str::trim);
        form.is_some_and(|form| form.starts_with("quoted-printable") || form.starts_with("base64"))
    });
    let parts = raw.split_once("\n\n").zip(decoded.split_once("\n\n"));
    match parts.filter(|_| is_encoded) {
        Some(((headers, _), (_, body))) => Cow::Owned(format!("{headers}\n\n{body}")),
        None => Cow::Borrowed(raw),
    }
}

/// An error of a tree with what to do about it.
pub(super) fn failure(error: Error) -> Failure {
    let hint = match &error {
        Error::Source(SourceError::NoFolder(_) | SourceError::NoKernel { .. }) => {
            "--tree takes the top folder of a kernel's source, as it is unpacked or cloned"
        }
        Error::Source(SourceError::Outside { .. }) | Error::NoFile { .. } => {
            "name it from the top of the tree, as fs/ext4/inode.c"
        }
        Error::Source(SourceError::Write { .. }) => "name another folder with --state DIR",
        Error::Git(_) => "is the repository whole? `git fsck` tells; --no-history does without it",
        Error::Source(SourceError::Read { .. }) => return Failure::usage(error),
    };
    Failure::usage(error).hint(hint)
}

/// The people and lists of files, for a mail. Why each is listed is told on standard error.
pub(super) fn of_files(folder: &Path, files: &[String]) -> Result<Vec<Recipient>, Failure> {
    let tree = open(folder, None)?;
    let maintainers = tree.maintainers().map_err(failure)?;
    let asked = Asked { files, patch: None, history: false };
    let answer = tree.who(&maintainers, &maintainers.sections(), &asked).map_err(failure)?;
    tell(&answer.recipients);
    Ok(answer.recipients)
}

/// The people and lists of a crash, for a mail; none where its file is not known.
pub(super) fn of_log(folder: &Path, log: &Input) -> Result<Vec<Recipient>, Failure> {
    let tree = open(folder, None)?;
    let maintainers = tree.maintainers().map_err(failure)?;
    let asker = Asker { tree: &tree, maintainers: &maintainers, history: false };
    let mut bytes = Vec::new();
    log.read_to(|piece| bytes.extend_from_slice(&piece[..piece.len().min(LONGEST - bytes.len())]))?;
    let mut reports = analysis_identity::read_log(&bytes).reports.into_iter();
    let guilty = reports.find_map(|report| tree.guilty(&report).transpose()).transpose();
    let Some(guilty) = guilty.map_err(failure)? else {
        crate::output::message(
            "note: the tree does not tell whose code crashed; the mail names nobody",
        );
        return Ok(Vec::new());
    };
    let mut files = vec![guilty.file];
    files.extend(guilty.others);
    let recipients = asker.files(&maintainers.sections(), &files, None)?.recipients;
    tell(&recipients);
    Ok(recipients)
}

fn tell(recipients: &[Recipient]) {
    for one in recipients {
        let why = one.reasons.first().map(render::who::reason).unwrap_or_default();
        crate::output::message(&format!("{}: {why}", one.address));
    }
}

/// The tree in a folder, with the index of its functions in the user's state folder or `state`.
pub(super) fn open(folder: &Path, state: Option<&Path>) -> Result<Tree, Failure> {
    let state = state.map(Path::to_owned).or_else(super::user_state_folder);
    Tree::open(folder, state.as_deref()).map_err(failure)
}
