//! `ktriage who`: whose code it is.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use analysis_tree::who::{Answer, Guilty, patch};
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
        let bytes = read(input)?;
        let text = String::from_utf8_lossy(&bytes);
        if patch::is_patch(&text) {
            let patch = patch::read(&text);
            return self.files(sections, &patch.files, Some((&patch, &text)));
        }
        let guilty = self.guilty(&input.name(), &bytes)?;
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

fn read(input: &Input) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut too_long = false;
    input.read_to(|piece| {
        let room = LONGEST.saturating_sub(bytes.len());
        too_long |= piece.len() > room;
        bytes.extend_from_slice(&piece[..piece.len().min(room)]);
    })?;
    if too_long {
        let error = anyhow!("{} is longer than {} MiB", input.name(), LONGEST >> 20);
        return Err(Failure::usage(error).hint("cut the log to the boot that crashed"));
    }
    Ok(bytes)
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

/// The tree in a folder, with the index of its functions in the user's state folder or `state`.
pub(super) fn open(folder: &Path, state: Option<&Path>) -> Result<Tree, Failure> {
    let state = state.map(Path::to_owned).or_else(super::user_state_folder);
    Tree::open(folder, state.as_deref()).map_err(failure)
}
