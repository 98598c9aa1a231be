//! A kernel's MAINTAINERS file, its `.mailmap`, its `.get_maintainer.ignore`, and mail addresses in other texts.
//!
//! Invariants: does no I/O; any text gives values, never a panic; memory is bounded by a small
//! multiple of the text. What a pattern means is not decided here.

mod address;
mod mailmap;
mod sections;

pub use address::{Address, addresses, in_text};
pub use mailmap::Mailmap;
pub use sections::{Entry, Section, sections};

/// The addresses of a `.get_maintainer.ignore`: people who get no mail for having signed something.
#[must_use]
pub fn ignored(text: &str) -> Vec<Address> {
    text.lines()
        .map(|line| line.split_once('#').map_or(line, |(before, _)| before).trim())
        .filter(|line| !line.is_empty())
        .filter_map(Address::parse)
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn remarks_of_the_ignore_file_name_nobody() {
        let read = super::ignored("# nobody@example.org\nJane Doe <jane@example.org> # left\n\n");
        assert_eq!(read.iter().map(|a| a.mail.as_str()).collect::<Vec<_>>(), ["jane@example.org"]);
    }
}
