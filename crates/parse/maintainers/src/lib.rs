//! The sections of a kernel MAINTAINERS file, each entry with its line.
//!
//! Invariants: does no I/O; any bytes give sections, never a panic; memory is bounded by a small
//! multiple of the file. What a pattern means is not decided here.

/// One entry of a section, as `M:` or `F:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The letter before the colon, `A` to `Z`.
    pub kind: char,
    /// What follows the colon, without blanks around it.
    pub value: String,
    /// Line of the file, counted from 1.
    pub line: usize,
}

/// One subsystem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The line above the first entry; empty where a file starts with an entry.
    pub title: String,
    /// Line of the title, or of the first entry where there is no title; counted from 1.
    pub line: usize,
    /// The entries in the order of the file.
    pub entries: Vec<Entry>,
}

impl Section {
    /// The values of one letter, in the order of the file.
    pub fn values(&self, kind: char) -> impl Iterator<Item = &str> {
        self.entries
            .iter()
            .filter(move |entry| entry.kind == kind)
            .map(|entry| entry.value.as_str())
    }
}

/// Reads the sections of a MAINTAINERS file.
///
/// An entry starts in the first column with one capital letter and a colon; any other line ends
/// the section before it. Indented examples of the file's preface are therefore no entries.
#[must_use]
pub fn sections(text: &[u8]) -> Vec<Section> {
    let mut found: Vec<Section> = Vec::new();
    let mut title: Option<(String, usize)> = None;
    let mut open = false;
    for (number, bytes) in (1..).zip(text.split(|&byte| byte == b'\n')) {
        let line = String::from_utf8_lossy(bytes);
        let Some(entry) = entry(&line, number) else {
            open = false;
            let words = line.trim();
            title = (!words.is_empty()).then(|| (words.to_owned(), number));
            continue;
        };
        match found.last_mut() {
            Some(section) if open => section.entries.push(entry),
            _ => {
                let (title, line) = title.take().unwrap_or((String::new(), number));
                found.push(Section { title, line, entries: vec![entry] });
                open = true;
            }
        }
    }
    found
}

fn entry(line: &str, number: usize) -> Option<Entry> {
    let mut letters = line.chars();
    let kind = letters.next().filter(char::is_ascii_uppercase)?;
    let value = letters.as_str().strip_prefix(':')?.trim().to_owned();
    Some(Entry { kind, value, line: number })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "\
Preface
=======
\tM: *Mail* patches to

WIDGET DRIVER
M:\tJane Doe <jane@example.org>
L:\twidgets@example.org (moderated for non-subscribers)
S:\tMaintained
F:\tdrivers/widget/
X:\tdrivers/widget/old/

THE REST
F:\t*
F:\t*/
";

    #[test]
    fn sections_have_their_title_entries_and_lines() {
        let read = sections(SMALL.as_bytes());
        let titles: Vec<_> = read.iter().map(|s| (s.title.as_str(), s.line)).collect();
        assert_eq!(titles, [("WIDGET DRIVER", 5), ("THE REST", 12)]);
        assert_eq!(read[0].entries.len(), 5);
        assert_eq!(read[0].entries[3].line, 9);
        assert_eq!(read[0].values('F').collect::<Vec<_>>(), ["drivers/widget/"]);
        assert_eq!(read[1].values('F').collect::<Vec<_>>(), ["*", "*/"]);
    }

    #[test]
    fn indented_examples_of_the_preface_are_no_entries() {
        assert!(sections(b"Descriptions\n\tM: *Mail*\n\tF: *Files*\n").is_empty());
    }

    #[test]
    fn damaged_files_give_what_can_be_read() {
        assert!(sections(b"").is_empty());
        let read = sections(b"M:\xff\xfe\r\nF:a\0b");
        assert_eq!((read.len(), read[0].title.as_str(), read[0].line), (1, "", 1));
        assert_eq!(read[0].entries.len(), 2);
    }
}
