//! The page of one bug: what is it, since when, whose, fixed?

use maud::{Markup, html};
use model::tracker::{Action, Bug, Crash, Job, JobState, ReproducerLevel};

use super::chart;
use super::shell::{Visitor, shell};
use crate::escape::one_line;
use crate::tracker::text::{SAME_SIGNATURE, other_names, reproducer};
use crate::tracker::words::action;
use crate::tracker::{BugView, ago, date, formula, state};

/// Entries of the history that are shown.
const HISTORY: usize = 100;

/// The page of one bug. `diagnosis` is what the log of its shown crash tells.
pub fn bug(visitor: &Visitor, view: &BugView, diagnosis: &Markup) -> String {
    let bug = &view.bug;
    let title = bug.shown();
    let body = html! {
        h1 { (one_line(&title)) @for (name, value) in &view.labels { span.tag { (one_line(name)) @if !value.is_empty() { ": " (one_line(value)) } } } }
        (facts(view))
        (diagnosis)
        @if !view.days.is_empty() {
            h2 { "Crashes over time" }
            (chart::days(&view.days, view.now.div_euclid(86_400)))
        }
        @if visitor.may_edit { (actions(visitor, bug)) }
        (history(view))
        (reproducers(view))
        (jobs(&view.jobs, view.now))
        (crashes(&view.crashes, view.now))
        (relatives(view))
        p.quiet { "Bug " (bug.id) " · " code { (bug.external) } " · " a href={ "/api/v1/bugs/" (bug.id) } { "JSON" } }
    };
    let live = view.jobs.iter().any(|job| job.state != JobState::Done);
    shell(visitor, &title, live, &body)
}

fn bug_link(bug: &Bug) -> Markup {
    html! { a href={ "/bug/" (bug.id) } { (one_line(&bug.shown())) } " " span.state.{ "s-" (bug.standing.state.name()) } { (state(bug.standing.state)) } }
}

fn facts(view: &BugView) -> Markup {
    let bug = &view.bug;
    let standing = &bug.standing;
    let owners: Vec<&str> = view
        .labels
        .iter()
        .filter(|(name, value)| {
            matches!(&**name, "subsystems" | "subsystem" | "owner") && !value.is_empty()
        })
        .map(|(_, value)| value.as_str())
        .collect();
    let mut kernels: Vec<&str> = view
        .days
        .iter()
        .map(|day| day.kernel.as_str())
        .filter(|kernel| !kernel.is_empty())
        .collect();
    kernels.sort_unstable();
    kernels.dedup();
    html! {
        dl.facts {
            div { dt { "State" } dd {
                span.state.{ "s-" (standing.state.name()) } { (state(standing.state)) }
                @if let Some(other) = &view.duplicate_of { @if standing.merged { " into " } @else { " of " } (bug_link(other)) }
                @if !standing.public { span.tag { "private" } }
                @if !standing.reason.is_empty() { div.quiet { (one_line(&standing.reason)) } }
            } }
            div { dt { "What" } dd { (bug.kind.as_deref().map_or_else(|| "kind not known".to_owned(), one_line)) @if let Some(frame) = &bug.frame { " in " code { (one_line(frame)) } } } }
            div { dt { "Since" } dd { (date(bug.first)) " " span.quiet { (ago(bug.first, view.now)) " ago" } } }
            div { dt { "Last" } dd { (date(bug.last)) " " span.quiet { (ago(bug.last, view.now)) " ago, " (bug.crashes) " in all" } } }
            div { dt { "Whose" } dd {
                @if owners.is_empty() { span.quiet { "not known: label " code { "subsystems" } } }
                @for owner in owners { (one_line(owner)) " " }
            } }
            div { dt { "Fixed" } dd {
                @if standing.fixes.is_empty() { span.quiet { "no fix is known" } }
                @for fix in &standing.fixes {
                    div { @if let Some(hash) = &fix.hash { code { (one_line(hash)) } " " } (one_line(&fix.title)) }
                }
            } }
            div { dt { "Reproducer" } dd {
                @match bug.reproducer { ReproducerLevel::None => span.quiet { "none" }, level => (reproducer(level)) }
                @if bug.attempts > 0 { span.quiet { " " (bug.attempts) " attempts failed" } }
                @for entry in view.history.iter().rev().filter(|entry| matches!(entry.action, Action::Manifest { .. } | Action::Retest { .. })).take(2) { div.quiet { (action(&entry.action)) } }
            } }
            div { dt { "Kernels" } dd {
                @for kernel in kernels.iter().take(4) { a href={ "/bugs?is=all&kernel=" (crate::tracker::question::encoded(kernel)) } { (one_line(kernel)) } " " }
                @if kernels.len() > 4 { span.quiet { (kernels.len() - 4) " more" } }
                @if kernels.is_empty() { span.quiet { "not known" } }
            } }
            @if !view.machines.is_empty() {
                div { dt { "Machines" } dd {
                    @for (name, count) in view.machines.iter().take(6) { a href={ "/bugs?is=all&machine=" (crate::tracker::question::encoded(name)) } { (one_line(name)) } span.quiet { " " (count) " " } }
                } }
            }
            @if let Some(silence) = view.silence.filter(|silence| standing.state.is_open() && silence.silent > 1.0) {
                div { dt { "Silence" } dd.quiet { (formula(&silence)) } }
            }
        }
    }
}

fn actions(visitor: &Visitor, bug: &Bug) -> Markup {
    let choices = [
        ("note", "note"),
        ("fix", "fix: title of the commit"),
        ("unfix", "unfix"),
        ("fixed", "fixed in these kernels"),
        ("reported", "reported there"),
        ("proposed", "fix proposed: link"),
        ("dup", "duplicate of"),
        ("undup", "no duplicate"),
        ("merge", "merge into"),
        ("split", "split (a title, or nothing)"),
        ("invalid", "invalid"),
        ("reopen", "reopen"),
        ("label", "label NAME:VALUE"),
        ("unlabel", "take label off"),
        ("public", "make public"),
        ("private", "make private"),
        ("undo", "undo the newest change"),
    ];
    html! {
        h2 { "Say what it is" }
        form.act action={ "/bug/" (bug.id) } method="post" {
            input type="hidden" name="token" value=(visitor.token);
            label { "Action" select name="action" { @for (value, shown) in choices { option value=(value) { (shown) } } } }
            label { "Text, bug or title" input name="value" maxlength="4000"; }
            label { "Why" input name="why" maxlength="4000"; }
            button type="submit" { "Save" }
        }
    }
}

fn history(view: &BugView) -> Markup {
    let skipped = view.history.len().saturating_sub(HISTORY);
    html! {
        h2 { "Time line" }
        ol.line {
            @for entry in view.history.iter().skip(skipped).rev() {
                li id={ "h" (entry.id) } {
                    time { (date(entry.time)) }
                    span {
                        (action(&entry.action))
                        @if !entry.who.is_empty() { " " span.quiet { (one_line(&entry.who)) } }
                        @if !entry.why.is_empty() { ": " (one_line(&entry.why)) }
                    }
                }
            }
            @if skipped > 0 { li { time { "before" } span.quiet { (skipped) " earlier entries" } } }
        }
    }
}

fn reproducers(view: &BugView) -> Markup {
    html! {
        @if !view.reproducers.is_empty() {
            h2 { "Reproducers" }
            table {
                thead { tr { th { "Language" } th { "Came" } th.opt { "Options" } th { "Text" } } }
                tbody { @for one in view.reproducers.iter().take(20) {
                    tr {
                        td { (reproducer(one.level)) @if one.revoked { span.tag { "no longer crashes" } } }
                        td.w { (date(one.time)) }
                        td.opt { code { (one_line(&one.options)) } }
                        td { a href={ "/text/" (one.text) } { "open" } " " a href={ "/crash/" (one.crash) "/log" } { "its crash" } }
                    }
                } }
            }
        }
    }
}

fn jobs(jobs: &[Job], now: i64) -> Markup {
    html! {
        @if !jobs.is_empty() {
            h2 { "Jobs" }
            (super::machines::job_table(jobs, now))
        }
    }
}

fn crashes(crashes: &[Crash], now: i64) -> Markup {
    html! {
        h2 { "Crashes" }
        table {
            thead { tr { th { "When" } th { "Kernel" } th.opt { "Machine" } th { "Log" } th.opt { "Title" } } }
            tbody { @for crash in crashes.iter().take(30) {
                tr {
                    td.w title=(date(crash.time)) { (ago(crash.time, now)) }
                    td { (crash.kernel.as_deref().map_or_else(String::new, one_line)) }
                    td.opt { (one_line(&crash.machine)) }
                    td.w {
                        @if crash.log.is_some() { a href={ "/crash/" (crash.id) "/log" @if crash.line > 0 { "#L" (crash.line) } } { "log" } " " }
                        @if let Some(report) = &crash.report { a href={ "/text/" (report) } { "report" } }
                        @if crash.log.is_none() && crash.report.is_none() { span.quiet { "not kept" } }
                    }
                    td.opt { (one_line(&crash.title)) @if crash.corrupted { span.tag { "damaged" } } }
                }
            } }
        }
    }
}

fn relatives(view: &BugView) -> Markup {
    let names = other_names(&view.keys, &view.bug.title);
    html! {
        @if !view.similar.is_empty() {
            h2 { "Perhaps the same" }
            table { tbody { @for (bug, likeness) in &view.similar {
                tr { td { (bug_link(bug)) } td.quiet { @if likeness.same_signature { b { (SAME_SIGNATURE) } } "both: " @for (at, key) in likeness.shared.iter().take(4).enumerate() { @if at > 0 { "; " } (one_line(&key.value)) } } }
            } } }
        }
        @if !view.duplicates.is_empty() || view.previous.is_some() {
            h2 { "Other bugs" }
            ul {
                @if let Some(previous) = &view.previous { li { "before: " (bug_link(previous)) } }
                @for bug in &view.duplicates { li { @if bug.standing.merged { "merged: " } @else { "duplicate: " } (bug_link(bug)) } }
            }
        }
        @if !names.is_empty() {
            h2 { "Other names" }
            ul { @for name in names { li { (name) } } }
        }
    }
}
