//! Mails about bugs, whole: headers and plain text.
//!
//! Invariant: foreign text puts no header into a mail: it stands on one line and without control characters.

use std::fmt::Write as _;

use model::calendar::civil_from_days;
use model::tracker::Crash;

use super::text::other_names;
use super::view::BugView;
use super::words::date;
use crate::escape::{Escaped, one_line};

/// Bytes of a report in a mail.
const REPORT: usize = 64 << 10;
/// Bytes of a line.
const LINE: usize = 900;
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The headers of a mail.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The name of the record, as the sender's name.
    pub name: String,
    /// The sender's address.
    pub from: String,
    /// Who gets it.
    pub to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The Message-ID.
    pub message_id: String,
    /// The mail that it answers.
    pub in_reply_to: Option<String>,
    /// When, in seconds since 1970.
    pub time: i64,
}

/// Foreign text as a part of a header.
fn header(text: &str) -> String {
    let text = one_line(text);
    // What is not ASCII would need a code that few read in the raw.
    let plain: String =
        text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
    plain.chars().take(LINE).collect()
}

fn when(seconds: i64) -> String {
    let (days, time) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil_from_days(days);
    let weekday = DAYS[days.rem_euclid(7) as usize];
    let month = MONTHS[(month as usize - 1) % 12];
    format!(
        "{weekday}, {day:02} {month} {year} {:02}:{:02}:{:02} +0000",
        time / 3600,
        time / 60 % 60,
        time % 60
    )
}

fn mail(head: &Head, body: &str) -> String {
    let mut out =
        format!("From: \"{}\" <{}>\n", header(&head.name).replace('"', "'"), header(&head.from));
    if !head.to.is_empty() {
        let to: Vec<String> = head.to.iter().map(|address| header(address)).collect();
        let _ = writeln!(out, "To: {}", to.join(",\n "));
    }
    let _ = writeln!(out, "Subject: {}", header(&head.subject));
    let _ = writeln!(out, "Date: {}", when(head.time));
    let _ = writeln!(out, "Message-ID: <{}>", header(&head.message_id));
    if let Some(id) = &head.in_reply_to {
        let id = header(id);
        let _ = writeln!(out, "In-Reply-To: <{id}>\nReferences: <{id}>");
    }
    out += "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n";
    out += "Auto-Submitted: auto-generated\nX-Ktriage: 1\n\n";
    for line in Escaped(body).to_string().lines() {
        out += &line[..line.floor_char_boundary(LINE)];
        out.push('\n');
    }
    out
}

/// A report of a bug. `diagnosis` is what its log tells, `report` the kernel's own report, `link` leads to its page.
pub fn report(
    head: &Head,
    view: &BugView,
    diagnosis: Option<&str>,
    report: Option<&str>,
    link: &str,
    prefix: &str,
    is_last: bool,
) -> String {
    let bug = &view.bug;
    let head = Head {
        subject: if is_last { bug.shown() } else { format!("[moderation] {}", bug.shown()) },
        ..head.clone()
    };
    let mut body = format!("Hello,\n\n{} was seen by {}:\n\n", one_line(&bug.shown()), head.name);
    let best: Option<&Crash> = view.best.as_ref();
    let mut field = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(body, "{:<13} {}", format!("{name}:"), one_line(value));
        }
    };
    field("page", link);
    field("kernel", best.and_then(|crash| crash.kernel.as_deref()).unwrap_or(""));
    field("machine", best.map_or("", |crash| &crash.machine));
    field(
        "seen",
        &format!("{} times, first {}, last {}", bug.crashes, date(bug.first), date(bug.last)),
    );
    if let Some(log) = best.and_then(|crash| crash.log.as_ref()) {
        field(
            "console log",
            &format!("{}/text/{log}", link.rsplit_once("/bug/").map_or("", |(site, _)| site)),
        );
    }
    field("also", &other_names(&view.keys, &bug.title).join("; "));
    match view.reproducers.first() {
        Some(one) => field(
            "reproducer",
            &format!(
                "{}/text/{}",
                link.rsplit_once("/bug/").map_or("", |(site, _)| site),
                one.text
            ),
        ),
        None => body += "\nThere is no reproducer yet.\n",
    }
    let _ = writeln!(body, "\nReported-by: {} <{}>", head.name, head.from);
    if let Some(diagnosis) = diagnosis {
        let _ = write!(body, "\n{diagnosis}");
    }
    if let Some(report) = report {
        let _ = write!(body, "\n{}", &report[..report.floor_char_boundary(REPORT)]);
    }
    let _ = write!(
        body,
        "\n---\nTo say what it is, answer with a line of its own:\n{prefix} fix: TITLE OF THE COMMIT\n{prefix} dup: TITLE OF THE OTHER BUG\n{prefix} invalid\n"
    );
    if !is_last {
        let _ = writeln!(body, "{prefix} upstream");
    }
    // The samples of this mail must never be read as commands.
    mail(&head, &body.replace(&format!("\n{prefix} "), &format!("\n  {prefix} ")))
}

/// An answer to a mail with commands. Each line of `said` is one and what became of it.
pub fn answer(
    head: &Head,
    bug: Option<&str>,
    said: &[(String, Result<String, String>)],
    denied: Option<&str>,
) -> String {
    let mut body = String::new();
    if let Some(bug) = bug {
        let _ = writeln!(body, "{}\n", one_line(bug));
    }
    for (line, result) in said {
        let _ = writeln!(body, "> {}", one_line(line));
        let _ = match result {
            Ok(done) => writeln!(body, "done: {done}\n"),
            Err(why) => writeln!(body, "not done: {why}\n"),
        };
    }
    if let Some(why) = denied {
        let _ = writeln!(body, "Nothing was done: {why}");
    }
    let subject = &head.subject;
    let subject = if subject.to_ascii_lowercase().starts_with("re:") {
        subject.clone()
    } else {
        format!("Re: {subject}")
    };
    mail(&Head { subject, ..head.clone() }, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_makes_no_header() {
        let head = Head {
            name: "x\"\nBcc: a@e.org".into(),
            from: "bot@e.org".into(),
            to: vec!["b@e.org\r\nX: y".into()],
            subject: "t\nX-Evil: 1\u{1b}[31mé".into(),
            message_id: "1@e.org".into(),
            in_reply_to: Some("2>\nX: z".into()),
            time: 1_704_110_400,
        };
        let said = [("#k fix:\nX: y".to_owned(), Err("no \u{1b}[31m title".to_owned()))];
        let text = answer(&head, Some("bug"), &said, None);
        let (head, body) = text.split_once("\n\n").unwrap();
        for line in head.lines() {
            assert!(
                line.starts_with(' ')
                    || line.split(':').next().is_some_and(|name| [
                        "From",
                        "To",
                        "Subject",
                        "Date",
                        "Message-ID",
                        "In-Reply-To",
                        "References",
                        "MIME-Version",
                        "Content-Type",
                        "Content-Transfer-Encoding",
                        "Auto-Submitted",
                        "X-Ktriage"
                    ]
                    .contains(&name)),
                "{line}"
            );
        }
        assert!(head.contains("Date: Mon, 01 Jan 2024 12:00:00 +0000"));
        assert!(!text.contains('\u{1b}') && body.contains("> #k fix: X: y"));
    }
}
