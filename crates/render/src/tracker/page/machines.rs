//! Managers, jobs and the health of the service.

use maud::{Markup, html};
use model::tracker::{Counts, Failure, Job, JobState, Manager};

use super::shell::{Visitor, shell};
use crate::escape::one_line;
use crate::tracker::{ago, date};

/// Seconds after which a manager counts as silent.
const SILENT: i64 = 900;

/// What the page on health shows.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Numbers of the record.
    pub counts: Counts,
    /// Texts that are kept.
    pub artefacts: u64,
    /// When the service began.
    pub started: i64,
    /// The program's version.
    pub version: &'static str,
    /// Errors that clients reported.
    pub failures: Vec<Failure>,
    /// Mails that wait to be delivered.
    pub undelivered: u64,
    /// Requests that were answered, and those that failed.
    pub requests: u64,
    /// See [`Health::requests`].
    pub failed: u64,
    /// Streams of news that are open.
    pub streams: u64,
}

/// The managers.
pub fn managers(visitor: &Visitor, managers: &[Manager]) -> String {
    let body = html! {
        h1 { "Managers " small { (managers.len()) } }
        @if managers.is_empty() {
            p { "No manager has reported yet. In a configuration of syz-manager:" }
            pre { "\"dashboard_client\": \"NAME\",\n\"dashboard_addr\": \"http://THIS-HOST:PORT\",\n\"dashboard_key\": \"KEY\"" }
        } @else {
            table {
                thead { tr { th { "Manager" } th { "Last heard of" } th.n { "Corpus" } th.n { "Cover" } th.n.opt { "Crash types" } th.n.opt { "Up" } th.opt { "Build" } } }
                tbody { @for one in managers {
                    tr {
                        td { a href={ "/bugs?is=all&machine=" (crate::tracker::question::encoded(&one.name)) } { (one_line(&one.name)) } }
                        td.w title=(date(one.seen)) { @if visitor.now - one.seen > SILENT { span.bad { "silent " (ago(one.seen, visitor.now)) } } @else { (ago(one.seen, visitor.now)) " ago" } }
                        td.n { (one.corpus) } td.n { (one.cover) } td.n.opt { (one.crash_types) }
                        td.n.opt { (one.up_seconds / 3600) " h" }
                        td.opt { code { (one_line(one.build.as_deref().unwrap_or(""))) } }
                    }
                } }
            }
        }
    };
    shell(visitor, "Managers", true, &body)
}

/// The jobs.
pub fn jobs(visitor: &Visitor, jobs: &[Job]) -> String {
    let body = html! {
        h1 { "Jobs " small { (jobs.len()) } }
        @if jobs.is_empty() { p { "No job was asked for yet." } } @else { (job_table(jobs, visitor.now)) }
    };
    shell(visitor, "Jobs", true, &body)
}

/// Jobs, a row each.
pub(super) fn job_table(jobs: &[Job], now: i64) -> Markup {
    html! {
        table {
            thead { tr { th { "Job" } th { "Bug" } th { "State" } th.opt { "Asked" } th { "Result" } } }
            tbody { @for job in jobs {
                tr {
                    td { (job.id) " " (job.kind.name().replace('_', " ")) }
                    td { a href={ "/bug/" (job.bug) } { (job.bug) } }
                    td { @match job.state { JobState::Waiting => "waits", JobState::Running => "runs", JobState::Done => "done" } @if job.attempts > 1 { span.quiet { " attempt " (job.attempts) } } }
                    td.opt { (ago(job.created, now)) " ago" @if !job.who.is_empty() { span.quiet { " " (one_line(&job.who)) } } }
                    td {
                        @if !job.crash_title.is_empty() { "crashed: " (one_line(&job.crash_title)) }
                        @else if !job.error.is_empty() { span.bad { (one_line(&job.error.chars().take(200).collect::<String>())) } }
                        @else if job.state == JobState::Done && job.commits.is_empty() { span.ok { "no crash" } }
                        @for commit in &job.commits { div { (one_line(commit)) } }
                        @if let Some(log) = &job.log { " " a href={ "/text/" (log) } { "log" } }
                    }
                }
            } }
        }
    }
}

/// The health of the service.
pub fn health(visitor: &Visitor, health: &Health) -> String {
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / 1_048_576.0);
    let counts = &health.counts;
    let body = html! {
        h1 { "Health" }
        dl.facts {
            div { dt { "Running" } dd { "since " (date(health.started)) ", ktriage " (health.version) } }
            div { dt { "Record" } dd { (counts.states.iter().sum::<u64>()) " bugs, " (counts.crashes) " crashes" } }
            div { dt { "Size" } dd { (mib(counts.file_bytes)) ", " (health.artefacts) " texts" } }
            div { dt { "Requests" } dd { (health.requests) @if health.failed > 0 { ", " span.bad { (health.failed) " failed" } } } }
            div { dt { "Mails" } dd { (health.undelivered) " wait to be delivered" } }
            div { dt { "Streams" } dd { (health.streams) " open" } }
        }
        @if !health.failures.is_empty() {
            h2 { "Errors that clients reported" }
            ol.line { @for one in &health.failures {
                li { time { (date(one.time)) } span { b { (one_line(&one.client)) } " " (one_line(&one.name)) ": " (one_line(&one.text.chars().take(400).collect::<String>())) } }
            } }
        }
        p.quiet { a href="/metrics" { "Metrics" } " · " a href="/api/v1/openapi.json" { "Interface" } }
    };
    shell(visitor, "Health", false, &body)
}
