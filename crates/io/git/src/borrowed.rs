//! A repository of our own that borrows the objects of the user's: what is made in it, commits and work
//! trees, leaves no trace in the user's, and neither hooks nor the user's settings have any influence.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{GitError, Repository};

/// Settings of the repository. Nothing of the user's or the machine's is read beside them.
const CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n\thooksPath = /dev/null\n\
                      \tautocrlf = false\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n\
                      [advice]\n\tdetachedHead = false\n[commit]\n\tgpgSign = false\n\
                      [apply]\n\twhitespace = nowarn\n[rerere]\n\tenabled = false\n";

impl Repository {
    /// The repository of ours at `folder` that borrows this one's objects; made when it is not there. It
    /// knows every commit of this one by its full name, and none of its branches and tags.
    ///
    /// # Errors
    /// When `git` fails or the folder cannot be written.
    pub fn borrowed(&self, folder: &Path) -> Result<Self, GitError> {
        let own = Self { root: folder.to_owned(), isolated: true };
        let failed = |source| GitError::Write { path: folder.to_owned(), source };
        if !folder.join("HEAD").is_file() {
            fs::create_dir_all(folder).map_err(failed)?;
            let mut command = own.command(["init", "--quiet", "--bare", "--template="]);
            let output = command.output().map_err(|source| GitError::Start { source })?;
            if !output.status.success() {
                return Err(GitError::Failed {
                    doing: "make a repository",
                    path: folder.to_owned(),
                    message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
                });
            }
        }
        let objects = self.git_path("objects")?;
        let information = folder.join("objects/info");
        fs::create_dir_all(&information).map_err(failed)?;
        // Quoted: a path may hold any byte.
        fs::write(information.join("alternates"), format!("{}\n", objects.display()))
            .map_err(failed)?;
        fs::write(folder.join("config"), self.config()?).map_err(failed)?;
        // A clone whose history is cut off says where in this file.
        let cut = self.git_path("shallow")?;
        if cut.is_file() {
            fs::copy(cut, folder.join("shallow")).map_err(failed)?;
        }
        Ok(own)
    }

    /// The settings of a borrowing repository: the object names have to be of this one's kind.
    fn config(&self) -> Result<String, GitError> {
        let format = self.git(["rev-parse", "--show-object-format"])?;
        Ok(match format.line() {
            Some(name) if name != "sha1" => {
                let version = CONFIG.replace("formatversion = 0", "formatversion = 1");
                format!("{version}[extensions]\n\tobjectFormat = {name}\n")
            }
            _ => CONFIG.to_owned(),
        })
    }

    /// Where git keeps something of this repository.
    fn git_path(&self, name: &str) -> Result<PathBuf, GitError> {
        let printed = self.demand("find its files", ["rev-parse", "--git-path", name])?;
        let path = PathBuf::from(printed.trim_end_matches('\n'));
        let path = if path.is_absolute() { path } else { self.root().join(path) };
        Ok(path.canonicalize().unwrap_or(path))
    }
}
