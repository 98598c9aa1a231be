//! The files a commit changes, as far as a log tells.

/// One changed path. Logs do not always give it whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangedPath {
    /// The whole path.
    File(String),
    /// Only its end: `git show --stat` shortens long paths to `.../end/of/path.c`.
    Tail(String),
    /// Only a directory in which something changed: older gits print changed trees.
    Tree(String),
}

impl ChangedPath {
    /// Reads a line of `git show --stat` (` path | 4 ++--`) or of raw output
    /// (`:100644 100644 a b M<TAB>path`).
    pub(crate) fn read(line: &str) -> Option<Self> {
        if let Some(raw) = line.strip_prefix(':') {
            let (head, path) = raw.split_once('\t')?;
            let mut modes = head.split(' ');
            let tree = modes.next()? == "040000" || modes.next()? == "040000";
            // A rename has the old and the new path.
            let path = path.rsplit('\t').next()?.to_owned();
            return Some(if tree { Self::Tree(path) } else { Self::File(path) });
        }
        let (path, change) = line.strip_prefix(' ')?.split_once(" | ")?;
        let change = change.trim_start();
        if !change.starts_with(|c: char| c.is_ascii_digit()) && !change.starts_with("Bin") {
            return None;
        }
        let path = renamed(path.trim());
        Some(match path.strip_prefix(".../") {
            Some(tail) => Self::Tail(tail.to_owned()),
            None => Self::File(path),
        })
    }

    /// The text of the path, whole or not.
    pub fn text(&self) -> &str {
        match self {
            Self::File(path) | Self::Tail(path) | Self::Tree(path) => path,
        }
    }

    /// Whether the change can be in `file`, a whole path; a tree says nothing about a file.
    pub fn matches(&self, file: &str) -> bool {
        match self {
            Self::File(path) => path == file,
            Self::Tail(tail) => {
                file.strip_suffix(tail.as_str()).is_some_and(|head| head.ends_with('/'))
            }
            Self::Tree(_) => false,
        }
    }
}

/// The new name of `a/{b => c}/d` and of `b => c`.
fn renamed(path: &str) -> String {
    if let (Some(open), Some(close)) = (path.find('{'), path.find('}'))
        && open < close
        && let Some((_, new)) = path[open + 1..close].split_once(" => ")
    {
        return format!("{}{new}{}", &path[..open], &path[close + 1..]).replace("//", "/");
    }
    path.split_once(" => ").map_or(path, |(_, new)| new).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_changed_path_is_read() {
        let file = |path: &str| Some(ChangedPath::File(path.to_owned()));
        assert_eq!(ChangedPath::read(" MAINTAINERS | 4 ++--"), file("MAINTAINERS"));
        assert_eq!(ChangedPath::read(" a/{b => c}/d.c | 0"), file("a/c/d.c"));
        assert_eq!(ChangedPath::read(" x.png | Bin 0 -> 5 bytes"), file("x.png"));
        assert_eq!(ChangedPath::read(" old.c => new.c | 2 +-"), file("new.c"));
        assert_eq!(
            ChangedPath::read(" .../net/wireguard/send.c | 4 ++--"),
            Some(ChangedPath::Tail("net/wireguard/send.c".to_owned()))
        );
        assert_eq!(
            ChangedPath::read(":040000 040000 aa bb M\tnet"),
            Some(ChangedPath::Tree("net".to_owned()))
        );
        assert_eq!(ChangedPath::read(":100644 100644 aa bb M\tMakefile"), file("Makefile"));
        assert_eq!(ChangedPath::read("    a message | with a bar"), None);
        assert_eq!(ChangedPath::read(" 2 files changed, 3 insertions(+)"), None);
        assert_eq!(ChangedPath::read(":"), None);
    }

    #[test]
    fn a_shortened_path_matches_whole_components_only() {
        let tail = ChangedPath::Tail("wireguard/send.c".to_owned());
        assert!(tail.matches("drivers/net/wireguard/send.c"));
        assert!(!tail.matches("drivers/net/xwireguard/send.c"));
    }
}
