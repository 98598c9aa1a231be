//! Forms: logging in and out, and what people do to a bug.

use std::sync::Arc;
use std::time::Duration;

use app_tracker::Tracker;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use model::tracker::{Action, Bug, Fix};
use render::tracker::page;

use crate::app::{App, now};
use crate::pages::{Visit, pairs, visible};
use crate::peer::Peer;
use crate::role::Right;
use crate::trouble::Trouble;

/// How long a wrong token takes to be refused.
const WRONG: Duration = Duration::from_millis(500);

/// The fields of a form.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn read(body: &[u8]) -> Self {
        Self(pairs(Some(&String::from_utf8_lossy(body))))
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }
}

/// A place of this service, and of no other.
fn own_path(to: &str) -> &str {
    let own = to.starts_with('/')
        && !to.starts_with("//")
        && !to.contains('\\')
        && to.bytes().all(|byte| byte.is_ascii_graphic());
    if own { to } else { "/" }
}

pub(crate) async fn login_page(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let pairs = pairs(query.as_deref());
    let to = pairs.iter().find(|(name, _)| name == "to").map_or("/", |(_, to)| own_path(to));
    let visit = Visit::new(&app, &peer, &headers, to);
    Html(page::login(&visit.visitor, false)).into_response()
}

pub(crate) async fn login(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::read(&body);
    let to = own_path(form.get("to")).to_owned();
    match app.login(form.get("password"), now()) {
        Some(cookie) => with_cookie(Redirect::to(&to).into_response(), &cookie),
        None => {
            tokio::time::sleep(WRONG).await;
            let visit = Visit::new(&app, &peer, &headers, &to);
            (StatusCode::FORBIDDEN, Html(page::login(&visit.visitor, true))).into_response()
        }
    }
}

pub(crate) async fn logout(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let visit = Visit::new(&app, &peer, &headers, "/");
    if !app.is_own_form(&visit.asker, &headers, Form::read(&body).get("token"), now()) {
        return Trouble::forbidden().page(&visit.visitor);
    }
    with_cookie(Redirect::to("/").into_response(), &App::logout())
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

pub(crate) async fn bug(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
    Path(name): Path<String>,
    body: Bytes,
) -> Response {
    let visit = Visit::new(&app, &peer, &headers, &format!("/bug/{name}"));
    let visitor = visit.visitor.clone();
    let form = Form::read(&body);
    let own = visit.asker.by_header
        || app.is_own_form(&visit.asker, &headers, form.get("token"), visitor.now);
    if !visit.may(&app, Right::Change) || !own {
        return Trouble::forbidden().page(&visitor);
    }
    let done = app
        .with(move |tracker, app| {
            let bug = visible(tracker, app, &visit, &name)?;
            let action = action(tracker, app, &visit, form.get("action"), form.get("value"))?;
            do_it(tracker, app, &visit, &bug, &action, form.get("why"))
        })
        .await;
    match done {
        Ok(bug) => Redirect::to(&format!("/bug/{}", bug.id)).into_response(),
        Err(trouble) => trouble.page(&visitor),
    }
}

/// Does something to a bug; those who look at it are told.
pub(crate) fn do_it(
    tracker: &Tracker,
    app: &App,
    visit: &Visit,
    bug: &Bug,
    action: &Action,
    why: &str,
) -> Result<Bug, Trouble> {
    let may_publish = visit.may(app, Right::Publish);
    if matches!(action, Action::Publish { .. }) && !may_publish {
        return Err(Trouble::forbidden());
    }
    let who = visit.asker.name.as_deref().unwrap_or("somebody");
    let now = visit.visitor.now;
    let after = match may_publish {
        true => tracker.act(bug.id, action, who, why, now)?,
        false => tracker.act_showing_nothing(bug.id, action, who, why, now)?,
    };
    app.done.notify_one();
    Ok(after)
}

/// What a form or a request asks for.
pub(crate) fn action(
    tracker: &Tracker,
    app: &App,
    visit: &Visit,
    name: &str,
    value: &str,
) -> Result<Action, Trouble> {
    let needed = |what: &str| match value.is_empty() {
        true => Err(Trouble::new(StatusCode::BAD_REQUEST, format!("`{name}` needs {what}"))),
        false => Ok(value.to_owned()),
    };
    let other = || Ok::<_, Trouble>(visible(tracker, app, visit, &needed("the other bug")?)?.id);
    Ok(match name {
        "note" => Action::Note { text: needed("a text")? },
        "fix" => {
            Action::Fix { fixes: vec![Fix { title: needed("the title of a commit")?, hash: None }] }
        }
        "unfix" => Action::Unfix,
        "fixed" => Action::Contained {
            kernels: value
                .split([',', ' '])
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
        },
        "reported" => Action::Report { stage: needed("where")?, message_id: None },
        "proposed" => Action::Propose { link: needed("a link")? },
        "dup" => Action::Duplicate { of: other()? },
        "undup" => Action::Unduplicate,
        "merge" => Action::Merge { into: other()? },
        "split" => Action::Split { title: (!value.is_empty()).then(|| value.to_owned()), to: None },
        "invalid" => Action::Invalid,
        "reopen" => Action::Reopen,
        "label" => {
            let label = needed("a label")?;
            let (name, value) = label.split_once(':').unwrap_or((&label, ""));
            Action::Label { name: name.trim().to_owned(), value: value.trim().to_owned() }
        }
        "unlabel" => Action::Unlabel { name: needed("a label")? },
        "public" => Action::Publish { public: true },
        "private" => Action::Publish { public: false },
        "undo" => Action::Undo { entry: value.parse().unwrap_or(0) },
        other => {
            return Err(Trouble::new(StatusCode::BAD_REQUEST, format!("`{other}` is no action")));
        }
    })
}
