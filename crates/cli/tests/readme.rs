//! What the README shows is what the program prints.

use std::path::Path;
use std::process::Command;

/// The commands that the README shows with their output: `$ ktriage …` and the lines below it.
fn examples(readme: &str) -> Vec<(String, Vec<String>)> {
    let mut examples: Vec<(String, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        let Some(text) = line.strip_prefix("    ") else {
            inside &= line.is_empty();
            continue;
        };
        if let Some(command) = text.strip_prefix("$ ktriage ") {
            examples.push((command.to_owned(), Vec::new()));
            inside = true;
        } else if let Some((_, shown)) = examples.last_mut().filter(|_| inside) {
            shown.push(text.trim_end().to_owned());
        }
    }
    examples
}

#[test]
fn what_the_readme_shows_is_what_is_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let examples = examples(&readme);
    assert!(examples.len() >= 2, "{examples:?}");
    for (command, shown) in examples {
        let output = Command::new(env!("CARGO_BIN_EXE_ktriage"))
            .args(command.split(' '))
            .current_dir(&root)
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let mut printed = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
        let mut skips = false;
        for line in shown {
            // An ellipsis stands for any lines.
            if line.trim() == "…" {
                skips = true;
                continue;
            }
            let found = if skips {
                printed.any(|next| next == line)
            } else {
                printed.next() == Some(&line)
            };
            assert!(found, "`ktriage {command}` does not print:\n{line}");
            skips = false;
        }
    }
}
