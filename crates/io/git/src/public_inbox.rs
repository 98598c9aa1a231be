//! Archives of public-inbox. In format 2 a commit holds one mail in the file `m`, and a commit with `d`
//! takes a mail back; in format 1 each mail is a file `2/38` of a tree that grows.
//!
//! A mirror holds epochs `git/0.git`, `git/1.git`, … below each list; a single epoch is a bare
//! repository. Mails come oldest first and are read in a stream, so memory does not grow with the
//! archive.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Mails asked for at once: the names of one round fit in the buffer of a pipe.
const ROUND: usize = 256;
/// Bytes of a mail that are read; the rest is dropped.
const MAX_MAIL: u64 = 64 << 20;

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A directory cannot be listed.
    #[error("listing {}", path.display())]
    List {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// `git` cannot be started or its pipe broke.
    #[error("running git {operation} in {}", path.display())]
    Run {
        /// What was to be done.
        operation: &'static str,
        /// The repository.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// `git` failed.
    #[error("git {operation} failed in {}: {message}", path.display())]
    Git {
        /// What was to be done.
        operation: &'static str,
        /// The repository.
        path: PathBuf,
        /// What git said.
        message: String,
    },
}

/// One repository of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Where it is.
    pub path: PathBuf,
    /// The name of the list: that of the directory above `git`, or of the repository.
    pub list: String,
}

/// Finds the epochs below `directory`, in order of list and number.
pub fn epochs(directory: &Path) -> Result<Vec<Epoch>, Error> {
    let mut found = Vec::new();
    search(directory, 0, &mut found)?;
    let mut seen = std::collections::HashSet::new();
    found.retain(|epoch| seen.insert(fs::canonicalize(&epoch.path).unwrap_or(epoch.path.clone())));
    found.sort_by(|a, b| {
        let number = |e: &Epoch| -> u64 {
            e.path.file_stem().and_then(|s| s.to_str()).and_then(|s| s.parse().ok()).unwrap_or(0)
        };
        (&a.list, number(a), &a.path).cmp(&(&b.list, number(b), &b.path))
    });
    Ok(found)
}

fn search(directory: &Path, depth: usize, found: &mut Vec<Epoch>) -> Result<(), Error> {
    let is_bare = directory.join("HEAD").is_file() && directory.join("objects").is_dir();
    let has_git = directory.join(".git").join("HEAD").is_file();
    if is_bare || has_git {
        let mut named = directory;
        // LIST/git/0.git: the list's own directory is two above.
        let numbered = directory
            .file_stem()
            .and_then(|s| s.to_str())
            .is_some_and(|s| s.bytes().all(|b| b.is_ascii_digit()));
        if numbered && let Some(above) = directory.parent() {
            named = above;
            if above.file_name().is_some_and(|n| n == "git") {
                named = above.parent().unwrap_or(above);
            }
        }
        let list = named.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let list = list.trim_end_matches(".git").to_owned();
        found.push(Epoch { path: directory.to_owned(), list });
        return Ok(());
    }
    if depth >= 4 {
        return Ok(());
    }
    let list = |source| Error::List { path: directory.to_owned(), source };
    for entry in fs::read_dir(directory).map_err(list)? {
        let entry = entry.map_err(list)?;
        // `all.git` of a mirror holds only alternates. A link to a directory counts as one; the depth
        // bounds what a circle of links can do.
        let is_link = entry.file_type().map_err(list)?.is_symlink();
        let is_directory = match is_link {
            true => fs::metadata(entry.path()).is_ok_and(|m| m.is_dir()),
            false => entry.file_type().map_err(list)?.is_dir(),
        };
        if is_directory && entry.file_name() != "all.git" {
            search(&entry.path(), depth + 1, found)?;
        }
    }
    Ok(())
}

fn git(path: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .arg("--no-pager")
        .arg("-C")
        .arg(path)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("LC_ALL", "C")
        .stderr(Stdio::piped());
    command
}

fn output(path: &Path, operation: &'static str, arguments: &[&str]) -> Result<String, Error> {
    let run = |source| Error::Run { operation, path: path.to_owned(), source };
    let out =
        git(path).arg(operation).args(arguments).stdin(Stdio::null()).output().map_err(run)?;
    if !out.status.success() {
        let message = String::from_utf8_lossy(&out.stderr).trim().to_owned();
        return Err(Error::Git { operation, path: path.to_owned(), message });
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// The newest commit of an epoch; none in an empty one.
pub fn head(epoch: &Epoch) -> Option<String> {
    output(&epoch.path, "rev-parse", &["--verify", "--quiet", "HEAD^{commit}"])
        .ok()
        .map(|id| id.trim().to_owned())
        .filter(|id| !id.is_empty())
}

/// Commits at the end of a repository that show whether it is an archive, and of which format.
const LAST_COMMITS: &str = "-50";

/// How an archive holds its mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Format 2: each commit has one mail in `m`, or one that is taken back in `d`.
    Commits,
    /// Format 1: each mail is a file, `2/38` digits of a hash.
    Files,
}

/// The layout of an epoch; none if it is empty or no archive of mail.
pub fn layout(epoch: &Epoch) -> Result<Option<Layout>, Error> {
    if head(epoch).is_none() {
        // A head that is named and cannot be read is that of a damaged repository, not of an empty one.
        if output(&epoch.path, "rev-parse", &["--verify", "--quiet", "HEAD"]).is_ok() {
            output(&epoch.path, "cat-file", &["-t", "HEAD"])?;
        }
        return Ok(None);
    }
    let arguments = [LAST_COMMITS, "--format=", "--name-only", "--no-renames"];
    let names = output(&epoch.path, "log", &arguments)?;
    let mut names = names.lines().filter(|l| !l.is_empty()).peekable();
    let Some(first) = names.peek().copied() else { return Ok(None) };
    let is_mail = |name: &str| name == "m" || name == "d";
    Ok(match (is_mail(first), is_hashed(first)) {
        (true, _) if names.all(is_mail) => Some(Layout::Commits),
        (_, true) if names.all(is_hashed) => Some(Layout::Files),
        _ => None,
    })
}

/// `ab/cdef…`: two digits of a hash, a slash, the others.
fn is_hashed(name: &str) -> bool {
    let hex = |t: &str| t.bytes().all(|b| b.is_ascii_hexdigit());
    name.split_once('/').is_some_and(|(a, b)| a.len() == 2 && b.len() == 38 && hex(a) && hex(b))
}

/// What an epoch holds that was not read yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Places of mails, oldest first, for [`Mails::read`].
    pub places: Vec<String>,
    /// History was rewritten since, as public-inbox does to purge a mail: all of it is here again,
    /// and places of before may not hold any more.
    pub is_rewritten: bool,
}

/// The places of an epoch oldest first, those after the place `after`.
pub fn news(epoch: &Epoch, layout: Layout, after: Option<&str>) -> Result<News, Error> {
    let commit = |place: &str| -> String {
        place.trim_start_matches('-').chars().take_while(char::is_ascii_hexdigit).collect()
    };
    let after = after.map(commit).filter(|id| !id.is_empty());
    let known = after
        .as_ref()
        .filter(|id| output(&epoch.path, "merge-base", &["--is-ancestor", id, "HEAD"]).is_ok());
    let range = known.map_or_else(|| "HEAD".to_owned(), |id| format!("{id}..HEAD"));
    let is_rewritten = after.is_some() && known.is_none();
    let places = match layout {
        Layout::Commits => {
            let all = output(&epoch.path, "rev-list", &["--reverse", &range])?;
            all.lines().map(str::to_owned).collect()
        }
        Layout::Files => {
            let all = output(
                &epoch.path,
                "log",
                &["--reverse", "--format=%H", "--name-status", "--no-renames", &range],
            )?;
            let mut places = Vec::new();
            let mut commit = "";
            for line in all.lines() {
                match line.split_once('\t') {
                    Some((state, path)) if is_hashed(path) => places.push(match state {
                        "D" => format!("-{commit}^:{path}"),
                        _ => format!("{commit}:{path}"),
                    }),
                    Some(_) => {}
                    None if !line.is_empty() => commit = line,
                    None => {}
                }
            }
            places
        }
    };
    Ok(News { places, is_rewritten })
}

/// What stands at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A mail.
    Added(Vec<u8>),
    /// A mail that the archive takes back.
    Removed(Vec<u8>),
}

/// A running `git cat-file`, from which mails are read by their commits.
#[derive(Debug)]
pub struct Mails {
    path: PathBuf,
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Mails {
    /// Opens an epoch.
    pub fn open(epoch: &Epoch) -> Result<Self, Error> {
        let path = epoch.path.clone();
        let run = |source| Error::Run { operation: "cat-file", path: path.clone(), source };
        let mut child = git(&path)
            .args(["cat-file", "--batch", "--buffer"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(run)?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(run(io::Error::other("no pipe")));
        };
        let answers = BufReader::with_capacity(1 << 18, answers);
        Ok(Self { path, child, requests: Some(requests), answers })
    }

    /// Reads what stands at `places` in order and hands each to `take`. Returns how many places hold
    /// nothing that can be read. Stops when `take` says `false`.
    pub fn read(
        &mut self,
        places: &[String],
        mut take: impl FnMut(&str, Change) -> bool,
    ) -> Result<usize, Error> {
        let mut unread = 0;
        for round in places.chunks(ROUND) {
            let mut asked = String::new();
            for place in round {
                asked.push_str(place.trim_start_matches('-'));
                asked.push_str(if place.contains(':') { "\n" } else { ":m\n" });
            }
            // Without a flush at the end of a round git would keep its answers to itself.
            asked.push('\n');
            let path = self.path.clone();
            let run = |source| Error::Run { operation: "cat-file", path: path.clone(), source };
            let Some(requests) = self.requests.as_mut() else {
                return Err(run(io::Error::other("the pipe is closed")));
            };
            requests.write_all(asked.as_bytes()).and_then(|()| requests.flush()).map_err(run)?;
            let mut go_on = true;
            for place in round {
                let mail = self.answer().map_err(run)?;
                if !go_on {
                    continue;
                }
                let change = match mail {
                    Some(mail) if place.starts_with('-') => Some(Change::Removed(mail)),
                    Some(mail) => Some(Change::Added(mail)),
                    None if place.contains(':') => None,
                    // Few commits take a mail back; each is asked for by itself.
                    None => taken_back(&path, place).map(Change::Removed),
                };
                match change {
                    Some(change) => go_on = take(place, change),
                    None => unread += 1,
                }
            }
            // The answer to the empty name that ends the round.
            self.answer().map_err(run)?;
            if !go_on {
                break;
            }
        }
        Ok(unread)
    }

    fn answer(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "git cat-file ended"));
        }
        let mut words = line.split_ascii_whitespace();
        let (Some(_), Some(kind), Some(size)) = (words.next(), words.next(), words.next()) else {
            return Ok(None);
        };
        let Ok(size) = size.parse::<u64>() else { return Ok(None) };
        let mut mail = Vec::new();
        (&mut self.answers).take(size.min(MAX_MAIL)).read_to_end(&mut mail)?;
        io::copy(
            &mut (&mut self.answers).take(size.saturating_sub(MAX_MAIL) + 1),
            &mut io::sink(),
        )?;
        Ok((kind == "blob").then_some(mail))
    }
}

/// The mail that a commit of format 2 takes back.
fn taken_back(path: &Path, commit: &str) -> Option<Vec<u8>> {
    let out = git(path)
        .args(["cat-file", "blob", &format!("{commit}:d")])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    out.status.success().then_some(out.stdout)
}

impl Drop for Mails {
    fn drop(&mut self) {
        self.requests = None;
        // It ends by itself when its input does; a broken one is not waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(path: &Path, arguments: &[&str]) -> bool {
        git(path)
            .args(["-c", "user.name=x", "-c", "user.email=x@example.org"])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    }

    #[test]
    #[expect(clippy::print_stdout, reason = "a test that skips says so")]
    fn mails_come_oldest_first_and_only_new_ones_the_second_time() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("pumps/git/0.git");
        fs::create_dir_all(&path).expect("a directory");
        if !run(&path, &["init", "-q", "."]) {
            println!("skipped: no git command");
            return;
        }
        let add = |name: &str, text: &str| {
            let _ = fs::remove_file(path.join("m"));
            let _ = fs::remove_file(path.join("d"));
            fs::write(path.join(name), text).expect("written");
            assert!(run(&path, &["add", "-A", "."]));
            assert!(run(&path, &["commit", "-q", "-m", text]));
        };
        add("m", "one");
        add("m", "two");
        add("d", "one");
        let epochs = epochs(directory.path()).expect("epochs");
        assert_eq!(epochs.len(), 1);
        assert_eq!(epochs[0].list, "pumps");
        assert_eq!(layout(&epochs[0]).expect("a layout"), Some(Layout::Commits));
        let get = |after: Option<&str>| news(&epochs[0], Layout::Commits, after).expect("news");
        let all = get(None);
        assert_eq!((all.places.len(), all.is_rewritten), (3, false));
        let mut mails = Mails::open(&epochs[0]).expect("git");
        let mut texts = Vec::new();
        let mut read = |places: &[String]| {
            mails
                .read(places, |_, change| {
                    texts.push(match change {
                        Change::Added(mail) => String::from_utf8_lossy(&mail).into_owned(),
                        Change::Removed(mail) => format!("-{}", String::from_utf8_lossy(&mail)),
                    });
                    true
                })
                .expect("mails");
        };
        read(&all.places);
        let newest = head(&epochs[0]).expect("a head");
        add("m", "three");
        read(&get(Some(&newest)).places);
        assert_eq!(texts, ["one", "two", "-one", "three"]);
        let unknown = get(Some(&"0".repeat(40)));
        assert_eq!((unknown.places.len(), unknown.is_rewritten), (4, true));
    }

    #[test]
    #[expect(clippy::print_stdout, reason = "a test that skips says so")]
    fn an_archive_of_format_1_gives_its_files_and_takes_them_back() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("pumps.git");
        fs::create_dir_all(path.join("ab")).expect("a directory");
        if !run(&path, &["init", "-q", "."]) {
            println!("skipped: no git command");
            return;
        }
        let file = |digit: &str| path.join("ab").join(digit.repeat(38));
        let commit = || {
            assert!(run(&path, &["add", "-A", "."]));
            assert!(run(&path, &["commit", "-q", "-m", "x"]));
        };
        for (digit, text) in [("1", "one"), ("2", "two")] {
            fs::write(file(digit), text).expect("written");
            commit();
        }
        fs::remove_file(file("1")).expect("removed");
        commit();
        let epoch = epochs(directory.path()).expect("epochs").remove(0);
        assert_eq!(layout(&epoch).expect("a layout"), Some(Layout::Files));
        let all = news(&epoch, Layout::Files, None).expect("news").places;
        let mut found = Vec::new();
        Mails::open(&epoch)
            .expect("git")
            .read(&all, |_, change| {
                found.push(change);
                true
            })
            .expect("mails");
        let (one, two) = (b"one".to_vec(), b"two".to_vec());
        let removed = Change::Removed(one.clone());
        assert_eq!(found, [Change::Added(one), Change::Added(two), removed]);
        let last = all.last().map(String::as_str);
        assert_eq!(news(&epoch, Layout::Files, last).expect("news"), News::default());
        fs::write(path.join("Makefile"), "all:").expect("written");
        commit();
        assert_eq!(layout(&epoch).expect("a layout"), None, "a project is no archive");
    }
}
