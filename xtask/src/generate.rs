//! Files that are made from the code and kept in the repository, so that a reader sees them and a
//! review shows when they change.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

/// (arguments of `ktriage`, file that holds what it prints).
pub(crate) const GENERATED: &[(&[&str], &str)] = &[
    (&["generate", "schema", "report"], "docs/schema/report.json"),
    (&["generate", "schema", "diagnose"], "docs/schema/diagnose.json"),
    (&["generate", "schema", "symbolize"], "docs/schema/symbolize.json"),
    (&["generate", "schema", "check"], "docs/schema/check.json"),
    (&["generate", "schema", "check-claims"], "docs/schema/check-claims.json"),
    (&["generate", "schema", "claims"], "docs/schema/claims.json"),
    (&["generate", "schema", "explain"], "docs/schema/explain.json"),
    (&["generate", "schema", "thread"], "docs/schema/thread.json"),
    (&["generate", "schema", "who"], "docs/schema/who.json"),
    (&["generate", "schema", "try"], "docs/schema/try.json"),
    (&["generate", "schema", "thread-me"], "docs/schema/thread-me.json"),
    (&["generate", "schema", "bisect"], "docs/schema/bisect.json"),
    (&["generate", "schema", "bisect-audit"], "docs/schema/bisect-audit.json"),
    (&["generate", "schema", "bisect-plan"], "docs/schema/bisect-plan.json"),
    (&["generate", "schema", "suspects"], "docs/schema/suspects.json"),
    (&["generate", "schema", "fuzz-check"], "docs/schema/fuzz-check.json"),
    (&["generate", "schema", "fuzz-exec"], "docs/schema/fuzz-exec.json"),
    (&["generate", "schema", "add"], "docs/schema/add.json"),
    (&["generate", "schema", "import"], "docs/schema/import.json"),
    (&["generate", "schema", "reproduced"], "docs/schema/reproduced.json"),
    (&["generate", "schema", "bugs"], "docs/schema/bugs.json"),
    (&["generate", "schema", "bug"], "docs/schema/bug.json"),
];

/// Writes every generated file.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    for (arguments, file) in GENERATED {
        let path = root.join(file);
        let text = print(root, arguments)?;
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)
                .with_context(|| format!("cannot make {}", directory.display()))?;
        }
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// What `ktriage` prints.
fn print(root: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let output = Command::new("cargo")
        .args(["run", "--quiet", "--package", "ktriage", "--"])
        .args(arguments)
        .current_dir(root)
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!(
            "`ktriage {}` failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(output.stdout)
}
