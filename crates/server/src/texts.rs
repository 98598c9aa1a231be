//! Logs, reports and programs as text, and the fixed files.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use crate::app::{App, now};
use crate::peer::Peer;
use crate::role::{Right, may};
use crate::trouble::Trouble;

const PLAIN: &str = "text/plain; charset=utf-8";

/// The text of that name, for whoever may see one of the bugs that hold it.
pub(crate) async fn text(
    State(app): State<Arc<App>>,
    Peer(peer): Peer,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Response {
    let role = app.asker(&headers, peer, now()).role;
    let found = app
        .with(move |tracker, app| {
            let anonymous = app.settings.anonymous;
            let bugs = tracker.read().bugs_of_artefact(&name)?;
            let mut allowed = may(role, Right::SeePrivate, anonymous) && !bugs.is_empty();
            if !allowed && may(role, Right::SeePublic, anonymous) {
                for bug in bugs {
                    allowed |= tracker.read().bug(bug)?.is_some_and(|bug| bug.standing.public);
                }
            }
            match allowed {
                true => tracker.read().artefact(&name)?.ok_or_else(Trouble::absent),
                false => Err(Trouble::absent()),
            }
        })
        .await;
    match found {
        Ok(text) => {
            let headers =
                [(header::CONTENT_TYPE, PLAIN), (header::CACHE_CONTROL, "private, max-age=86400")];
            (headers, text).into_response()
        }
        Err(trouble) => trouble.json(),
    }
}

fn fixed(kind: &'static str, text: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=300")];
    (headers, text).into_response()
}

pub(crate) async fn style() -> Response {
    fixed("text/css; charset=utf-8", render::tracker::page::STYLE)
}

pub(crate) async fn live() -> Response {
    fixed("text/javascript; charset=utf-8", render::tracker::page::LIVE)
}

pub(crate) async fn robots() -> Response {
    fixed(PLAIN, "User-agent: *\nDisallow: /\n")
}
