//! `ktriage index`, `ktriage suspects` and `ktriage fixed`: one index of lists and trees, and two questions.

mod ask;
pub(super) mod fixed;
pub(super) mod suspects;
pub(super) mod update;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;

use app_index::{Error, Index, Progress};

use crate::failure::Failure;
use crate::output::{Escaped, message};

/// Where the index is and what it is made of.
#[derive(clap::Args, Debug)]
pub(super) struct Sources {
    /// A mirror of mailing lists: a folder of public-inbox epochs, or one epoch.
    #[arg(long, value_name = "MIRROR")]
    list: Vec<PathBuf>,

    /// A git tree; its history is indexed, and its tags tell releases.
    #[arg(long, value_name = "DIR")]
    pub(super) tree: Vec<PathBuf>,

    /// The folder that holds the index.
    #[arg(long, value_name = "DIR")]
    pub(super) state: Option<PathBuf>,
}

impl Sources {
    /// Opens the index, brought up to date with the sources unless `offline`.
    fn open(&self, offline: bool) -> Result<Index, Failure> {
        let Some(state) = self.state.clone().or_else(super::user_state_folder) else {
            return Err(Failure::usage(anyhow::anyhow!("there is no folder for the index"))
                .hint("name one with --state DIR"));
        };
        if let Some(missing) = self.list.iter().chain(&self.tree).find(|path| !path.is_dir()) {
            return Err(Failure::usage(anyhow::anyhow!("{}: no such folder", missing.display()))
                .hint("--list takes a mirror of public-inbox, --tree a git tree"));
        }
        let mut index = Index::open(&state).map_err(failure)?;
        if !offline {
            let show = io::stderr().is_terminal();
            for list in &self.list {
                index.add_list(list, |p| progress(show, p)).map_err(failure)?;
            }
            for tree in &self.tree {
                index.add_tree(tree, |p| progress(show, p)).map_err(failure)?;
            }
        }
        Ok(index)
    }
}

/// An error of the index with what to do about it.
fn failure(error: Error) -> Failure {
    let hint = match &error {
        Error::NoArchive(_) => {
            "an archive of public-inbox has one mail a commit, in the file `m`; clone one with `git clone --mirror https://lore.kernel.org/LIST/0 LIST/git/0.git`"
        }
        Error::Archive(_) | Error::Tree(_) => {
            "is the repository whole? `git fsck` tells; what was read before is kept"
        }
        Error::Index(_) => "the index can be removed; it is made anew from the lists and trees",
        _ => return Failure::usage(error),
    };
    Failure::usage(error).hint(hint)
}

fn progress(show: bool, progress: Progress<'_>) {
    match progress {
        Progress::Rewritten(path) => {
            message(&format!("{}: its history was rewritten; it is read anew", path.display()));
        }
        Progress::Unread { path, count } => {
            let mails = if count == 1 { "mail" } else { "mails" };
            message(&format!(
                "{}: {count} {mails} cannot be read and are left out",
                path.display()
            ));
        }
        Progress::Added { name, done, total } if show => {
            let end = if done < total { "" } else { "\n" };
            // Nobody is left to tell when standard error is closed.
            let _ = write!(io::stderr(), "\r{}: {done} of {total}{end}", Escaped(name));
        }
        Progress::Added { .. } => {}
    }
}
