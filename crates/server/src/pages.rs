//! The pages.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use app_tracker::Tracker;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use maud::PreEscaped;
use model::tracker::{Bug, Filter, Order, State as BugState};
use render::tracker::page::{self, Health, Overview, Visitor};
use render::tracker::question::Question;

use crate::access::Asker;
use crate::app::{App, now};
use crate::peer::Peer;
use crate::role::{Right, may};
use crate::trouble::Trouble;

/// Bugs in a section of the first page.
const SECTION: u64 = 8;
/// Entries of histories on the first page.
const RECENT: u64 = 20;
/// Days on its graph.
const DAYS: i64 = 90;
/// Jobs that are listed.
const JOBS: u64 = 300;
/// Errors of clients that are listed.
const FAILURES: u64 = 50;
/// Bytes of a log that is diagnosed for a page.
const DIAGNOSED: usize = 4 << 20;

/// A request for a page.
pub(crate) struct Visit {
    pub(crate) asker: Asker,
    pub(crate) visitor: Visitor,
}

impl Visit {
    pub(crate) fn new(app: &App, peer: &Peer, headers: &HeaderMap, path: &str) -> Self {
        let now = now();
        let asker = app.asker(headers, peer.0, now);
        let visitor = Visitor {
            record: app.settings.name.clone(),
            name: asker.name.clone(),
            may_edit: may(asker.role, Right::Change, app.settings.anonymous),
            token: app.form_token(&asker, now),
            path: path.to_owned(),
            search: String::new(),
            now,
        };
        Self { asker, visitor }
    }

    pub(crate) fn may(&self, app: &App, right: Right) -> bool {
        may(self.asker.role, right, app.settings.anonymous)
    }
}

/// Makes a page with the record, or says why there is none.
pub(crate) async fn made(
    app: &Arc<App>,
    visit: Visit,
    right: Right,
    make: impl FnOnce(&Tracker, &App, &Visit) -> Result<String, Trouble> + Send + 'static,
) -> Response {
    let visitor = visit.visitor.clone();
    if !visit.may(app, right) {
        let trouble = match visit.asker.name {
            Some(_) => Trouble::forbidden(),
            None => Trouble::new(StatusCode::UNAUTHORIZED, "Log in to see this."),
        };
        return trouble.page(&visitor);
    }
    match app.with(move |tracker, app| make(tracker, app, &visit)).await {
        Ok(text) => Html(text).into_response(),
        Err(trouble) => trouble.page(&visitor),
    }
}

/// A part of a query or form, decoded.
pub(crate) fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut rest = bytes.clone();
                let digits = [rest.next(), rest.next()]
                    .map(|byte| byte.and_then(|byte| char::from(byte).to_digit(16)));
                match digits {
                    [Some(high), Some(low)] => {
                        out.push((high * 16 + low) as u8);
                        bytes = rest;
                    }
                    _ => out.push(b'%'),
                }
            }
            byte => out.push(byte),
        }
    }
    out
}

/// The pairs of a query, decoded.
pub(crate) fn pairs(query: Option<&str>) -> Vec<(String, String)> {
    let text = |text: &str| String::from_utf8_lossy(&decoded(text.as_bytes())).into_owned();
    query
        .unwrap_or("")
        .split('&')
        .take(50)
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

pub(crate) async fn overview(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::new(&app, &peer, &headers, "/");
    made(&app, visit, Right::SeePublic, |tracker, app, visit| {
        let public_only = !visit.may(app, Right::SeePrivate);
        let read = tracker.read();
        let now = visit.visitor.now;
        let some = |filter: Filter| -> Result<Vec<Bug>, Trouble> {
            Ok(read.bugs(&Filter { public_only, limit: SECTION, ..filter })?.bugs)
        };
        let shown = Overview {
            counts: read.counts(public_only)?,
            new: some(Filter {
                states: vec![BugState::New],
                order: Order::Created,
                ..Filter::default()
            })?,
            frequent: some(Filter {
                since: Some(now - 7 * 86_400),
                order: Order::Crashes,
                ..Filter::default()
            })?,
            fix_known: some(Filter { states: vec![BugState::FixKnown], ..Filter::default() })?,
            recent: read.recent(RECENT, public_only)?,
            days: read.days_of_all(now.div_euclid(86_400) - DAYS, public_only)?,
        };
        Ok(page::overview(&visit.visitor, &shown))
    })
    .await
}

pub(crate) async fn bugs(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let path = format!("/bugs?{}", query.as_deref().unwrap_or(""));
    let mut visit = Visit::new(&app, &peer, &headers, &path);
    let pairs = pairs(query.as_deref());
    let question = Question::read(pairs.iter().map(|(name, value)| (&**name, &**value)));
    visit.visitor.search.clone_from(&question.q);
    made(&app, visit, Right::SeePublic, move |tracker, app, visit| {
        let public_only = !visit.may(app, Right::SeePrivate);
        let page = tracker.read().bugs(&question.filter(visit.visitor.now, public_only))?;
        Ok(page::list(&visit.visitor, &question, &page))
    })
    .await
}

/// The bug of a name, if the asker may see it.
pub(crate) fn visible(
    tracker: &Tracker,
    app: &App,
    visit: &Visit,
    name: &str,
) -> Result<Bug, Trouble> {
    let bug = tracker.find(name).map_err(|error| match error {
        app_tracker::Error::NoBug(_) | app_tracker::Error::Ambiguous { .. } => Trouble::absent(),
        error => error.into(),
    })?;
    let right = if bug.standing.public { Right::SeePublic } else { Right::SeePrivate };
    if visit.may(app, right) { Ok(bug) } else { Err(Trouble::absent()) }
}

pub(crate) async fn bug(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Response {
    let visit = Visit::new(&app, &peer, &headers, &format!("/bug/{name}"));
    made(&app, visit, Right::SeePublic, move |tracker, app, visit| {
        let bug = visible(tracker, app, visit, &name)?;
        let public_only = !visit.may(app, Right::SeePrivate);
        let view = crate::view::view(tracker, &bug, visit.visitor.now, public_only)?;
        let told = match view.best.as_ref().and_then(|crash| Some((crash.id, crash.log.clone()?))) {
            None => None,
            // A log may be long: it is unpacked only where its diagnosis is not remembered.
            Some((crash, log)) => app.diagnosis(crash, || {
                Ok(tracker.read().artefact(&log)?.map(|log| diagnosed(crash, &log)))
            })?,
        };
        let told = PreEscaped(told.map(|text| text.to_string()).unwrap_or_default());
        Ok(page::bug(&visit.visitor, &view, &told))
    })
    .await
}

/// What a log tells, as a part of a page.
fn diagnosed(crash: i64, log: &[u8]) -> String {
    let log = &log[..log.len().min(DIAGNOSED)];
    let Ok(read) = app_diagnose::diagnose(log, app_diagnose::Wanted::default()) else {
        return String::new();
    };
    let log = render::diagnosis::Log {
        name: "",
        diagnosis: &read.diagnosis,
        registers: &read.registers,
        sources: &read.sources,
        excerpt: &read.excerpt,
        unconfirmed: &read.unconfirmed,
        notices: &read.notices,
    };
    page::diagnosis(&log, crash).into_string()
}

pub(crate) async fn crash_log(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    let visit = Visit::new(&app, &peer, &headers, &format!("/crash/{id}/log"));
    made(&app, visit, Right::SeePublic, move |tracker, app, visit| {
        let id: i64 = id.parse().map_err(|_| Trouble::absent())?;
        let crash = tracker.read().crash(id)?.ok_or_else(Trouble::absent)?;
        let bug = visible(tracker, app, visit, &crash.bug.to_string())?;
        let name = crash.log.clone().or_else(|| crash.report.clone());
        let text = name.map(|name| tracker.read().artefact(&name)).transpose()?.flatten();
        let text = text.ok_or_else(|| {
            Trouble::new(
                StatusCode::NOT_FOUND,
                "The log of this crash was not kept: some dozens of a bug are, the newest and the odd ones.",
            )
        })?;
        Ok(page::log(&visit.visitor, &bug, &crash, &text))
    })
    .await
}

pub(crate) async fn managers(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::new(&app, &peer, &headers, "/managers");
    made(&app, visit, Right::SeeService, |tracker, _, visit| {
        Ok(page::managers(&visit.visitor, &tracker.read().managers()?))
    })
    .await
}

pub(crate) async fn jobs(State(app): State<Arc<App>>, peer: Peer, headers: HeaderMap) -> Response {
    let visit = Visit::new(&app, &peer, &headers, "/jobs");
    made(&app, visit, Right::SeePublic, |tracker, app, visit| {
        let mut jobs = tracker.read().jobs(JOBS)?;
        if !visit.may(app, Right::SeePrivate) {
            let mut shown = Vec::new();
            for job in jobs {
                if tracker.read().bug(job.bug)?.is_some_and(|bug| bug.standing.public) {
                    shown.push(job);
                }
            }
            jobs = shown;
        }
        Ok(page::jobs(&visit.visitor, &jobs))
    })
    .await
}

pub(crate) async fn health(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::new(&app, &peer, &headers, "/health");
    made(&app, visit, Right::SeeService, |tracker, app, visit| {
        let health = Health {
            counts: tracker.read().counts(false)?,
            artefacts: tracker.read().count_artefacts()?,
            started: app.started,
            version: env!("CARGO_PKG_VERSION"),
            failures: tracker.read().failures(FAILURES)?,
            undelivered: tracker.read().undelivered(1_000)?.len() as u64,
            requests: app.requests.load(Ordering::Relaxed),
            failed: app.failed.load(Ordering::Relaxed),
            streams: app.news.receiver_count() as u64,
        };
        Ok(page::health(&visit.visitor, &health))
    })
    .await
}

/// For whoever looks whether the service lives: it can read its record.
pub(crate) async fn alive(State(app): State<Arc<App>>) -> Response {
    match app.with(|tracker, _| Ok(tracker.read().setting("salt")?)).await {
        Ok(_) => ([(header::CONTENT_TYPE, "text/plain")], "ok\n").into_response(),
        Err(trouble) => trouble.json(),
    }
}

pub(crate) async fn absent(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let visit = Visit::new(&app, &peer, &headers, uri.path());
    Trouble::absent().page(&visit.visitor)
}
