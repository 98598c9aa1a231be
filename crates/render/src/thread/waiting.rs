//! What waits for one person: a line each, or a page for the morning.

use std::fmt::Write as _;

use analysis_thread::{Waiting, Wanted};
use maud::html;

use super::page::{frame, shown};

fn day(one: &Waiting) -> String {
    one.seconds.map_or_else(
        || "unknown".to_owned(),
        |seconds| parse_mail::Moment { seconds, zone: None }.utc()[..10].to_owned(),
    )
}

fn age(one: &Waiting) -> String {
    match one.days {
        None => "unknown".to_owned(),
        Some(1) => "1 day".to_owned(),
        Some(days) => format!("{days} days"),
    }
}

/// One line for each, fields parted by tabs: day, age, Message-ID, lines, number, who asks, title, text.
pub fn waiting(list: &[Waiting]) -> String {
    let flat = |text: &str| text.replace(['\t', '\n'], " ");
    let mut out = String::new();
    for one in list {
        let id = one.message_id.as_deref().unwrap_or("no Message-ID");
        let rest = match &one.what {
            Wanted::Answer { number, lines, asker, text } => {
                format!("{lines}\tQ{number}\t{}\t{}\t{}", flat(asker), flat(&one.title), flat(text))
            }
            Wanted::Step { version } => {
                format!("-\t-\t-\t{}\tyour turn: {version}", flat(&one.title))
            }
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}\t{}\t<{id}>\t{rest}", day(one), age(one));
    }
    out
}

/// The page of what waits for `me`, of `shown` of `total` threads.
pub fn waiting_page(me: &str, list: &[Waiting], read: usize, total: usize) -> String {
    let title = format!("Waiting for {me}");
    let body = html! {
        h1 { (shown(&title)) }
        p.state {
            (list.len()) " to do in " (read) " threads with mails of yours"
            @if read < total { "; " (total - read) " older threads were not looked at" }
            "."
        }
        table {
            tr { th { "Since" } th { "Age" } th { "Thread" } th { "Who asks" } th { "What" } }
            @for one in list {
                tr {
                    td { (day(one)) }
                    td { (age(one)) }
                    td {
                        @if let Some(id) = &one.message_id {
                            a href=(link(id)) { (shown(&one.title)) }
                        } @else {
                            (shown(&one.title))
                        }
                    }
                    @match &one.what {
                        Wanted::Answer { asker, text, lines, .. } => {
                            td { (shown(asker)) }
                            td { (shown(text)) " " span.dim { (lines.to_string()) } }
                        }
                        Wanted::Step { version } => {
                            td {}
                            td { "your turn: " (version) }
                        }
                    }
                }
            }
        }
    };
    frame(&title, &body)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_or_an_id_cannot_leave_its_place() {
        let one = Waiting {
            seconds: Some(0),
            days: Some(1),
            title: "a\tb<script>".to_owned(),
            message_id: Some("x\"><b@y".to_owned()),
            what: Wanted::Step { version: "v2".to_owned() },
        };
        assert_eq!(waiting(std::slice::from_ref(&one)).matches('\t').count(), 7);
        let page = waiting_page("me@x", &[one], 1, 3);
        assert!(
            !page.contains("<script") && page.contains("x%22%3E%3Cb@y") && page.contains("2 older")
        );
    }
}
