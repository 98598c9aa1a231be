//! Mail addresses with names, as MAINTAINERS, trailers and other texts of a kernel write them.

use std::sync::LazyLock;

use regex::Regex;

/// A person or a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The name without quotation marks around it; empty where there is none.
    pub name: String,
    /// The mail address.
    pub mail: String,
}

impl Address {
    /// Reads `Name <mail>`, `<mail>` or `mail`; `None` where there is no `@`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (name, mail) = match text.split_once('<') {
            Some((name, rest)) => {
                let mail = rest.rsplit_once('>').filter(|(mail, _)| has_at(mail))?.0;
                (name, mail)
            }
            None => ("", text.split_whitespace().find(|word| has_at(word))?),
        };
        Some(Self { name: unquoted(name).to_owned(), mail: mail.trim().to_owned() })
    }
}

impl std::fmt::Display for Address {
    /// As a mail header holds it: a name with anything but letters, digits, blanks, `-` and `_` of ASCII is quoted.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_');
        if self.name.is_empty() {
            f.write_str(&self.mail)
        } else if self.name.chars().all(plain) {
            write!(f, "{} <{}>", self.name, self.mail)
        } else {
            f.write_str("\"")?;
            let mut before = ' ';
            for c in self.name.chars() {
                if c == '"' && before != '\\' {
                    f.write_str("\\")?;
                }
                write!(f, "{c}")?;
                before = c;
            }
            write!(f, "\" <{}>", self.mail)
        }
    }
}

fn has_at(text: &str) -> bool {
    text.find('@').is_some_and(|at| at > 0)
}

/// Without one quotation mark at either end.
fn unquoted(name: &str) -> &str {
    let name = name.trim();
    let name = name.strip_prefix('"').unwrap_or(name);
    name.strip_suffix('"').unwrap_or(name).trim()
}

/// The addresses of one entry: usually one, sometimes several with commas between them.
#[must_use]
pub fn addresses(value: &str) -> Vec<Address> {
    let (mut quoted, mut angled, mut from) = (false, false, 0);
    let mut parts = Vec::new();
    for (at, c) in value.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '<' if !quoted => angled = true,
            '>' if !quoted => angled = false,
            ',' if !quoted && !angled => {
                parts.push(&value[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&value[from..]);
    let read: Vec<Address> = parts.iter().filter_map(|part| Address::parse(part)).collect();
    // `Doe, Jane <jane@example.org>` is one person.
    if read.len() == parts.len() { read } else { Address::parse(value).into_iter().collect() }
}

/// An address with what may be a name before it, over a line's end too.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"[\p{L}"' ,.+-]*\s*,*\s*[(<{]?[A-Za-z0-9_.+-]+@[A-Za-z0-9.-]+\.[A-Za-z0-9]+[)>}]?"#,
    )
    .ok()
});

/// The addresses that stand anywhere in a text, as in the list of maintainers of a device-tree binding, each with
/// its line (counted from 1) and with what looks like the person's name before it.
#[must_use]
pub fn in_text(text: &str) -> Vec<(Address, usize)> {
    let Some(named) = NAMED.as_ref() else { return Vec::new() };
    let (mut line, mut counted) = (1, 0);
    named
        .find_iter(text)
        .filter_map(|found| {
            let (before, _) = found.as_str().split_once('@')?;
            // The name takes as much as it can, so where the address starts is told from its end.
            let in_mail = |c: char| c.is_ascii_alphanumeric() || "_.+-".contains(c);
            let name = before.trim_end_matches(in_mail);
            let mail = found.as_str()[name.len()..].trim_end_matches([')', '>', '}']);
            let at = found.start() + name.len();
            line += text.get(counted..at)?.matches('\n').count();
            counted = at;
            let name = name_of(name.strip_suffix(['(', '<', '{']).unwrap_or(name));
            Some((Address { name, mail: mail.to_owned() }, line))
        })
        .collect()
}

/// The last two words before an address are the name; three where one of them is an initial.
fn name_of(before: &str) -> String {
    let before = unquoted(before);
    let in_name = |c: char| c.is_alphabetic() || matches!(c, '\'' | ',' | '.' | '+' | '-');
    let is_mark = |word: &str| matches!(word, "'" | "," | "." | "+" | "-");
    let words: Vec<&str> = before.split(|c| !in_name(c)).filter(|word| !is_mark(word)).collect();
    let initial = |word: &str, alone: bool| {
        let mut letters = word.chars();
        match (letters.next(), letters.next(), letters.next()) {
            (Some(c), None, _) => !alone || c.is_alphabetic(),
            (Some(_), Some('.'), None) => true,
            _ => false,
        }
    };
    let name = match words.as_slice() {
        [.., first, middle, last] if initial(first, true) || initial(middle, false) => {
            format!("{first} {middle} {last}")
        }
        [.., _, middle, last] => format!("{middle} {last}"),
        few => few.join(" "),
    };
    let name = name.strip_suffix([',', '.']).unwrap_or(&name);
    let name = name.strip_prefix([',', '.']).unwrap_or(name);
    unquoted(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Address::parse(text).map_or_else(String::new, |a| a.to_string())
    }

    #[test]
    fn names_are_quoted_where_a_header_needs_it() {
        assert_eq!(shown("Jane Doe <jane@example.org>"), "Jane Doe <jane@example.org>");
        assert_eq!(shown("\"J. R. Doe\" <j@x.org> (list)"), "\"J. R. Doe\" <j@x.org>");
        assert_eq!(shown("Jané Doe <j@x.org>"), "\"Jané Doe\" <j@x.org>");
        assert_eq!(shown("<j@x.org>"), "j@x.org");
        assert_eq!(shown("j@x.org"), "j@x.org");
        assert_eq!(Address::parse("nobody"), None);
        assert_eq!(Address::parse("a <b"), None);
    }

    #[test]
    fn several_people_of_one_entry_are_parted_and_a_comma_in_a_name_parts_nothing() {
        let of = |text| addresses(text).into_iter().map(|a| a.mail).collect::<Vec<_>>();
        assert_eq!(of("A B <a@x.org>, C D <c@x.org>"), ["a@x.org", "c@x.org"]);
        assert_eq!(of("Doe, Jane <jane@x.org>"), ["jane@x.org"]);
        assert_eq!(of("\"Doe, Jane\" <jane@x.org>"), ["jane@x.org"]);
    }

    #[test]
    fn people_of_a_binding_have_their_names_and_lines() {
        let text = "title: Widget\n\nmaintainers:\n  - Jane Ann Doe <jane@x.org>\n  - J. R. Roe <r@x.org>\n  - lists@x.org\n";
        let found: Vec<_> =
            in_text(text).into_iter().map(|(a, line)| (a.to_string(), line)).collect();
        assert_eq!(
            found,
            [
                ("Ann Doe <jane@x.org>".to_owned(), 4),
                ("\"J. R. Roe\" <r@x.org>".to_owned(), 5),
                ("lists@x.org".to_owned(), 6)
            ]
        );
    }
}
