//! Commands in mails, in syzbot's syntax under a prefix of one's own.
//!
//! Invariants: only lines that the writer wrote count, never quoted ones; a line is a command only when it begins with
//! a prefix and a blank; what is no known command is a refusal, never a guess.

/// Most commands that one mail may hold.
pub const MOST: usize = 3;
/// Bytes of one command that are read.
const LONGEST: usize = 1024;

/// What one line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// This commit fixes it.
    Fix(String),
    /// It does not.
    Unfix,
    /// Same as that bug: its title, subject or address.
    Duplicate(String),
    /// A bug of its own.
    Unduplicate,
    /// No bug of the kernel.
    Invalid,
    /// Report it in the next stage.
    Upstream,
    /// Run the reproducer, on that repository and branch or commit where one is named.
    Test(Option<(String, String)>),
    /// Set a label to these values.
    Set(String, Vec<String>),
    /// Take a label off.
    Unset(String),
    /// Do not write to the sender any more.
    Uncc,
}

/// Why a line that looks like a command is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// Not a word that is known.
    #[error(
        "unknown command `{0}`; known are fix, unfix, dup, undup, invalid, upstream, test, set, unset, uncc"
    )]
    Unknown(String),
    /// What must follow is missing.
    #[error("`{0}` needs {1}")]
    Missing(&'static str, &'static str),
    /// Too much follows.
    #[error("`{0}` takes nothing behind it")]
    Surplus(&'static str),
    /// `test` with neither none nor two words.
    #[error("`test` takes a repository and a branch or commit, or nothing")]
    TestWords,
    /// There are more than [`MOST`].
    #[error("a mail may hold {MOST} commands at most")]
    TooMany,
}

/// One command with the line that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Index of the line among those given.
    pub line: usize,
    /// The line as it stands.
    pub text: String,
    /// What it asks for.
    pub command: Result<Command, Mistake>,
}

/// The commands in lines that a writer wrote. `prefixes` are such as `#ktriage`. A title may stand on the next line.
pub fn commands(lines: &[&str], prefixes: &[String]) -> Vec<Asked> {
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(rest) = behind_prefix(line, prefixes) else { continue };
        if found.len() == MOST {
            found.push(Asked {
                line: at,
                text: (*line).to_owned(),
                command: Err(Mistake::TooMany),
            });
            break;
        }
        let next = || {
            let next = lines.get(at + 1).map_or("", |next| next.trim());
            (!next.is_empty() && behind_prefix(next, prefixes).is_none()).then_some(next)
        };
        let command = read(cut(rest), next, lines.get(at + 1..).unwrap_or_default());
        found.push(Asked { line: at, text: (*line).to_owned(), command });
    }
    found
}

fn behind_prefix<'a>(line: &'a str, prefixes: &[String]) -> Option<&'a str> {
    prefixes.iter().find_map(|prefix| {
        let rest = line.strip_prefix(prefix.as_str())?;
        rest.starts_with([' ', '\t', ':']).then(|| rest[1..].trim())
    })
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

fn read<'a>(
    text: &str,
    next: impl Fn() -> Option<&'a str>,
    following: &[&str],
) -> Result<Command, Mistake> {
    let end = text.find([':', ' ', '\t']).unwrap_or(text.len());
    let word = &text[..end];
    let rest = text[end..].trim_start_matches([':', ' ', '\t']).trim();
    let colon = text[end..].starts_with(':');
    let title = |name, what| {
        let title = if rest.is_empty() { next().unwrap_or("") } else { rest };
        let title = title.trim().trim_matches(['"', '\'', '`']).trim();
        if title.is_empty() { Err(Mistake::Missing(name, what)) } else { Ok(cut(title).to_owned()) }
    };
    let alone = |name, command| {
        if rest.is_empty() { Ok(command) } else { Err(Mistake::Surplus(name)) }
    };
    match word {
        "fix" => Ok(Command::Fix(title("fix", "the title of the commit")?)),
        "dup" => Ok(Command::Duplicate(title("dup", "the title of the other bug")?)),
        "unfix" => alone("unfix", Command::Unfix),
        "undup" => alone("undup", Command::Unduplicate),
        "invalid" => alone("invalid", Command::Invalid),
        "upstream" => alone("upstream", Command::Upstream),
        "uncc" => alone("uncc", Command::Uncc),
        "test" => test(rest, colon, following),
        "set" => {
            let (name, values) = match rest.split_once(':') {
                Some((name, values)) => (name.trim(), values),
                None => (rest, ""),
            };
            if name.is_empty() || name.contains(char::is_whitespace) {
                return Err(Mistake::Missing("set", "a label, such as `set subsystems: net`"));
            }
            let values = values.split(',').map(|value| value.trim().to_owned());
            let values = values.filter(|value| !value.is_empty()).collect();
            Ok(Command::Set(name.to_owned(), values))
        }
        "unset" if rest.is_empty() => Err(Mistake::Missing("unset", "a label")),
        "unset" => Ok(Command::Unset(rest.to_owned())),
        other => Err(Mistake::Unknown(other.chars().take(40).collect())),
    }
}

fn test(rest: &str, colon: bool, following: &[&str]) -> Result<Command, Mistake> {
    let mut words: Vec<&str> = rest.split_whitespace().collect();
    // A long line may be wrapped by the mail program: with a colon, two words are sure to follow.
    if colon {
        for line in following.iter().take(2) {
            if words.len() >= 2 {
                break;
            }
            words.extend(line.split_whitespace().take(2 - words.len()));
        }
    }
    match words[..] {
        [] if !colon => Ok(Command::Test(None)),
        [repository, branch] => Ok(Command::Test(Some((repository.into(), branch.into())))),
        _ => Err(Mistake::TestWords),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Command, Mistake> {
        let lines: Vec<&str> = text.lines().collect();
        let mut found = commands(&lines, &["#ktriage".to_owned(), "#syz".to_owned()]);
        assert_eq!(found.len(), 1, "{text}");
        found.remove(0).command
    }

    #[test]
    fn commands_are_read_as_syzbot_reads_them() {
        assert_eq!(one("#ktriage fix: net: mend it"), Ok(Command::Fix("net: mend it".into())));
        assert_eq!(one("#syz fix:\n\"net: mend it\""), Ok(Command::Fix("net: mend it".into())));
        assert_eq!(one("#syz: dup: WARNING in f"), Ok(Command::Duplicate("WARNING in f".into())));
        assert_eq!(one("#ktriage undup"), Ok(Command::Unduplicate));
        assert_eq!(one("#ktriage test"), Ok(Command::Test(None)));
        let named = Ok(Command::Test(Some(("git://e.org/a.git".into(), "main".into()))));
        assert_eq!(one("#ktriage test: git://e.org/a.git main"), named);
        assert_eq!(one("#ktriage test: git://e.org/a.git\nmain\n"), named);
        assert_eq!(
            one("#ktriage set subsystems: net, mm"),
            Ok(Command::Set("subsystems".into(), vec!["net".into(), "mm".into()]))
        );
        assert_eq!(one("#ktriage unset prio"), Ok(Command::Unset("prio".into())));
    }

    #[test]
    fn what_is_no_command_is_refused_or_left_alone() {
        assert_eq!(one("#ktriage fixed: x"), Err(Mistake::Unknown("fixed".into())));
        assert!(matches!(one("#ktriage fix:"), Err(Mistake::Missing("fix", _))));
        assert_eq!(one("#ktriage invalid, I think"), Err(Mistake::Unknown("invalid,".into())));
        assert_eq!(one("#ktriage undup it"), Err(Mistake::Surplus("undup")));
        assert_eq!(one("#ktriage test: here"), Err(Mistake::TestWords));
        let prefixes = ["#ktriage".to_owned()];
        for line in ["> #ktriage invalid", " #ktriage invalid", "#ktriageinvalid", "#syz invalid"] {
            assert!(commands(&[line], &prefixes).is_empty(), "{line}");
        }
    }

    #[test]
    fn a_mail_full_of_commands_ends_in_one_refusal() {
        let lines = ["#ktriage undup"; 50];
        let found = commands(&lines, &["#ktriage".to_owned()]);
        assert_eq!(found.len(), MOST + 1);
        assert_eq!(found[MOST].command, Err(Mistake::TooMany));
    }
}
