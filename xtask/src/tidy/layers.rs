//! Which crate may depend on which, and on which library.

use std::collections::BTreeMap;

use anyhow::Context as _;
use cargo_metadata::{DependencyKind, Metadata, Package};

use super::problem::{Kind, Problem};

/// Libraries with breaking releases or C code: each is named in one manifest only.
const VOLATILE: &[&str] = &[
    "axum",
    "blazesym",
    "chromiumoxide",
    "cpp_demangle",
    "gimli",
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
    ("server", &["model", "parse", "analysis", "app", "render"]),
    ("cli", &["model", "parse", "analysis", "io", "guest", "testing", "app", "render", "server"]),
    ("testing", &["model", "parse", "analysis", "io", "guest", "testing"]),
    ("xtask", &["model", "parse", "analysis"]),
];

/// Layers whose crates know nothing about each other.
const APART: &[&str] = &["parse", "io"];

pub(super) fn check(metadata: &Metadata) -> anyhow::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let mut users: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for package in metadata.workspace_packages() {
        let place = place(metadata, package);
        let manifest = std::fs::read_to_string(&package.manifest_path)
            .with_context(|| format!("cannot read {place}"))?;
        if !manifest.contains("[lints]\nworkspace = true") {
            problems.push(Problem::new(Kind::Layer, &place, "lacks `[lints] workspace = true`"));
        }
        let dependencies: Vec<&str> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development)
            .map(|dependency| dependency.name.as_str())
            .collect();
        problems.extend(
            wrong(&package.name, &dependencies)
                .into_iter()
                .map(|what| Problem::new(Kind::Layer, &place, what)),
        );
        for name in VOLATILE.iter().filter(|name| dependencies.contains(name)) {
            users.entry(name).or_default().push(place.clone());
        }
    }
    for (library, users) in users.into_iter().filter(|(_, users)| users.len() > 1) {
        let what = format!("`{library}` stands in {}: one crate only", users.join(", "));
        problems.push(Problem::new(Kind::VolatileLibrary, "Cargo.toml", what));
    }
    Ok(problems)
}

fn place(metadata: &Metadata, package: &Package) -> String {
    let path = &package.manifest_path;
    path.strip_prefix(&metadata.workspace_root).unwrap_or(path).to_string()
}

/// What is wrong with the dependencies of a package.
fn wrong(package: &str, dependencies: &[&str]) -> Vec<String> {
    let Some(own) = layer(package) else {
        return vec![format!("package `{package}` is of no layer")];
    };
    let allowed = LAYERS.iter().find(|(name, _)| *name == own).map_or(&[][..], |(_, a)| *a);
    dependencies
        .iter()
        .filter_map(|name| Some((name, layer(name)?)))
        .filter(|(_, other)| !allowed.contains(other) || own == *other && APART.contains(other))
        .map(|(name, _)| format!("`{own}` must not depend on `{name}`"))
        .collect()
}

/// The layer of a package by its name: `parse-console` is of `parse`.
fn layer(package: &str) -> Option<&'static str> {
    let package = if package == "ktriage" { "cli" } else { package };
    LAYERS
        .iter()
        .map(|(layer, _)| *layer)
        .find(|layer| package == *layer || package.starts_with(&format!("{layer}-")))
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
    fn a_layer_must_not_see_what_is_above_it_or_beside_it() {
        assert!(wrong("analysis-hang", &["model", "parse-console", "regex"]).is_empty());
        assert_eq!(wrong("analysis-hang", &["io-vm"]), ["`analysis` must not depend on `io-vm`"]);
        assert_eq!(wrong("io-vm", &["io-git"]), ["`io` must not depend on `io-git`"]);
        assert_eq!(wrong("other", &[]), ["package `other` is of no layer"]);
    }
}
