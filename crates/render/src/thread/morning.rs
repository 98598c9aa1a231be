//! What concerns one person, for the morning: text, page, JSON.

use std::fmt::Write as _;

use analysis_thread::{Item, Matter, View};
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::Serialize;

use super::page::{frame, shown};

/// What concerns one person and how much was looked at for it.
#[derive(Clone, Debug)]
pub struct Morning<'a> {
    /// The address.
    pub me: &'a str,
    /// What was found.
    pub view: &'a View,
    /// From when on what was applied is told of, in seconds since 1970.
    pub since: i64,
    /// Threads that were looked at.
    pub read: usize,
    /// Threads in which the person wrote.
    pub total: usize,
}

/// The lists with their names for people and for programs.
fn sections<'a>(morning: &'a Morning<'_>) -> [(String, &'static str, &'a [Item]); 5] {
    let View { waits, awaited, new_versions, untouched, applied } = morning.view;
    [
        ("Waits for you".to_owned(), "waits_for_you", waits),
        ("You wait for".to_owned(), "you_wait_for", awaited),
        ("New versions of what you reviewed".to_owned(), "new_versions", new_versions),
        ("Yours, old, no review and no test".to_owned(), "untouched", untouched),
        (format!("Said to be applied since {}", day(Some(morning.since))), "applied", applied),
    ]
}

fn day(seconds: Option<i64>) -> String {
    seconds.map_or_else(
        || "unknown".to_owned(),
        |seconds| parse_mail::Moment { seconds, zone: None }.utc()[..10].to_owned(),
    )
}

fn age(days: Option<i64>) -> String {
    match days {
        None => "unknown".to_owned(),
        Some(0) => "today".to_owned(),
        Some(1) => "1 day".to_owned(),
        Some(days) => format!("{days} days"),
    }
}

/// What is to be done or known, without its title.
fn matter(what: &Matter, is_asked: bool) -> String {
    match what {
        Matter::Question { number, asker, text, .. } if is_asked => {
            format!("{asker} asks (Q{number}): {text}")
        }
        Matter::Question { number, waits_for, text, .. } => {
            format!("your Q{number} to {}: {text}", waits_for.join(", "))
        }
        Matter::Step { version } => format!("your turn after {version}"),
        Matter::Review { version, is_reviewed: true } => {
            format!("{version} is reviewed and not said to be applied")
        }
        Matter::Review { version, is_reviewed: false } => format!("reviewers of {version}"),
        Matter::NewVersion { version, author, seen } => {
            format!("{version} by {author}; you wrote about {seen}")
        }
        Matter::Untouched { version } => format!("nobody reviewed or tested {version}"),
        Matter::Applied { version, by, patches } => match patches.as_slice() {
            [] => format!("{version}, says {by}"),
            some => {
                let numbers: Vec<String> = some.iter().map(ToString::to_string).collect();
                format!("patches {} of {version}, says {by}", numbers.join(" "))
            }
        },
    }
}

/// How much was looked at, and that it was not all.
fn extent(morning: &Morning<'_>) -> String {
    let Morning { read, total, .. } = morning;
    let threads = if *total == 1 { "thread" } else { "threads" };
    match read < total {
        true => format!(
            "{read} of {total} {threads} with mails of yours, the newest; --limit {total} looks at all"
        ),
        false => format!("{total} {threads} with mails of yours"),
    }
}

/// The lists as text: of each item the day, its age, the title and what it is, and a link below.
pub fn morning(morning: &Morning<'_>) -> String {
    let mut out = format!("{}: {}\n", morning.me, extent(morning));
    for (at, (name, _, items)) in sections(morning).into_iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "\n## {name}: {}", items.len());
        for item in items {
            let flat = |text: &str| text.replace(['\t', '\n'], " ");
            let _ = writeln!(
                out,
                "{}  {:>9}  {}\n    {}",
                day(item.seconds),
                age(item.days),
                flat(&item.title),
                flat(&matter(&item.what, at == 0)),
            );
            if let Some(id) = &item.message_id {
                let _ = writeln!(out, "    {}{}", link(id), place(&item.what));
            }
        }
    }
    out
}

/// Where in its mail a question stands.
fn place(what: &Matter) -> String {
    match what {
        Matter::Question { lines: (first, last), .. } if first == last => format!(" L{first}"),
        Matter::Question { lines: (first, last), .. } => format!(" L{first}-L{last}"),
        _ => String::new(),
    }
}

/// The lists as a page.
pub fn morning_page(morning: &Morning<'_>) -> String {
    let title = format!("Threads of {}", morning.me);
    let body = html! {
        h1 { (shown(&title)) }
        p.state { (extent(morning)) "." }
        @for (at, (name, _, items)) in sections(morning).into_iter().enumerate() {
            h2 { (shown(&name)) " (" (items.len()) ")" }
            @if !items.is_empty() { (table(items, at == 0)) }
        }
    };
    frame(&title, &body)
}

fn table(items: &[Item], is_asked: bool) -> Markup {
    html! {
        table {
            tr { th { "Day" } th { "Age" } th { "Thread" } th { "What" } }
            @for item in items {
                tr {
                    td { (day(item.seconds)) }
                    td { (age(item.days)) }
                    td {
                        @if let Some(id) = &item.message_id {
                            a href=(link(id)) { (shown(&item.title)) }
                        } @else {
                            (shown(&item.title))
                        }
                    }
                    td { (shown(&matter(&item.what, is_asked))) span.dim { (place(&item.what)) } }
                }
            }
        }
    }
}

/// Where lore shows a mail.
fn link(id: &str) -> String {
    let mut out = String::from("https://lore.kernel.org/all/");
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'@'
            | b'='
            | b'+'
            | b'$' => {
                out.push(char::from(byte));
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out.push('/');
    out
}

/// What `ktriage thread --list … --me … --json` prints, format 1.
#[derive(Serialize, JsonSchema)]
pub struct MorningJson {
    format: u32,
    me: String,
    /// Threads with mails of this address that were looked at, the newest ones.
    read: usize,
    /// How many there are.
    total: usize,
    /// From when on what was applied is told of, in seconds since 1970.
    since: i64,
    waits_for_you: Vec<ItemJson>,
    you_wait_for: Vec<ItemJson>,
    new_versions: Vec<ItemJson>,
    untouched: Vec<ItemJson>,
    applied: Vec<ItemJson>,
}

#[derive(Serialize, JsonSchema)]
struct ItemJson {
    /// When it began, in seconds since 1970.
    seconds: Option<i64>,
    days: Option<i64>,
    title: String,
    message_id: Option<String>,
    link: Option<String>,
    #[serde(flatten)]
    what: MatterJson,
}

#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum MatterJson {
    Question {
        question: String,
        /// First and last line of the mail.
        lines: [u64; 2],
        asker: String,
        waits_for: Vec<String>,
        text: String,
    },
    Step {
        version: String,
    },
    Review {
        version: String,
        reviewed: bool,
    },
    NewVersion {
        version: String,
        author: String,
        seen: String,
    },
    Untouched {
        version: String,
    },
    Applied {
        version: String,
        by: String,
        /// Empty for all.
        patches: Vec<u32>,
    },
}

impl MorningJson {
    /// The document.
    pub fn of(morning: &Morning<'_>) -> Self {
        let items = |list: &[Item]| list.iter().map(item).collect();
        let View { waits, awaited, new_versions, untouched, applied } = morning.view;
        Self {
            format: 1,
            me: morning.me.to_owned(),
            read: morning.read,
            total: morning.total,
            since: morning.since,
            waits_for_you: items(waits),
            you_wait_for: items(awaited),
            new_versions: items(new_versions),
            untouched: items(untouched),
            applied: items(applied),
        }
    }
}

fn item(item: &Item) -> ItemJson {
    ItemJson {
        seconds: item.seconds,
        days: item.days,
        title: item.title.clone(),
        message_id: item.message_id.clone(),
        link: item.message_id.as_deref().map(link),
        what: match item.what.clone() {
            Matter::Question { number, lines, asker, waits_for, text } => MatterJson::Question {
                question: format!("Q{number}"),
                lines: [lines.0, lines.1],
                asker,
                waits_for,
                text,
            },
            Matter::Step { version } => MatterJson::Step { version },
            Matter::Review { version, is_reviewed } => {
                MatterJson::Review { version, reviewed: is_reviewed }
            }
            Matter::NewVersion { version, author, seen } => {
                MatterJson::NewVersion { version, author, seen }
            }
            Matter::Untouched { version } => MatterJson::Untouched { version },
            Matter::Applied { version, by, patches } => {
                MatterJson::Applied { version, by, patches }
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_or_an_id_cannot_leave_its_place() {
        let one = Item {
            seconds: Some(0),
            days: Some(1),
            title: "a\tb<script>".to_owned(),
            message_id: Some("x\"><b@y".to_owned()),
            what: Matter::Step { version: "v2".to_owned() },
        };
        let view = View { waits: vec![one], ..View::default() };
        let found = Morning { me: "me@x", view: &view, since: 0, read: 1, total: 3 };
        let text = morning(&found);
        assert!(
            text.contains("1970-01-01      1 day  a b<script>\n    your turn after v2\n"),
            "{text}"
        );
        assert!(text.contains("1 of 3 threads"), "{text}");
        let page = morning_page(&found);
        assert!(!page.contains("<script") && page.contains("x%22%3E%3Cb@y"), "{page}");
    }
}
