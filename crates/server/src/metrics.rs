//! Numbers for Prometheus.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use model::tracker::State as BugState;

use crate::app::App;
use crate::pages::Visit;
use crate::peer::Peer;
use crate::role::Right;
use crate::trouble::Trouble;

pub(crate) async fn metrics(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::new(&app, &peer, &headers, "/metrics");
    if !visit.may(&app, Right::SeeService) {
        return Trouble::forbidden().json();
    }
    let made = app.with(|tracker, app| {
        let counts = tracker.read().counts(false)?;
        let mut out = String::new();
        let mut family = |name: &str, kind: &str, what: &str, rows: &[(String, u64)]| {
            let _ = writeln!(out, "# HELP ktriage_{name} {what}\n# TYPE ktriage_{name} {kind}");
            for (labels, value) in rows {
                let _ = writeln!(out, "ktriage_{name}{labels} {value}");
            }
        };
        let one = |value: u64| vec![(String::new(), value)];
        let states: Vec<(String, u64)> = BugState::ALL
            .iter()
            .zip(counts.states)
            .map(|(state, count)| (format!("{{state=\"{}\"}}", state.name()), count))
            .collect();
        family("bugs", "gauge", "Bugs by state.", &states);
        family("crashes_total", "counter", "Crashes in the record.", &one(counts.crashes));
        family("record_bytes", "gauge", "Bytes of the record.", &one(counts.file_bytes));
        family(
            "artefacts",
            "gauge",
            "Texts that are kept.",
            &one(tracker.read().count_artefacts()?),
        );
        let load = |counter: &std::sync::atomic::AtomicU64| one(counter.load(Ordering::Relaxed));
        family("requests_total", "counter", "Requests since the start.", &load(&app.requests));
        family(
            "requests_failed_total",
            "counter",
            "Requests that the service failed.",
            &load(&app.failed),
        );
        family(
            "crash_calls_total",
            "counter",
            "Crashes that managers reported since the start.",
            &load(&app.ingested),
        );
        let waiting = tracker.read().undelivered(1_000)?.len() as u64;
        family("mails_waiting", "gauge", "Mails to be delivered.", &one(waiting));
        let open = tracker.read().count_open_jobs()?;
        family("jobs_open", "gauge", "Jobs that are not done.", &one(open));
        let silent: Vec<(String, u64)> = tracker
            .read()
            .managers()?
            .iter()
            .map(|manager| {
                let name: String = manager
                    .name
                    .chars()
                    .filter(|c| c.is_ascii_graphic() && !"\"\\".contains(*c))
                    .collect();
                (
                    format!("{{manager=\"{name}\"}}"),
                    u64::try_from(crate::app::now() - manager.seen).unwrap_or(0),
                )
            })
            .collect();
        family("manager_silent_seconds", "gauge", "Seconds since a manager was heard of.", &silent);
        Ok(out)
    });
    match made.await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(trouble) => trouble.json(),
    }
}
