//! The sections of MAINTAINERS, each entry with its line.

/// One entry of a section, as `M:` or `F:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The letter before the colon, `A` to `Z`.
    pub kind: char,
    /// What follows the colon, without blanks around it.
    pub value: &'a str,
    /// Line of the file, counted from 1.
    pub line: usize,
}

/// One subsystem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// The line above the first entry; empty where a file starts with an entry.
    pub title: &'a str,
    /// Line of the title, or of the first entry where there is no title; counted from 1.
    pub line: usize,
    /// The entries in the order of the file.
    pub entries: Vec<Entry<'a>>,
}

impl<'a> Section<'a> {
    /// The values of one letter, in the order of the file.
    pub fn values(&self, kind: char) -> impl Iterator<Item = &'a str> {
        self.entries.iter().filter(move |entry| entry.kind == kind).map(|entry| entry.value)
    }
}

/// Reads the sections of a MAINTAINERS file.
///
/// An entry starts in the first column with one capital letter and a colon. Blank lines and lines that start with
/// `#` part nothing; any other line ends the section before it and may be the title of the next. Indented examples of
/// the file's preface are therefore no entries.
#[must_use]
pub fn sections(text: &str) -> Vec<Section<'_>> {
    let mut found: Vec<Section<'_>> = Vec::new();
    let mut title = ("", 0);
    let mut open = false;
    for (number, line) in (1..).zip(text.split('\n')) {
        let Some(entry) = entry(line, number) else {
            let words = line.trim();
            if !words.is_empty() && !line.trim_start().starts_with('#') {
                open = false;
                title = (words, number);
            }
            continue;
        };
        match found.last_mut() {
            Some(section) if open => section.entries.push(entry),
            _ => {
                let line = if title.1 == 0 { number } else { title.1 };
                found.push(Section { title: title.0, line, entries: vec![entry] });
                (title, open) = (("", 0), true);
            }
        }
    }
    found
}

fn entry(line: &str, number: usize) -> Option<Entry<'_>> {
    let (kind, rest) = line.as_bytes().split_first()?;
    if !kind.is_ascii_uppercase() || rest.first() != Some(&b':') {
        return None;
    }
    Some(Entry { kind: char::from(*kind), value: line.get(2..)?.trim(), line: number })
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

# The file of an old board.
S:\tMaintained
F:\tdrivers/widget/
X:\tdrivers/widget/old/

THE REST
F:\t*
F:\t*/
";

    #[test]
    fn sections_have_their_title_entries_and_lines() {
        let read = sections(SMALL);
        let titles: Vec<_> = read.iter().map(|s| (s.title, s.line)).collect();
        assert_eq!(titles, [("WIDGET DRIVER", 5), ("THE REST", 14)]);
        assert_eq!(read[0].values('F').collect::<Vec<_>>(), ["drivers/widget/"]);
        assert_eq!(read[1].values('F').collect::<Vec<_>>(), ["*", "*/"]);
    }

    #[test]
    fn blank_lines_and_remarks_do_not_end_a_section() {
        let read = sections(SMALL);
        assert_eq!(read[0].entries.len(), 5);
        assert_eq!(read[0].entries[2].line, 10);
    }

    #[test]
    fn indented_examples_of_the_preface_are_no_entries() {
        assert!(sections("Descriptions\n\tM: *Mail*\n\tF: *Files*\n").is_empty());
    }

    #[test]
    fn damaged_files_give_what_can_be_read() {
        assert!(sections("").is_empty());
        let text = String::from_utf8_lossy(b"M:\xff\xfe\r\nF:a\0b\nM\xc3\xa4: x\n");
        let read = sections(&text);
        assert_eq!((read.len(), read[0].title, read[0].line), (1, "", 1));
        assert_eq!(read[0].entries.len(), 2);
    }
}
