//! The rules of ARCHITECTURE.md that a program can check.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::say;

/// Libraries with breaking releases or C code: each is named in one manifest only.
const VOLATILE: &[&str] = &[
    "blazesym",
    "chromiumoxide",
    "cpp_demangle",
    "gix",
    "iced-x86",
    "liblzma",
    "mail-parser",
    "rusqlite",
    "rustc-demangle",
    "thirtyfour",
];

/// Layers, and the layers each may depend on.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("parse", &["model"]),
    ("analysis", &["model", "parse", "analysis"]),
    ("io", &["model", "parse", "guest"]),
    ("guest", &["guest"]),
    ("app", &["model", "parse", "analysis", "io", "guest", "testing", "app"]),
    ("render", &["model", "parse", "analysis", "render"]),
    ("cli", &["model", "parse", "analysis", "io", "guest", "testing", "app", "render"]),
    ("testing", &["model", "parse", "analysis", "io", "guest", "testing"]),
    ("xtask", &[]),
];

/// What pure crates must not touch.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::env",
    "SystemTime::now",
    "Instant::now",
];

/// Starts of paths that exist on some machine only; sources must not name them.
fn private_words() -> Vec<String> {
    ["work", "root", "home"].iter().map(|name| format!("/{name}/")).collect()
}

/// A file longer than this is hard to hold in the head; tables and tests may be.
const LONG: usize = 1_500;

/// Checks every rule; prints what is wrong and fails when something is.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let mut problems = Vec::new();
    let manifests = find(root, "Cargo.toml")?;
    check_layers(root, &manifests, &mut problems)?;
    check_volatile(root, &manifests, &mut problems)?;
    for path in find(root, "rs")? {
        check_source(root, &path, &mut problems)?;
    }
    for problem in &problems {
        say(problem);
    }
    if !problems.is_empty() {
        anyhow::bail!("{} problems", problems.len());
    }
    say("tidy: all rules hold");
    Ok(())
}

/// All files of the project with an extension (or of a name), outside build folders.
fn find(root: &Path, ending: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(directory) = open.pop() {
        let entries = std::fs::read_dir(&directory)
            .with_context(|| format!("cannot list {}", directory.display()))?;
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            let name = name.unwrap_or_default();
            if path.is_dir() {
                if !matches!(name.as_str(), "target" | ".git" | "corpus" | "artifacts") {
                    open.push(path);
                }
            } else if name == ending || path.extension().is_some_and(|e| e == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

/// The layer of a package by its name: `parse-console` is of `read`.
fn layer(package: &str) -> Option<&'static str> {
    let package = if package == "ktriage" { "cli" } else { package };
    LAYERS
        .iter()
        .map(|(layer, _)| *layer)
        .find(|layer| package == *layer || package.starts_with(&format!("{layer}-")))
}

fn package_name(manifest: &str) -> Option<&str> {
    manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
}

/// The dependencies of a manifest outside `[dev-dependencies]`.
fn dependencies(manifest: &str) -> Vec<&str> {
    let mut section = "";
    let mut found = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if matches!(section, "[dependencies]" | "[build-dependencies]") {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if !name.is_empty() && !name.starts_with('#') {
                found.push(name);
            }
        }
    }
    found
}

fn check_layers(
    root: &Path,
    manifests: &[PathBuf],
    problems: &mut Vec<String>,
) -> anyhow::Result<()> {
    for path in manifests {
        let manifest = read(path)?;
        let Some(package) = package_name(&manifest) else { continue };
        if path.components().any(|part| part.as_os_str() == "fuzz") {
            continue;
        }
        let place = shown(root, path);
        if !manifest.contains("[lints]\nworkspace = true") {
            problems.push(format!("{place}: lacks `[lints] workspace = true`"));
        }
        let Some(own) = layer(package) else {
            problems.push(format!("{place}: package `{package}` is of no layer"));
            continue;
        };
        let allowed = LAYERS.iter().find(|(name, _)| *name == own).map_or(&[][..], |(_, a)| *a);
        for dependency in dependencies(&manifest) {
            let Some(other) = layer(dependency) else { continue };
            let sibling = own == other && matches!(own, "parse" | "io");
            if !allowed.contains(&other) || sibling {
                problems.push(format!("{place}: `{own}` must not depend on `{dependency}`"));
            }
        }
    }
    Ok(())
}

fn check_volatile(
    root: &Path,
    manifests: &[PathBuf],
    problems: &mut Vec<String>,
) -> anyhow::Result<()> {
    let mut users: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for path in manifests {
        let manifest = read(path)?;
        if package_name(&manifest).is_none() {
            continue;
        }
        for dependency in dependencies(&manifest) {
            if let Some(volatile) = VOLATILE.iter().find(|name| **name == dependency) {
                users.entry(volatile).or_default().push(shown(root, path));
            }
        }
    }
    for (dependency, users) in users {
        if users.len() > 1 {
            problems.push(format!("`{dependency}` stands in {}: one crate only", users.join(", ")));
        }
    }
    Ok(())
}

fn check_source(root: &Path, path: &Path, problems: &mut Vec<String>) -> anyhow::Result<()> {
    let source = read(path)?;
    let place = shown(root, path);
    let is_code = place.contains("/src/");
    if is_code && !source.trim_start().starts_with("//!") {
        problems.push(format!("{place}:1: the module has no heading comment (`//!`)"));
    }
    if is_code && source.lines().count() > LONG && !place.contains("table") {
        problems.push(format!("{place}: {} lines; split it", source.lines().count()));
    }
    let pure = place.starts_with("crates/parse/") || place.starts_with("crates/analysis/");
    let own = place.starts_with("xtask/");
    let private = private_words();
    for (number, line) in source.lines().enumerate() {
        let at = number + 1;
        // Tests stand at the end of a file and may do what they need.
        if line.starts_with("#[cfg(test)]") {
            break;
        }
        if pure && is_code && IMPURE.iter().any(|word| line.contains(word)) {
            problems.push(format!("{place}:{at}: pure code must not do this: {}", line.trim()));
        }
        if !own && private.iter().any(|word| line.contains(word.as_str())) {
            problems.push(format!("{place}:{at}: names a path of some machine: {}", line.trim()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_told_by_package_names() {
        assert_eq!(layer("parse-console"), Some("parse"));
        assert_eq!(layer("ktriage"), Some("cli"));
        assert_eq!(layer("model"), Some("model"));
        assert_eq!(layer("serde"), None);
    }

    #[test]
    fn dependencies_are_read_from_their_sections_only() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\nmodel.workspace = true\n\
                        serde = \"1\"\n[dev-dependencies]\ntempfile = \"3\"\n";
        assert_eq!(dependencies(manifest), ["model", "serde"]);
    }
}
