//! Whether a proven step of history is one of the code, or of the compiler and the configuration.
//!
//! Runs tell at which commit a failure begins, not why. When the commit and its parents were built
//! with different compilers or configurations, the difference between them is not the commit alone;
//! and a commit that changes only how the program is configured turns code on that was there before.

use std::collections::BTreeSet;

/// What a commit was built with, in the words of whoever built it: compiler, configuration. Empty when
/// that was not recorded.
pub type Build = BTreeSet<String>;

/// Where the step comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The code, as far as is known.
    Code,
    /// The commit changes nothing but configuration.
    Configuration,
    /// The commit and a parent of it were never built alike.
    Build {
        /// What the parent was built with.
        before: Build,
        /// What the commit was built with.
        after: Build,
    },
}

impl Origin {
    /// Judges a commit by the paths it changes, what it was built with, and what each of its parents
    /// was.
    pub fn of<P: AsRef<str>>(changed: &[P], own: &Build, parents: &[Build]) -> Self {
        let differs =
            |parent: &&Build| !parent.is_empty() && !own.is_empty() && parent.is_disjoint(own);
        if let Some(before) = parents.iter().find(differs) {
            return Self::Build { before: before.clone(), after: own.clone() };
        }
        if !changed.is_empty() && changed.iter().all(|path| is_configuration(path.as_ref())) {
            return Self::Configuration;
        }
        Self::Code
    }
}

/// Names of files that say what is built and how, not what it does.
const CONFIGURATION: &[&str] = &[
    ".config",
    "CMakeLists.txt",
    "Cargo.lock",
    "Cargo.toml",
    "Kbuild",
    "Makefile",
    "configure.ac",
    "meson.build",
];
/// How such names begin.
const BEGINNINGS: &[&str] = &["Kconfig", "Makefile."];
/// How such names end.
const ENDINGS: &[&str] = &["_defconfig", ".config", ".mk", ".cmake"];

/// Whether a path holds configuration and no code.
pub fn is_configuration(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    CONFIGURATION.contains(&name)
        || BEGINNINGS.iter().any(|start| name.starts_with(start))
        || ENDINGS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(text: &str) -> Build {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_step_between_two_compilers_is_not_pinned_on_the_code() {
        let judge = |own: &str, parents: &[&str]| {
            let parents: Vec<Build> = parents.iter().map(|text| build(text)).collect();
            Origin::of(&["mm/slub.c"], &build(own), &parents)
        };
        assert_eq!(
            judge("gcc-13", &["gcc-13", "gcc-12"]),
            Origin::Build { before: build("gcc-12"), after: build("gcc-13") }
        );
        // Built alike once, they can be compared.
        assert_eq!(judge("gcc-13", &["gcc-12 gcc-13"]), Origin::Code);
        // What was not recorded is no difference.
        assert_eq!(judge("", &["gcc-12"]), Origin::Code);
        assert_eq!(judge("gcc-13", &[""]), Origin::Code);
    }

    #[test]
    fn a_commit_of_configuration_only_is_told_from_code() {
        let judge = |paths: &[&str]| Origin::of(paths, &Build::new(), &[]);
        assert_eq!(
            judge(&["lib/Kconfig.debug", "arch/x86/configs/x86_64_defconfig"]),
            Origin::Configuration
        );
        assert_eq!(judge(&["lib/Kconfig.debug", "lib/debug.c"]), Origin::Code);
        assert_eq!(judge(&["kernel/kconfig.c"]), Origin::Code);
        assert_eq!(judge(&[]), Origin::Code);
    }
}
