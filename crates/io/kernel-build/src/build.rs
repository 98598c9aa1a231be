//! One build: configuration, compiler, image, signature.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parse_kconfig::{Config, Lost, Menu};

use crate::command::{cannot_start, look_for_programs, run};
use crate::error::BuildError;
use crate::failure::{CompileError, first_error};
use crate::fragments::FRAGMENTS;
use crate::signature::signature;

/// What to build.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The source tree.
    pub tree: PathBuf,
    /// The folder of the build; what is in it is reused.
    pub folder: PathBuf,
    /// Names of fragments; `base` is always part of it.
    pub fragments: Vec<String>,
    /// More configuration, as the text of fragments.
    pub more: Vec<String>,
    /// Build modules too.
    pub modules: bool,
    /// Where ccache keeps its results, if ccache shall be used.
    pub ccache: Option<PathBuf>,
    /// Parallel jobs.
    pub jobs: u32,
}

/// A finished build.
#[derive(Clone, Debug)]
pub struct Built {
    /// The image to boot.
    pub image: PathBuf,
    /// The image with symbols.
    pub vmlinux: PathBuf,
    /// `lib/modules/RELEASE`, if modules were built.
    pub modules: Option<PathBuf>,
    /// The kernel's release.
    pub release: String,
    /// The compiler's own words on its version.
    pub compiler: String,
    /// How long the build took.
    pub duration: Duration,
    /// Equal for kernels of which nothing that runs differs.
    pub signature: String,
    /// Symbols that were asked for and are not so, each with the dependencies it lacks.
    pub lost: Vec<(Lost, Vec<String>)>,
}

/// What a build sets so that two builds of the same source are equal.
const FIXED: &[(&str, &str)] = &[
    ("KBUILD_BUILD_TIMESTAMP", "1970-01-01 00:00:00 UTC"),
    ("KBUILD_BUILD_USER", "ktriage"),
    ("KBUILD_BUILD_HOST", "lab"),
    ("KBUILD_BUILD_VERSION", "1"),
    ("LC_ALL", "C"),
];

/// Variables of our surroundings that the kernel's build would obey.
const FOREIGN: &[&str] =
    &["ARCH", "CROSS_COMPILE", "LLVM", "CC", "KCFLAGS", "KBUILD_OUTPUT", "O", "MAKEFLAGS", "V"];

/// Builds a kernel. `progress` is told the file that is being worked on.
///
/// # Errors
/// When the configuration cannot be made or the kernel does not build; the error names the file.
pub fn build(
    recipe: &Recipe,
    stop: &AtomicBool,
    mut progress: impl FnMut(&str),
) -> Result<Built, BuildError> {
    let start = Instant::now();
    fs::create_dir_all(&recipe.folder)
        .map_err(BuildError::io(format!("make the folder {}", recipe.folder.display())))?;
    look_for_programs(&recipe.tree)?;
    let compiler = run("gcc", "asking the compiler for its version", |command| {
        command.arg("--version").current_dir("/")
    })?;
    let compiler = String::from_utf8_lossy(&compiler.stdout).lines().next().unwrap_or("").into();
    let wanted = wanted_configuration(recipe)?;
    let kept = configure(recipe, &wanted, stop, &mut progress)?;
    let lost = explain(recipe, &wanted, &kept);
    let mut targets = vec!["bzImage"];
    if recipe.modules {
        targets.push("modules");
    }
    make(recipe, &targets, stop, &mut progress)?;
    let release = fs::read_to_string(recipe.folder.join("include/config/kernel.release"))
        .map_err(BuildError::io("read the kernel's release"))?
        .trim()
        .to_owned();
    let modules = if recipe.modules {
        let place = recipe.folder.join("installed");
        let _ = fs::remove_dir_all(&place);
        let variable = format!("INSTALL_MOD_PATH={}", place.display());
        make(recipe, &[&variable, "modules_install"], stop, &mut progress)?;
        Some(place.join("lib/modules").join(&release))
    } else {
        None
    };
    let vmlinux = recipe.folder.join("vmlinux");
    progress("signature");
    let signature = signature(&vmlinux, modules.as_deref())?;
    Ok(Built {
        image: recipe.folder.join("arch/x86/boot/bzImage"),
        vmlinux,
        modules,
        release,
        compiler,
        duration: start.elapsed(),
        signature,
        lost,
    })
}

fn wanted_configuration(recipe: &Recipe) -> Result<Config, BuildError> {
    let mut wanted = Config::default();
    let names = std::iter::once("base").chain(recipe.fragments.iter().map(String::as_str));
    for name in names {
        let fragment = FRAGMENTS
            .iter()
            .find(|fragment| fragment.name == name)
            .ok_or_else(|| BuildError::NoFragment { name: name.to_owned() })?;
        wanted.merge(&Config::parse(fragment.text));
    }
    for text in &recipe.more {
        wanted.merge(&Config::parse(text));
    }
    Ok(wanted)
}

/// Makes the configuration anew, since the tree may have changed, and returns what the kernel's own
/// tools kept. They touch only what depends on a symbol that changed, so nothing is compiled twice.
fn configure(
    recipe: &Recipe,
    wanted: &Config,
    stop: &AtomicBool,
    progress: &mut impl FnMut(&str),
) -> Result<Config, BuildError> {
    let wishes = recipe.folder.join("ktriage.config");
    let config = recipe.folder.join(".config");
    fs::write(&wishes, wanted.to_string())
        .map_err(BuildError::io(format!("write {}", wishes.display())))?;
    let variable = format!("KCONFIG_ALLCONFIG={}", wishes.display());
    make(recipe, &[&variable, "allnoconfig"], stop, progress)?;
    make(recipe, &["olddefconfig"], stop, progress)?;
    let kept = fs::read_to_string(&config)
        .map_err(BuildError::io(format!("read {}", config.display())))?;
    Ok(Config::parse(&kept))
}

fn explain(recipe: &Recipe, wanted: &Config, kept: &Config) -> Vec<(Lost, Vec<String>)> {
    let lost = wanted.lost_in(kept);
    if lost.is_empty() {
        return Vec::new();
    }
    let menu =
        Menu::read("Kconfig", "x86", &mut |path| fs::read_to_string(recipe.tree.join(path)).ok());
    lost.into_iter()
        .map(|lost| {
            let unmet = menu.unmet(&lost.symbol, kept);
            (lost, unmet)
        })
        .collect()
}

/// Runs the kernel's build. Its whole output goes to `build.log` in the build's folder.
fn make(
    recipe: &Recipe,
    targets: &[&str],
    stop: &AtomicBool,
    progress: &mut impl FnMut(&str),
) -> Result<(), BuildError> {
    let log = recipe.folder.join("build.log");
    let writing = || BuildError::io(format!("write {}", log.display()));
    let mut file = File::create(&log).map_err(writing())?;
    // A build whose caller was killed would go on and spoil the next one in this folder.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "make"]);
    for name in FOREIGN {
        command.env_remove(name);
    }
    command
        .envs(FIXED.iter().copied())
        .current_dir(&recipe.tree)
        .arg(format!("O={}", recipe.folder.display()))
        .arg(format!("-j{}", recipe.jobs))
        // Else the release tells whether the tree is a git repository, and with it the signature.
        .arg("LOCALVERSION=")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::from(file.try_clone().map_err(writing())?))
        .process_group(0);
    if let Some(cache) = &recipe.ccache {
        command
            .args(["CC=ccache gcc", "HOSTCC=ccache gcc"])
            .env("CCACHE_DIR", cache)
            .env("CCACHE_BASEDIR", &recipe.tree)
            .env("CCACHE_NOHASHDIR", "1");
    }
    command.args(targets);
    let mut child = command.spawn().map_err(|error| cannot_start("setpriv", error))?;
    let group = rustix::process::Pid::from_child(&child);
    let end = |child: &mut std::process::Child| {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
        let _ = child.wait();
    };
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line.map_err(BuildError::io("read the build's output"))?;
            if stop.load(Ordering::Relaxed) {
                end(&mut child);
                return Err(BuildError::Stopped);
            }
            if let Err(error) = file.write_all(&line).and_then(|()| file.write_all(b"\n")) {
                end(&mut child);
                return Err(writing()(error));
            }
            let line = String::from_utf8_lossy(&line);
            if let Some((_, file)) = line.trim_start().split_once(' ')
                && line.starts_with("  ")
            {
                progress(file.trim());
            }
        }
    }
    let status = child.wait().map_err(BuildError::io("wait for make"))?;
    if status.success() {
        return Ok(());
    }
    if stop.load(Ordering::Relaxed) {
        return Err(BuildError::Stopped);
    }
    let output = fs::read(&log).map_err(BuildError::io(format!("read {}", log.display())))?;
    let error = first_error(&String::from_utf8_lossy(&output)).unwrap_or_else(|| CompileError {
        file: None,
        line: None,
        message: format!("make {} ended with {status}", targets.join(" ")),
    });
    Err(BuildError::Compile { error, log })
}
