//! The first error in a build's output: the file and the words, not four thousand lines.

use std::fmt;

use model::program::package_of;

/// What stopped a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// The file at fault, as the build names it; `None` when the output names none.
    pub file: Option<String>,
    /// The line in that file, counted from 1.
    pub line: Option<u32>,
    /// The error's words.
    pub message: String,
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
            if let Some(line) = self.line {
                write!(f, "{line}:")?;
            }
            f.write_str(" ")?;
        }
        f.write_str(&self.message)?;
        match self.missing_package() {
            Some(package) => write!(f, " (Debian's package is {package})"),
            None => Ok(()),
        }
    }
}

impl CompileError {
    /// The Debian package of the program or header that the build did not find, where it is known.
    fn missing_package(&self) -> Option<&'static str> {
        if let Some(header) = self.message.strip_suffix(": No such file or directory") {
            return package_of(&format!("/usr/include/{header}"));
        }
        let words = self.message.strip_suffix(": not found");
        let words = words.or_else(|| self.message.strip_suffix(": command not found"))?;
        package_of(words.rsplit(' ').next()?)
    }
}

/// The first error in the output of the kernel's build. The rows are tried in this order, because
/// `make`'s own words come after every error and say less.
pub fn first_error(output: &str) -> Option<CompileError> {
    const READERS: &[fn(&str) -> Option<CompileError>] = &[compiler, linker, modpost, tool, make];
    READERS.iter().find_map(|read| output.lines().find_map(read))
}

/// `FILE:LINE[:COLUMN]: [fatal ]error: WORDS` of gcc and clang.
fn compiler(line: &str) -> Option<CompileError> {
    let (place, message) =
        line.split_once(": error: ").or_else(|| line.split_once(": fatal error: "))?;
    let mut parts = place.split(':');
    let file = parts.next().filter(|file| !file.is_empty() && !file.contains(' '))?;
    let number = parts.next().and_then(|number| number.parse().ok());
    Some(CompileError { file: Some(file.to_owned()), line: number, message: message.to_owned() })
}

/// `ld: FILE: in function …: FILE:(.text+0x1): undefined reference to …`
fn linker(line: &str) -> Option<CompileError> {
    let known = ["undefined reference to", "multiple definition of", "undefined symbol: "];
    let at = known.iter().find_map(|words| line.find(words))?;
    let file = line[..at]
        .split(": ")
        .filter_map(|part| part.split(":(").next())
        .map(|part| part.trim().trim_end_matches(':'))
        .filter(|part| part.ends_with(".o") || part.ends_with(".c") || part.ends_with(".a"))
        .last();
    Some(CompileError { file: file.map(str::to_owned), line: None, message: line[at..].to_owned() })
}

/// `ERROR: modpost: WORDS`
fn modpost(line: &str) -> Option<CompileError> {
    let message = line.strip_prefix("ERROR: modpost: ")?;
    Some(CompileError { file: None, line: None, message: message.to_owned() })
}

/// `error: WORDS` of scripts and tools, and a program that the build did not find.
fn tool(line: &str) -> Option<CompileError> {
    let message =
        line.strip_prefix("error: ").or_else(|| line.strip_prefix("Error: ")).or_else(|| {
            (line.ends_with(": not found") || line.ends_with(": command not found")).then_some(line)
        })?;
    Some(CompileError { file: None, line: None, message: message.to_owned() })
}

/// `make[3]: *** [scripts/Makefile.build:243: fs/open.o] Error 1`
fn make(line: &str) -> Option<CompileError> {
    let rest = line.strip_prefix("make")?;
    let at = rest.find("*** ")?;
    let message = rest[at + 4..].trim_end_matches("  Stop.").to_owned();
    let file = message
        .strip_prefix('[')
        .and_then(|inner| inner.split(']').next())
        .and_then(|inner| inner.rsplit(": ").next())
        .map(str::to_owned);
    Some(CompileError { file, line: None, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_of_each_kind_is_found() {
        for (output, shown) in [
            (
                "  CC      fs/open.o\n../fs/open.c: In function 'f':\n../fs/open.c:35:2: error: \
                 'x' undeclared (first use in this function)\n   35 |  x;\n\
                 make[4]: *** [../scripts/Makefile.build:243: fs/open.o] Error 1\n",
                "../fs/open.c:35: 'x' undeclared (first use in this function)",
            ),
            (
                "fs/a.c:1:10: fatal error: gone.h: No such file or directory\n",
                "fs/a.c:1: gone.h: No such file or directory",
            ),
            (
                "ld: vmlinux.o: in function `main':\nld: kernel/fork.o:(.text+0x12): undefined \
                 reference to `missing'\nmake: *** [Makefile:1: vmlinux] Error 1\n",
                "kernel/fork.o: undefined reference to `missing'",
            ),
            (
                "ERROR: modpost: \"kill_it\" [drivers/a.ko] undefined!\nmake[1]: *** x\n",
                "\"kill_it\" [drivers/a.ko] undefined!",
            ),
            (
                "/bin/sh: 1: flex: not found\nmake[2]: *** [a: b] Error 127\n",
                "/bin/sh: 1: flex: not found (Debian's package is flex)",
            ),
            (
                "/bin/sh: 1: pahole: not found\nmake[3]: *** [x.ko] Error 127\n",
                "/bin/sh: 1: pahole: not found (Debian's package is dwarves)",
            ),
            (
                "main.c:1:10: fatal error: libelf.h: No such file or directory\n",
                "main.c:1: libelf.h: No such file or directory (Debian's package is libelf-dev)",
            ),
            (
                "make[1]: *** No rule to make target 'arch/x86/gone.o', needed by 'x'.  Stop.\n",
                "No rule to make target 'arch/x86/gone.o', needed by 'x'.",
            ),
            (
                "make[3]: *** [scripts/Makefile.build:243: fs/open.o] Error 1\n",
                "fs/open.o: [scripts/Makefile.build:243: fs/open.o] Error 1",
            ),
        ] {
            assert_eq!(first_error(output).unwrap().to_string(), shown);
        }
        assert_eq!(first_error("  CC fs/open.o\n"), None);
    }
}
