//! `.mailmap`: which name and address somebody goes by.

use std::collections::HashMap;

use crate::Address;

/// The proper names and addresses of people.
#[derive(Clone, Debug, Default)]
pub struct Mailmap {
    /// By the address alone.
    by_mail: HashMap<String, Proper>,
    /// By name and address.
    by_both: HashMap<Address, Proper>,
}

#[derive(Clone, Debug, Default)]
struct Proper {
    name: Option<String>,
    mail: Option<String>,
}

impl Mailmap {
    /// Reads a `.mailmap`. Lines that have none of its four forms are passed over.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut map = Self::default();
        for line in text.lines() {
            let line = line.split_once('#').map_or(line, |(before, _)| before).trim();
            map.line(line);
        }
        map
    }

    /// `Name <mail>`, `<mail> <wrong>`, `Name <mail> <wrong>` or `Name <mail> Wrong <wrong>`.
    fn line(&mut self, line: &str) {
        let Some(line) = line.strip_suffix('>') else { return };
        let Some((first, last)) = line.rsplit_once('<') else { return };
        let Some((first, wrong_name)) = first.rsplit_once('>') else {
            // One address: only the name is wrong.
            let name = first.trim();
            if !name.is_empty() {
                let known = self.by_mail.entry(last.trim().to_owned()).or_default();
                known.name = Some(bare(name));
            }
            return;
        };
        let Some((name, mail)) = first.split_once('<') else { return };
        let proper_name = Some(name.trim()).filter(|name| !name.is_empty()).map(bare);
        let known = if wrong_name.trim().is_empty() {
            self.by_mail.entry(last.trim().to_owned()).or_default()
        } else {
            let wrong = Address { name: bare(wrong_name), mail: last.trim().to_owned() };
            self.by_both.entry(wrong).or_default()
        };
        if proper_name.is_some() {
            known.name = proper_name;
        }
        known.mail = Some(mail.trim().to_owned());
    }

    /// The address under which somebody is to be written to.
    #[must_use]
    pub fn proper(&self, address: &Address) -> Address {
        let known = self.by_both.get(address).or_else(|| self.by_mail.get(&address.mail));
        let Some(known) = known else { return address.clone() };
        Address {
            name: known.name.clone().unwrap_or_else(|| address.name.clone()),
            mail: known.mail.clone().unwrap_or_else(|| address.mail.clone()),
        }
    }
}

fn bare(name: &str) -> String {
    let name = name.trim();
    let name = name.strip_prefix('"').unwrap_or(name);
    name.strip_suffix('"').unwrap_or(name).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_a_line_mends_what_it_names() {
        let map = Mailmap::parse(
            "# people\nJane Doe <jane@x.org>\n<rob@x.org> <rob@old.org>\nAnn Lee <ann@x.org> <ann@old.org>\n\
             Max Moe <max@x.org> Moritz <m@old.org>\nno address here\n<>\n> <\n",
        );
        let of = |text| map.proper(&Address::parse(text).unwrap()).to_string();
        assert_eq!(of("J. D. <jane@x.org>"), "Jane Doe <jane@x.org>");
        assert_eq!(of("Rob <rob@old.org>"), "Rob <rob@x.org>");
        assert_eq!(of("A <ann@old.org>"), "Ann Lee <ann@x.org>");
        assert_eq!(of("Moritz <m@old.org>"), "Max Moe <max@x.org>");
        assert_eq!(of("Other <m@old.org>"), "Other <m@old.org>");
        assert_eq!(of("New <new@x.org>"), "New <new@x.org>");
    }
}
