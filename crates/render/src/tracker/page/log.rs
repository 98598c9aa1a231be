//! A log with a number before each line, which can be linked to.

use maud::html;
use model::tracker::{Bug, Crash};

use super::shell::{Visitor, shell};
use crate::escape::{Escaped, one_line};
use crate::tracker::date;

/// Lines that are shown; the whole can be loaded as text.
const LINES: usize = 40_000;

/// The log of a crash.
pub fn log(visitor: &Visitor, bug: &Bug, crash: &Crash, text: &[u8]) -> String {
    let title = format!("Log of crash {}", crash.id);
    let body = html! {
        h1 { (title) }
        p {
            a href={ "/bug/" (bug.id) } { (one_line(&bug.shown())) }
            " · " (date(crash.time))
            @if let Some(kernel) = &crash.kernel { " · " (one_line(kernel)) }
            @if !crash.machine.is_empty() { " · " (one_line(&crash.machine)) }
            @if let Some(name) = &crash.log { " · " a href={ "/text/" (name) } { "as text" } }
            @if crash.line > 0 { " · " a href={ "#L" (crash.line) } { "the report" } }
        }
        pre.log {
            @for (at, line) in text.split(|byte| *byte == b'\n').take(LINES).enumerate() {
                span id={ "L" (at + 1) } {
                    a href={ "#L" (at + 1) } { (format!("{:>6}  ", at + 1)) }
                    (Escaped(&String::from_utf8_lossy(line).replace('\r', "")))
                }
            }
        }
    };
    shell(visitor, &title, false, &body)
}
