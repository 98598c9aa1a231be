//! A reproducer made ready for the guest: C is compiled, programs and scripts come with what they
//! need. Nothing of it is executed on the host.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use io_vm::{GuestFile, interpreter_of, with_libraries};
use model::program::package_of;

use crate::error::LabError;

/// What the user gives.
#[derive(Clone, Debug, Default)]
pub struct Reproducer {
    /// C source, script, program or kernel module.
    pub path: PathBuf,
    /// Arguments of the program, or parameters of the module.
    pub arguments: Vec<String>,
    /// More files: on the host, and in the guest.
    pub files: Vec<(PathBuf, PathBuf)>,
}

/// What is done in the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A program with its arguments is run.
    Run(Vec<String>),
    /// A kernel module is inserted, with parameters.
    Insert(String, String),
    /// Nothing: the kernel is only booted.
    Nothing,
}

/// A reproducer that is ready.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What the guest is given.
    pub files: Vec<GuestFile>,
    /// What is done.
    pub action: Action,
}

impl Prepared {
    /// Nothing to run: a boot only.
    pub const fn nothing() -> Self {
        Self { files: Vec::new(), action: Action::Nothing }
    }
}

/// Where everything lies in the guest.
const FOLDER: &str = "/lab";

/// Commands of the host that a script finds in the guest, as far as the host has them.
const COMMANDS: &[&str] = &[
    "cat", "chmod", "cp", "dd", "dmesg", "grep", "head", "insmod", "ip", "kill", "ln", "ls",
    "mkdir", "mknod", "mount", "mv", "rm", "rmmod", "sed", "seq", "sh", "sleep", "sync", "sysctl",
    "tail", "timeout", "touch", "true", "umount", "uname", "unshare",
];

/// Makes a reproducer ready.
///
/// # Errors
/// When it cannot be read, does not compile, or lacks a library.
pub fn prepare(reproducer: &Reproducer) -> Result<Prepared, LabError> {
    let path = &reproducer.path;
    let content = fs::read(path).map_err(LabError::io(format!("read {}", path.display())))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let place = format!("{FOLDER}/{name}");
    let mut files = Vec::new();
    let mut add = |more: Vec<GuestFile>| {
        for file in more {
            if !files.iter().any(|known: &GuestFile| known.path == file.path) {
                files.push(file);
            }
        }
    };
    let arguments = |first: Vec<String>| {
        Action::Run(first.into_iter().chain(reproducer.arguments.iter().cloned()).collect())
    };
    let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    let action = if extension == "c" {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let place = format!("{FOLDER}/{stem}");
        add(vec![compile(path, &place)?]);
        arguments(vec![place])
    } else if extension == "ko" {
        add(vec![GuestFile { path: place.clone().into(), mode: 0o644, content: content.into() }]);
        Action::Insert(place, reproducer.arguments.join(" "))
    } else if content.starts_with(b"\x7fELF") {
        add(with_libraries(path, Path::new(&place))?);
        arguments(vec![place])
    } else if let Some((interpreter, argument)) = interpreter_of(&content) {
        add(script(&interpreter, argument.as_deref())?);
        add(vec![GuestFile { path: place.clone().into(), mode: 0o755, content: content.into() }]);
        arguments(vec![place])
    } else {
        return Err(LabError::NotAReproducer {
            path: path.clone(),
            reason: "it is neither C source (.c) nor a kernel module (.ko) nor a program nor a \
                     script with a first line such as #!/bin/sh"
                .into(),
        });
    };
    for (host, guest) in &reproducer.files {
        add(vec![GuestFile::read(host, guest, 0o755)?]);
    }
    Ok(Prepared { files, action })
}

/// The interpreter, where the script names it, and the commands that scripts use.
fn script(interpreter: &Path, argument: Option<&str>) -> Result<Vec<GuestFile>, LabError> {
    let mut files = with_libraries(interpreter, interpreter)?;
    // `#!/usr/bin/env NAME`
    if interpreter.ends_with("env")
        && let Some(program) = argument.and_then(on_host)
    {
        files.extend(with_libraries(&program, &program)?);
    }
    for command in COMMANDS {
        if let Some(program) = on_host(command) {
            files.extend(with_libraries(&program, &Path::new("/bin").join(command))?);
        }
    }
    Ok(files)
}

fn on_host(command: &str) -> Option<PathBuf> {
    ["/bin", "/usr/bin", "/sbin", "/usr/sbin"]
        .iter()
        .map(|folder| Path::new(folder).join(command))
        .find(|path| path.is_file())
}

/// Compiles C source into a static program. Warnings are of no interest: reproducers are generated.
fn compile(source: &Path, place: &str) -> Result<GuestFile, LabError> {
    let folder = tempfile::tempdir().map_err(LabError::io("make a temporary folder"))?;
    let program = folder.path().join("program");
    let absolute =
        source.canonicalize().map_err(LabError::io(format!("find {}", source.display())))?;
    let output = Command::new("gcc")
        .args(["-static", "-pthread", "-O1", "-w", "-o"])
        .arg(&program)
        .arg(&absolute)
        .current_dir(folder.path())
        .env("LC_ALL", "C")
        .output()
        .map_err(LabError::io(format!(
            "start gcc (Debian's package is {})",
            package_of("gcc").unwrap_or("gcc")
        )))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        let words = io_kernel_build::first_error(&words).map_or_else(
            || words.lines().last().unwrap_or("no reason given").to_owned(),
            |error| match error.line {
                Some(line) => format!("line {line}: {}", error.message),
                None => error.message,
            },
        );
        return Err(LabError::Reproducer { path: source.to_owned(), words });
    }
    Ok(GuestFile::read(&program, place, 0o755)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(name: &str, content: &str) -> Result<Prepared, LabError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        prepare(&Reproducer { path, arguments: vec!["5".into()], files: Vec::new() })
    }

    #[test]
    fn c_source_becomes_a_static_program() {
        let ready = prepared("a.c", "int main(void) { return 0; }\n").unwrap();
        assert_eq!(ready.action, Action::Run(vec!["/lab/a".into(), "5".into()]));
        assert_eq!(ready.files.len(), 1);
        assert!(ready.files[0].content.starts_with(b"\x7fELF"));
    }

    #[test]
    fn source_that_does_not_compile_names_line_and_error() {
        let error = prepared("a.c", "int main(void)\n{ return gone; }\n").unwrap_err().to_string();
        assert!(error.contains("a.c does not compile: line 2: 'gone' undeclared"), "{error}");
    }

    #[test]
    fn a_script_comes_with_its_interpreter() {
        let ready = prepared("a.sh", "#!/bin/sh\nexit 3\n").unwrap();
        assert_eq!(ready.action, Action::Run(vec!["/lab/a.sh".into(), "5".into()]));
        assert!(ready.files.iter().any(|file| file.path == Path::new("/bin/sh")));
    }

    #[test]
    fn what_cannot_run_is_refused_with_the_ways_that_work() {
        let error = prepared("notes.txt", "hello").unwrap_err().to_string();
        assert!(error.contains("neither C source (.c) nor"), "{error}");
    }
}
