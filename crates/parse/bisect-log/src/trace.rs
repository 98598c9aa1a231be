//! Frames of a crash report that name a source file: `func+0x1/0x2 net/core/dev.c:12 [inline]`.

/// One frame, or one place of the report's headline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceFrame {
    /// The function, when one stands before the path.
    pub function: Option<String>,
    /// The source file, relative to the tree.
    pub file: String,
    /// The line of the log.
    pub line: u64,
}

impl TraceFrame {
    /// The first source place in a line of a report.
    pub(crate) fn read(text: &str, line: u64) -> Option<Self> {
        let mut before = None;
        for word in text.split_whitespace() {
            if let Some(file) = source_file(word) {
                return Some(Self {
                    function: before.and_then(function),
                    file: file.to_owned(),
                    line,
                });
            }
            before = Some(word);
        }
        None
    }
}

/// `net/core/dev.c` of `net/core/dev.c:12`; the path must have a directory and a source's ending.
fn source_file(word: &str) -> Option<&str> {
    let (path, number) = word.split_once(':')?;
    let path = path.strip_prefix("./").unwrap_or(path);
    let place = number.starts_with(|c: char| c.is_ascii_digit());
    let source = [".c", ".h", ".S", ".rs"].iter().any(|end| path.ends_with(end));
    let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./+,".contains(&b));
    (place && source && plain && path.contains('/') && !path.starts_with('/')).then_some(path)
}

/// `func` of `func`, `func+0x1/0x2`, `RIP:`-less places and compiler suffixes.
fn function(word: &str) -> Option<String> {
    let name = word.split_once('+').map_or(word, |(name, _)| name);
    let name = name.rsplit_once(':').map_or(name, |(_, name)| name);
    let name = name.split_once('.').map_or(name, |(name, _)| name);
    if matches!(word, "at" | "in") {
        return None;
    }
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (plain && !name.as_bytes()[0].is_ascii_digit()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::TraceFrame;

    #[test]
    fn a_frame_gives_its_function_and_file() {
        let frame = |text| TraceFrame::read(text, 1).map(|f| (f.function, f.file));
        assert_eq!(
            frame(" hash_mac_create.cold.13+0x3c/0x50 net/netfilter/ipset/ip_set.h:1286"),
            Some((Some("hash_mac_create".into()), "net/netfilter/ipset/ip_set.h".into()))
        );
        assert_eq!(
            frame(" sock_sendmsg_nosec net/socket.c:637 [inline]"),
            Some((Some("sock_sendmsg_nosec".into()), "net/socket.c".into()))
        );
        assert_eq!(
            frame("WARNING: CPU: 0 PID: 1 at ./include/linux/fs.h:10 f+0x1/0x2"),
            Some((None, "include/linux/fs.h".into()))
        );
        assert_eq!(frame("RIP: 0033:0x7f97d6d60335"), None);
        assert_eq!(frame("see /etc/x.c:1 and x.c:2"), None);
    }
}
