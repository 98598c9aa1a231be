//! `ktriage LOG` and `dmesg | ktriage`: the first minute needs no manual.

use std::ffi::OsString;
use std::io::IsTerminal as _;

use clap::CommandFactory as _;

use super::Arguments;

/// What was typed, with `diagnose` put in front where a log stands in place of a command, and where a log
/// comes through a pipe.
pub(crate) fn typed() -> Vec<OsString> {
    let typed: Vec<OsString> = std::env::args_os().collect();
    with_default(typed, std::io::stdin().is_terminal())
}

fn with_default(mut typed: Vec<OsString>, terminal: bool) -> Vec<OsString> {
    let Some(first) = typed.get(1) else {
        if !terminal {
            typed.extend(["diagnose".into(), "-".into()]);
        }
        return typed;
    };
    let command = Arguments::command();
    let known = |name: &OsString| {
        name == "help"
            || command.get_subcommands().any(|sub| {
                name == sub.get_name() || sub.get_all_aliases().any(|alias| name == alias)
            })
    };
    let is_log = |word: &OsString| {
        let text = word.to_string_lossy();
        word == "-"
            || !text.starts_with('-')
                && (std::path::Path::new(word).exists() || text.contains(['/', '.']))
    };
    let help = ["-h", "--help", "-V", "--version"].iter().any(|flag| first == flag);
    // An option first: `ktriage --json LOG`.
    let option = first.to_string_lossy().starts_with('-') && first != "-" && !help;
    let is_log = if option {
        !typed[1..].iter().any(known) && typed[1..].iter().any(is_log)
    } else {
        !known(first) && !help && is_log(first)
    };
    if is_log {
        typed.insert(1, "diagnose".into());
    }
    typed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(words: &[&str], terminal: bool) -> Vec<String> {
        let typed =
            std::iter::once("ktriage").chain(words.iter().copied()).map(OsString::from).collect();
        with_default(typed, terminal)
            .into_iter()
            .skip(1)
            .map(|word| word.into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_log_in_place_of_a_command_is_diagnosed() {
        assert_eq!(given(&["./console.log"], true), ["diagnose", "./console.log"]);
        assert_eq!(given(&["-"], false), ["diagnose", "-"]);
        assert_eq!(given(&[], false), ["diagnose", "-"]);
        assert_eq!(given(&[], true), Vec::<String>::new());
        assert_eq!(given(&["diagnose", "a.log"], true), ["diagnose", "a.log"]);
        assert_eq!(given(&["--json", "-"], true), ["diagnose", "--json", "-"]);
        assert_eq!(given(&["--help"], true), ["--help"]);
        assert_eq!(given(&["diagnoze"], true), ["diagnoze"]);
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
