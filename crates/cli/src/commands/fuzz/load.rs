//! Descriptions of system calls from a folder, or those that ktriage has itself.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use analysis_fuzz::{Constants, Descriptions, Mistake, Target, compile};
use anyhow::{Context as _, anyhow};
use parse_syzlang::{Error, File};
use render::Escaped;

use crate::failure::Failure;

/// Most bytes of descriptions and constants together.
const LONGEST: u64 = 256 << 20;
/// Mistakes that are shown as text.
const MOST: usize = 50;

/// Descriptions that were read, and what is wrong with them.
pub(crate) struct Described {
    pub(crate) all: Descriptions,
    pub(crate) constants: Constants,
    /// Mistakes in order of files and lines, each with the path of its file.
    pub(crate) errors: Vec<(String, Error)>,
    texts: HashMap<String, String>,
}

/// The options that say which descriptions a command uses.
#[derive(clap::Args, Debug, Clone)]
pub(crate) struct Which {
    /// A folder with descriptions (.txt) and constants (.const), such as sys/linux of a syzkaller
    /// checkout; without it, the descriptions that ktriage has itself.
    #[arg(long, value_name = "DIR")]
    pub(crate) descriptions: Option<PathBuf>,

    /// Architecture, as the constants name it.
    #[arg(long, value_name = "ARCH", default_value = "amd64")]
    pub(crate) arch: String,
}

impl Which {
    /// The types of all calls; mistakes in the descriptions end the command.
    pub(crate) fn target(&self) -> Result<Target, Failure> {
        let mut described = read(self.descriptions.as_deref())?;
        if described.errors.is_empty() {
            described.check_architecture(&self.arch)?;
            let target = described.compile(&self.arch);
            if described.errors.is_empty() {
                return Ok(target);
            }
        }
        let (path, error) = &described.errors[0];
        let all = described.errors.len();
        Err(Failure::usage(anyhow!("{path}:{error}"))
            .hint(format!("{all} in all: `ktriage fuzz check` shows each")))
    }
}

/// Reads the files of a folder.
pub(crate) fn read(folder: Option<&Path>) -> Result<Described, Failure> {
    let mut reading = Reading::default();
    match folder {
        Some(folder) => {
            for path in files(folder)? {
                reading.add_file(&path)?;
            }
            if !reading.described {
                return Err(Failure::usage(anyhow!(
                    "{} has no .txt file of descriptions",
                    folder.display()
                ))
                .hint("give a folder such as sys/linux of a checkout"));
            }
        }
        None => {
            for (name, text) in analysis_fuzz::OWN {
                reading.add(name, name, (*text).to_owned());
            }
        }
    }
    let Reading { files, constants, texts, mut errors, .. } = reading;
    let whole = errors.is_empty();
    let (all, mut mistakes) = Descriptions::new(files);
    if whole {
        // Where a file was not read, its names would all be unknown.
        mistakes.extend(all.mistakes(&constants));
    }
    errors.extend(mistakes.iter().map(|mistake| (mistake.path.clone(), error(mistake))));
    let mut described = Described { all, constants, errors, texts };
    described.sort();
    Ok(described)
}

impl Described {
    fn sort(&mut self) {
        self.errors.sort_by(|one, other| (&one.0, one.1.at).cmp(&(&other.0, other.1.at)));
        self.errors.dedup();
    }

    /// The constants must have the architecture.
    pub(crate) fn check_architecture(&self, name: &str) -> Result<(), Failure> {
        let known = self.constants.architectures();
        if known.contains(name) {
            return Ok(());
        }
        let hint = if known.is_empty() {
            "the folder has no .const file: add the numbers of calls (__NR_…) and the constants"
                .to_owned()
        } else {
            format!("architectures with constants: {}", Vec::from_iter(known).join(", "))
        };
        Err(Failure::usage(anyhow!("no constants for architecture {name}")).hint(hint))
    }

    /// The types on an architecture. Mistakes in them are added to those that are known.
    pub(crate) fn compile(&mut self, architecture: &str) -> Target {
        let (target, errors) = compile(&self.all, &self.constants, architecture);
        let place = |error: Error| (self.all.path(error.at).to_owned(), error);
        self.errors.extend(errors.into_iter().map(place));
        self.sort();
        target
    }

    /// Shows the first mistakes, each with its line.
    pub(crate) fn write_errors(&self, out: &mut impl io::Write) -> io::Result<()> {
        for (path, error) in self.errors.iter().take(MOST) {
            let shown = error.show(path, self.texts.get(path).map_or("", String::as_str));
            for line in shown.lines() {
                writeln!(out, "{}", Escaped(line))?;
            }
        }
        if self.errors.len() > MOST {
            writeln!(out, "and {} more", self.errors.len() - MOST)?;
        }
        Ok(())
    }
}

/// A mistake of the whole, in the shape of one of a file.
fn error(mistake: &Mistake) -> Error {
    let (message, help) = render::descriptions::mistake(mistake);
    Error { at: mistake.at, message, help: help.to_owned() }
}

#[derive(Default)]
struct Reading {
    files: Vec<(String, File)>,
    constants: Constants,
    texts: HashMap<String, String>,
    errors: Vec<(String, Error)>,
    described: bool,
    bytes: u64,
}

impl Reading {
    fn add_file(&mut self, path: &Path) -> Result<(), Failure> {
        let shown = path.display().to_string();
        let mut text = String::new();
        let read = fs::File::open(path)
            .and_then(|file| file.take(LONGEST + 1 - self.bytes).read_to_string(&mut text))
            .with_context(|| format!("cannot read {shown}"))
            .map_err(|error| {
                Failure::usage(error).hint("descriptions and constants are text files")
            })?;
        self.bytes += read as u64;
        if self.bytes > LONGEST {
            return Err(Failure::usage(anyhow!(
                "{shown}: more than {LONGEST} bytes of descriptions"
            ))
            .hint("descriptions are short: is it another folder?"));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.add(&name, &shown, text);
        Ok(())
    }

    fn add(&mut self, name: &str, shown: &str, text: String) {
        if name.ends_with(".const") {
            match parse_syzlang::parse_constants(&text) {
                Ok(file) => {
                    let mistakes = self.constants.add(name, &file);
                    self.errors.extend(mistakes.iter().map(|one| (shown.to_owned(), error(one))));
                }
                Err(error) => self.errors.push((shown.to_owned(), error)),
            }
        } else {
            self.described = true;
            match parse_syzlang::parse(&text) {
                Ok(file) => self.files.push((shown.to_owned(), file)),
                Err(errors) => {
                    self.errors.extend(errors.into_iter().map(|error| (shown.to_owned(), error)));
                }
            }
        }
        self.texts.insert(shown.to_owned(), text);
    }
}

/// The descriptions and constants of a folder, by name.
fn files(folder: &Path) -> Result<BTreeSet<PathBuf>, Failure> {
    let read = || -> io::Result<BTreeSet<PathBuf>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
    };
    let mut paths = read()
        .with_context(|| format!("cannot read {}", folder.display()))
        .map_err(|error| Failure::usage(error).hint("--descriptions takes a folder"))?;
    paths.retain(|path| {
        path.is_file()
            && path.extension().is_some_and(|ending| ending == "txt" || ending == "const")
    });
    Ok(paths)
}
