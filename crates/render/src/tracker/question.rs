//! A question for bugs as the query of an address, so that a list can be sent to somebody.

use std::fmt::Write as _;

use model::tracker::{Filter, Order, ReproducerLevel, State};

/// Bugs on one page.
pub const PER_PAGE: u64 = 100;
/// Bytes of one value.
const LONGEST: usize = 300;

/// What the query of an address asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// Words.
    pub q: String,
    /// `open` (or nothing), `all`, or names of states with commas between.
    pub is: String,
    /// The kind of crash.
    pub kind: String,
    /// The machine.
    pub machine: String,
    /// The kernel's release.
    pub kernel: String,
    /// A label.
    pub label: String,
    /// With a reproducer.
    pub repro: bool,
    /// Seen in the last so many days.
    pub since: Option<u32>,
    /// `last`, `created`, `crashes`.
    pub sort: String,
    /// The page, from 1 on.
    pub page: u64,
}

impl Question {
    /// Reads the pairs of a query. What is not known is passed over.
    pub fn read<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut question = Self { page: 1, ..Self::default() };
        for (name, value) in pairs {
            let value = value[..value.floor_char_boundary(LONGEST)].trim().to_owned();
            match name {
                "q" => question.q = value,
                "is" => question.is = value,
                "kind" => question.kind = value,
                "machine" | "manager" => question.machine = value,
                "kernel" => question.kernel = value,
                "label" => question.label = value,
                "repro" | "with_repro" => question.repro = !matches!(&*value, "" | "0" | "false"),
                "since" => question.since = value.parse().ok(),
                "sort" => question.sort = value,
                "page" => question.page = value.parse().unwrap_or(1).clamp(1, 1_000_000),
                _ => {}
            }
        }
        question
    }

    /// The question for the record. `now` is in seconds since 1970.
    pub fn filter(&self, now: i64, public_only: bool) -> Filter {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let states = self.is.split(',').filter_map(|name| State::from_name(name.trim())).collect();
        let order = Order::ALL.iter().find(|(_, name)| *name == self.sort);
        Filter {
            text: self.q.clone(),
            states,
            all: self.is == "all",
            kind: some(&self.kind),
            machine: some(&self.machine),
            kernel: some(&self.kernel),
            label: some(&self.label),
            reproducer: if self.repro { ReproducerLevel::Syz } else { ReproducerLevel::None },
            since: self.since.map(|days| now - i64::from(days) * 86_400),
            public_only,
            order: order.map_or_else(Order::default, |(order, _)| *order),
            offset: (self.page.max(1) - 1) * PER_PAGE,
            limit: PER_PAGE,
        }
    }

    /// The same as a query, without `?`; empty where nothing is asked.
    pub fn query(&self) -> String {
        let mut out = String::new();
        let mut add = |name: &str, value: &str| {
            if !value.is_empty() {
                let gap = if out.is_empty() { "" } else { "&" };
                let _ = write!(out, "{gap}{name}={}", encoded(value));
            }
        };
        add("q", &self.q);
        add("is", &self.is);
        add("kind", &self.kind);
        add("machine", &self.machine);
        add("kernel", &self.kernel);
        add("label", &self.label);
        add("repro", if self.repro { "1" } else { "" });
        add("since", &self.since.map(|days| days.to_string()).unwrap_or_default());
        add("sort", &self.sort);
        add("page", &if self.page > 1 { self.page.to_string() } else { String::new() });
        out
    }
}

/// A text as a part of an address.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(byte.into());
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_the_same_after_its_way_through_an_address() {
        let pairs = [
            ("q", "hung <in> rtnl"),
            ("is", "new,reported"),
            ("machine", "ré&ck=7"),
            ("repro", "1"),
            ("since", "7"),
            ("page", "3"),
            ("what", "else"),
        ];
        let question = Question::read(pairs);
        assert_eq!(
            question.query(),
            "q=hung%20%3Cin%3E%20rtnl&is=new%2Creported&machine=r%C3%A9%26ck%3D7&repro=1&since=7&page=3"
        );
        let filter = question.filter(1_000_000, true);
        assert_eq!(filter.states, [State::New, State::Reported]);
        assert_eq!((filter.offset, filter.since, filter.public_only), (200, Some(395_200), true));
        assert_eq!(Question::read([]).query(), "");
    }
}
