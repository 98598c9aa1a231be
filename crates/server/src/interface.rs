//! The service's own interface: JSON over HTTP, described by `/api/v1/openapi.json`.

use std::sync::Arc;

use app_tracker::{NewJob, Origin, file_log};
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Path, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::tracker::{Action, JobKind};
use render::tracker::question::Question;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::act::{action, do_it};
use crate::app::App;
use crate::pages::{Visit, pairs, visible};
use crate::peer::Peer;
use crate::role::Right;
use crate::trouble::Trouble;

/// Something to do to a bug.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Act {
    /// `note`, `fix`, `unfix`, `fixed`, `reported`, `proposed`, `dup`, `undup`, `merge`, `split`, `invalid`, `reopen`,
    /// `label`, `unlabel`, `public`, `private`, `undo`.
    pub(crate) action: String,
    /// The text, bug, title or label that it needs.
    #[serde(default)]
    pub(crate) value: String,
    /// Why.
    #[serde(default)]
    pub(crate) why: String,
}

/// A job to ask for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    /// What for.
    pub(crate) kind: JobKind,
    /// The repository; the crash's own if empty.
    #[serde(default)]
    pub(crate) repository: String,
    /// The branch or commit; the crash's own if empty.
    #[serde(default)]
    pub(crate) branch: String,
    /// A patch to apply.
    #[serde(default)]
    pub(crate) patch: String,
}

/// A job that was asked for.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Asked {
    /// Its number.
    pub(crate) job: i64,
}

/// What became of a crash.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Added {
    /// The title.
    pub(crate) title: String,
    /// The bug.
    pub(crate) bug: i64,
    /// The crash.
    pub(crate) crash: i64,
    /// Whether it opened the bug.
    pub(crate) is_new: bool,
    /// Whether it was in the record already.
    pub(crate) is_repeat: bool,
}

fn json(value: &impl Serialize) -> Result<String, Trouble> {
    serde_json::to_string(value)
        .map_err(|error| Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

fn answer(made: Result<String, Trouble>) -> Response {
    match made {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(trouble) => trouble.json(),
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Trouble> {
    serde_json::from_slice(body)
        .map_err(|error| Trouble::new(StatusCode::BAD_REQUEST, error.to_string()))
}

/// A change needs the proof in the request itself, so that no other page can make a browser send it.
fn allowed(app: &App, visit: &Visit, right: Right) -> Result<(), Trouble> {
    if visit.asker.by_header && visit.may(app, right) {
        Ok(())
    } else {
        Err(Trouble::new(
            StatusCode::FORBIDDEN,
            "this needs a token: `Authorization: Bearer TOKEN`",
        ))
    }
}

/// The body of a request of somebody who may send it. Of others it is not read, so that they cannot make the service
/// hold it.
async fn body(app: &App, visit: &Visit, right: Right, request: Request) -> Result<Bytes, Trouble> {
    allowed(app, visit, right)?;
    Bytes::from_request(request, &())
        .await
        .map_err(|error| Trouble::new(error.status(), error.body_text()))
}

fn may_see(app: &App, visit: &Visit) -> Result<bool, Trouble> {
    match visit.may(app, Right::SeePublic) {
        true => Ok(!visit.may(app, Right::SeePrivate)),
        false => Err(Trouble::new(StatusCode::UNAUTHORIZED, "log in to see this")),
    }
}

pub(crate) async fn bugs(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let visit = Visit::new(&app, &peer, &headers, "/api/v1/bugs");
    let pairs = pairs(query.as_deref());
    let question = Question::read(pairs.iter().map(|(name, value)| (&**name, &**value)));
    let made = app.with(move |tracker, app| {
        let public_only = may_see(app, &visit)?;
        let page = tracker.read().bugs(&question.filter(visit.visitor.now, public_only))?;
        json(&render::tracker::json::list(&page))
    });
    answer(made.await)
}

pub(crate) async fn bug(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Response {
    let visit = Visit::new(&app, &peer, &headers, "/api/v1/bugs");
    let made = app.with(move |tracker, app| {
        let public_only = may_see(app, &visit)?;
        let bug = visible(tracker, app, &visit, &name)?;
        json(&render::tracker::json::whole(&crate::view::view(
            tracker,
            &bug,
            visit.visitor.now,
            public_only,
        )?))
    });
    answer(made.await)
}

pub(crate) async fn act(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let visit = Visit::new(&app, &peer, &headers, "/api/v1/bugs");
    let body = match body(&app, &visit, Right::Change, request).await {
        Ok(body) => body,
        Err(trouble) => return trouble.json(),
    };
    let made = app.with(move |tracker, app| {
        let act: Act = read(&body)?;
        let bug = visible(tracker, app, &visit, &name)?;
        let action: Action = action(tracker, app, &visit, &act.action, &act.value)?;
        let bug = do_it(tracker, app, &visit, &bug, &action, &act.why)?;
        json(&render::tracker::json::summary(&bug))
    });
    answer(made.await)
}

pub(crate) async fn ask(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let visit = Visit::new(&app, &peer, &headers, "/api/v1/bugs");
    let body = match body(&app, &visit, Right::Change, request).await {
        Ok(body) => body,
        Err(trouble) => return trouble.json(),
    };
    let made = app.with(move |tracker, app| {
        let ask: Ask = read(&body)?;
        let bug = visible(tracker, app, &visit, &name)?;
        let new = NewJob {
            who: visit.asker.name.clone().unwrap_or_default(),
            message_id: None,
            repository: ask.repository,
            branch: ask.branch,
            patch: ask.patch.into_bytes(),
        };
        let job = tracker.ask(bug.id, ask.kind, &new, visit.visitor.now)?;
        json(&Asked { job })
    });
    answer(made.await)
}

pub(crate) async fn add(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    let visit = Visit::new(&app, &peer, &headers, "/api/v1/logs");
    let pairs = pairs(query.as_deref());
    let get = |name: &str| {
        pairs
            .iter()
            .find(|(known, _)| known == name)
            .map_or(String::new(), |(_, value)| value.clone())
    };
    let origin = Origin { machine: get("machine"), source: get("source"), time: visit.visitor.now };
    let body = match body(&app, &visit, Right::Add, request).await {
        Ok(body) => body,
        Err(trouble) => return trouble.json(),
    };
    let made = app.with(move |tracker, _| {
        let crashes = file_log(&body, &origin);
        let who = visit.asker.name.as_deref().unwrap_or("");
        let filed = tracker.ingest(&crashes, who, visit.visitor.now)?;
        let added: Vec<Added> = crashes
            .iter()
            .zip(&filed)
            .map(|(crash, filed)| Added {
                title: crash.identity.title.clone(),
                bug: filed.bug,
                crash: filed.crash,
                is_new: filed.is_new,
                is_repeat: filed.is_repeat,
            })
            .collect();
        json(&added)
    });
    answer(made.await)
}
