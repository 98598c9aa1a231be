//! `ktriage lab build`: a kernel from source, with named pieces of configuration.

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use io_kernel_build::{FRAGMENTS, Recipe, Source, build, source_tree};
use io_vm::Kernel;
use serde::{Deserialize, Serialize};

use super::kernel::{State, build_failure};
use crate::failure::Failure;
use crate::output::{Escaped, message};
use crate::stop;

/// Build a kernel from a source tree, a tarball or Debian's source package.
///
/// The configuration is the fragment `base`, the named fragments and the given files, merged in this
/// order. What the kernel's own tools did not keep is reported with the dependency it lacks.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ktriage lab build ~/linux --name mine
  ktriage lab build debian:6.12 --name lockdep --with lockdep,debug-info
  ktriage lab build linux-6.12.tar.xz --name net --with net --config extra.config
  ktriage lab build --list")]
pub(crate) struct Arguments {
    /// A source tree, a tarball, or `debian:VERSION` for the package linux-source-VERSION.
    #[arg(value_name = "SOURCE", required_unless_present = "list")]
    source: Option<String>,

    /// The build's name; `lab boot NAME` and `lab run --kernel NAME` use it.
    #[arg(long, value_name = "NAME", default_value = "default")]
    name: String,

    /// Fragments of configuration; see --list.
    #[arg(long = "with", value_name = "FRAGMENT", value_delimiter = ',')]
    fragments: Vec<String>,

    /// A file with more configuration; may be given several times.
    #[arg(long = "config", value_name = "FILE")]
    configs: Vec<PathBuf>,

    /// Build modules too.
    #[arg(long)]
    modules: bool,

    /// Do not use ccache.
    #[arg(long)]
    no_ccache: bool,

    /// Parallel jobs; as many as there are CPUs unless given.
    #[arg(long, value_name = "J")]
    jobs: Option<u32>,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,

    /// List the fragments.
    #[arg(long)]
    list: bool,

    #[command(flatten)]
    state: State,
}

/// A build as it is stored in `ktriage.json` and printed with `--json`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct BuildJson {
    format: u32,
    name: String,
    source: String,
    fragments: Vec<String>,
    release: String,
    compiler: String,
    seconds: u64,
    signature: String,
    image: PathBuf,
    vmlinux: PathBuf,
    modules: Option<PathBuf>,
    lost: Vec<LostJson>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LostJson {
    symbol: String,
    wanted: String,
    kept: String,
    unmet: Vec<String>,
}

const FILE: &str = "ktriage.json";

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut out = io::stdout().lock();
    if arguments.list {
        for fragment in FRAGMENTS {
            let comment: Vec<_> = fragment
                .text
                .lines()
                .map_while(|line| line.strip_prefix('#'))
                .map(str::trim)
                .collect();
            writeln!(out, "{:<12} {}", fragment.name, comment.join(" "))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let name = &arguments.name;
    if name.is_empty() || name.starts_with('.') || name.contains('/') {
        return Err(Failure::usage(anyhow::anyhow!("`{name}` is no name for a build")));
    }
    let state = arguments.state.folder()?;
    let given = arguments.source.as_deref().unwrap_or_default();
    let source = read_source(given)?;
    let more = arguments
        .configs
        .iter()
        .map(|path| {
            fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))
                .map_err(Failure::usage)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let ccache = if arguments.no_ccache { None } else { ccache(&state) };
    let stop = stop::flag()?;
    let tree = source_tree(&source, &state.join("sources")).map_err(build_failure)?;
    let recipe = Recipe {
        tree,
        folder: state.join("builds").join(name),
        fragments: arguments.fragments.clone(),
        more,
        modules: arguments.modules,
        ccache,
        jobs: arguments.jobs.unwrap_or_else(app_lab::cpus),
    };
    message(&format!("building in {}", recipe.folder.display()));
    let built = build(&recipe, &stop, progress()).map_err(build_failure)?;
    let json = BuildJson {
        format: 1,
        name: name.clone(),
        source: given.to_owned(),
        fragments: arguments.fragments.clone(),
        release: built.release,
        compiler: built.compiler,
        seconds: built.duration.as_secs(),
        signature: built.signature,
        image: built.image,
        vmlinux: built.vmlinux,
        modules: built.modules,
        lost: built
            .lost
            .into_iter()
            .map(|(lost, unmet)| LostJson {
                symbol: lost.symbol,
                wanted: lost.wanted.to_string(),
                kept: lost.kept.to_string(),
                unmet,
            })
            .collect(),
    };
    let text = serde_json::to_string(&json).map_err(io::Error::from)?;
    let record = recipe.folder.join(FILE);
    fs::write(&record, format!("{text}\n"))
        .with_context(|| format!("cannot write {}", record.display()))
        .map_err(Failure::lab)?;
    if arguments.json {
        writeln!(out, "{text}")?;
    } else {
        write_text(&mut out, &json)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write_text(out: &mut impl io::Write, build: &BuildJson) -> io::Result<()> {
    for lost in &build.lost {
        let unmet = if lost.unmet.is_empty() {
            "another symbol decides".to_owned()
        } else {
            format!("it lacks {}", lost.unmet.join(", "))
        };
        writeln!(
            out,
            "CONFIG_{} is {} and not {}: {}",
            Escaped(&lost.symbol),
            Escaped(&lost.kept),
            Escaped(&lost.wanted),
            Escaped(&unmet)
        )?;
    }
    writeln!(
        out,
        "{} built in {} s ({})",
        Escaped(&build.release),
        build.seconds,
        Escaped(&build.compiler)
    )?;
    writeln!(out, "signature: {}", build.signature)?;
    writeln!(out, "image: {}", build.image.display())?;
    writeln!(out, "boot it: ktriage lab boot {}", build.name)
}

fn read_source(given: &str) -> Result<Source, Failure> {
    if let Some(version) = given.strip_prefix("debian:") {
        return Ok(Source::Debian(version.to_owned()));
    }
    let path = PathBuf::from(given);
    if path.is_dir() {
        Ok(Source::Tree(path))
    } else if path.is_file() {
        Ok(Source::Tarball(path))
    } else {
        Err(Failure::usage(anyhow::anyhow!("there is no source {given}"))
            .hint("give a source tree, a tarball, or debian:6.12 for Debian's package"))
    }
}

/// The cache's folder, if ccache is installed. Without it builds are slower, and that is said.
fn ccache(state: &Path) -> Option<PathBuf> {
    let found = app_lab::ccache(state);
    if found.is_none() {
        message("ccache is not installed: the next build will take as long as this one");
    }
    found
}

/// Shows what is being compiled: on a terminal in one line, else a line a minute.
fn progress() -> impl FnMut(&str) {
    let terminal = io::stderr().is_terminal();
    let (start, mut last, mut files) = (Instant::now(), Instant::now(), 0_u32);
    move |file: &str| {
        files += 1;
        let pause = Duration::from_millis(if terminal { 200 } else { 60_000 });
        if last.elapsed() >= pause {
            last = Instant::now();
            let text = format!("{files} files, {} s: {file}", start.elapsed().as_secs());
            let text = Escaped(&text).to_string();
            if terminal {
                let _ = write!(io::stderr().lock(), "\r\x1b[K{text}\r");
            } else {
                message(&text);
            }
        }
    }
}

/// The kernel of the build `name`, if there is one.
pub(super) fn stored_build(name: &str, state: &Path) -> Result<Option<Kernel>, Failure> {
    let path = state.join("builds").join(name).join(FILE);
    let Ok(text) = fs::read_to_string(&path) else { return Ok(None) };
    let build: BuildJson = serde_json::from_str(&text)
        .with_context(|| format!("cannot read {}", path.display()))
        .map_err(|error| Failure::usage(error).hint(format!("build {name} again")))?;
    Ok(Some(Kernel { image: build.image, modules: build.modules }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_build_is_found_by_its_name() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("builds/mine");
        fs::create_dir_all(&folder).unwrap();
        let json = BuildJson {
            format: 1,
            name: "mine".into(),
            source: "debian:6.12".into(),
            fragments: vec!["net".into()],
            release: "6.12.1".into(),
            compiler: "gcc".into(),
            seconds: 1,
            signature: "ab".into(),
            image: "/b/bzImage".into(),
            vmlinux: "/b/vmlinux".into(),
            modules: None,
            lost: vec![LostJson {
                symbol: "A".into(),
                wanted: "y".into(),
                kept: "n".into(),
                unmet: vec!["B".into()],
            }],
        };
        let text = serde_json::to_string(&json).unwrap();
        assert_eq!(
            text,
            r#"{"format":1,"name":"mine","source":"debian:6.12","fragments":["net"],"release":"6.12.1","compiler":"gcc","seconds":1,"signature":"ab","image":"/b/bzImage","vmlinux":"/b/vmlinux","modules":null,"lost":[{"symbol":"A","wanted":"y","kept":"n","unmet":["B"]}]}"#
        );
        fs::write(folder.join(FILE), text).unwrap();
        let kernel = stored_build("mine", state.path()).unwrap().unwrap();
        assert_eq!(kernel.image, Path::new("/b/bzImage"));
        assert!(stored_build("other", state.path()).unwrap().is_none());
    }
}
