//! People and lists, each once, with every reason.

use std::collections::HashSet;

use parse_maintainers::{Address, Mailmap, Section, addresses};

use super::{Ground, Reason, Recipient, Role};

/// He takes patches from maintainers and is no recipient of a question about one file.
const NEVER: (&str, &str) = ("Linus Torvalds", "torvalds@linux-foundation.org");

/// Who is listed.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// People, those of the nearest section first.
    people: Vec<Recipient>,
    /// Lists.
    lists: Vec<Recipient>,
    /// Names and addresses, in small letters, as the sections write them.
    used: HashSet<String>,
}

impl People {
    /// Everybody: people first, then lists.
    #[must_use]
    pub fn into_recipients(self) -> Vec<Recipient> {
        let mut all = self.people;
        all.extend(self.lists);
        all
    }

    /// Adds the people and lists of a section.
    pub(super) fn add_section(&mut self, section: &Section<'_>, ground: &Ground) {
        for entry in &section.entries {
            let role = match entry.kind {
                'M' => Role::Maintainer,
                'R' => Role::Reviewer,
                'L' => Role::List,
                _ => continue,
            };
            let reason = || Reason::Section {
                section: section.title.to_owned(),
                role,
                line: entry.line,
                ground: ground.clone(),
            };
            if role == Role::List {
                let (list, remark) =
                    entry.value.split_once(char::is_whitespace).unwrap_or((entry.value, ""));
                // A list with a name before its address is none to get_maintainer either.
                if list.contains('@') && !remark.contains("subscribers-only") {
                    let address = Address { name: String::new(), mail: list.to_owned() };
                    add(&mut self.lists, role, address, reason());
                }
                continue;
            }
            for address in addresses(entry.value) {
                if add(&mut self.people, role, address.clone(), reason()) {
                    self.use_up(&address);
                }
            }
        }
    }

    fn use_up(&mut self, address: &Address) {
        if !address.name.is_empty() {
            self.used.insert(address.name.to_lowercase());
        }
        self.used.insert(address.mail.to_lowercase());
    }

    fn is_used(&self, address: &Address) -> bool {
        self.used.contains(&address.name.to_lowercase())
            || self.used.contains(&address.mail.to_lowercase())
    }

    /// Puts those together who are one by the mail map.
    pub(super) fn merge(&mut self, mailmap: &Mailmap) {
        let mut known: Vec<Recipient> = Vec::new();
        let people = std::mem::take(&mut self.people).into_iter();
        for one in people.chain(std::mem::take(&mut self.lists)) {
            let address = mailmap.proper(&one.address);
            let address = known
                .iter()
                .find(|k| is_name(k, &address))
                .or_else(|| known.iter().find(|k| is_mail(k, &address)))
                .map_or(address, |k| k.address.clone());
            let address = mailmap.proper(&address);
            match known.iter_mut().find(|k| k.address == address) {
                Some(same) => same.reasons.extend(one.reasons),
                None => known.push(Recipient { role: one.role, address, reasons: one.reasons }),
            }
        }
        known.retain(|one| (one.address.name.as_str(), one.address.mail.as_str()) != NEVER);
        (self.lists, self.people) = known.into_iter().partition(|one| one.role == Role::List);
    }

    /// Adds somebody whom a file names.
    pub(super) fn add_named(&mut self, address: &Address, file: &str, line: usize) {
        let reason = Reason::InFile { file: file.to_owned(), line };
        self.add_other(Role::InFile, address, reason);
    }

    /// Adds somebody whom no section names, or one more reason for one whom it does.
    pub fn add_other(&mut self, role: Role, address: &Address, reason: Reason) {
        let known = self
            .people
            .iter_mut()
            .chain(&mut self.lists)
            .find(|one| is_name(one, address) || is_mail(one, address));
        if let Some(known) = known {
            known.reasons.push(reason);
        } else if !self.is_used(address) {
            self.use_up(address);
            self.people.push(Recipient { role, address: address.clone(), reasons: vec![reason] });
        }
    }
}

fn is_name(one: &Recipient, address: &Address) -> bool {
    !address.name.is_empty() && one.address.name.to_lowercase() == address.name.to_lowercase()
}

fn is_mail(one: &Recipient, address: &Address) -> bool {
    one.address.mail.eq_ignore_ascii_case(&address.mail)
}

/// Says whether it is somebody new.
fn add(into: &mut Vec<Recipient>, role: Role, address: Address, reason: Reason) -> bool {
    match into.iter_mut().find(|one| is_name(one, &address) || is_mail(one, &address)) {
        Some(known) => {
            if !known.reasons.contains(&reason) {
                known.reasons.push(reason);
            }
            false
        }
        None => {
            into.push(Recipient { role, address, reasons: vec![reason] });
            true
        }
    }
}
