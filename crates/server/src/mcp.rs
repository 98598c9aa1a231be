//! The Model Context Protocol over HTTP (its "streamable" transport without streams): one message a request, its answer as
//! JSON. Who asks may see and do what the table of rights says.

use std::sync::Arc;

use app_tracker::Tracker;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::app::App;
use crate::pages::Visit;
use crate::peer::Peer;
use crate::role::Right;
use crate::trouble::Trouble;

/// Bytes of a message.
pub(crate) const LONGEST: usize = 4 << 20;
/// Messages of one request.
const MESSAGES: usize = 50;

/// What whoever sent a message may see and do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct McpRights {
    /// The name that stands in histories.
    pub who: String,
    /// Public bugs only.
    pub public_only: bool,
    /// Whether jobs may be asked for.
    pub jobs: bool,
}

/// Answers one message; a notification has no answer.
pub type Mcp = fn(&Tracker, &McpRights, &[u8]) -> Option<Value>;

pub(crate) async fn message(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let visit = Visit::new(&app, &peer, &headers, "/mcp");
    if is_foreign(&headers) {
        return Trouble::forbidden().json();
    }
    if !visit.may(&app, Right::SeePublic) {
        let text = "this needs a token: `Authorization: Bearer TOKEN`";
        return Trouble::new(StatusCode::UNAUTHORIZED, text).json();
    }
    let rights = McpRights {
        who: visit.asker.name.clone().unwrap_or_default(),
        public_only: !visit.may(&app, Right::SeePrivate),
        // With a token in the request itself, so that no page can make a browser ask.
        jobs: app.settings.mcp_jobs && visit.asker.by_header && visit.may(&app, Right::Change),
    };
    let made = app.with(move |tracker, app| Ok(answers(tracker, app.mcp, &rights, &body))).await;
    match made {
        Ok(Some(answer)) => {
            ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
        }
        Ok(None) => StatusCode::ACCEPTED.into_response(),
        Err(trouble) => trouble.json(),
    }
}

/// The answer to a request: of one message, or of several in a list.
fn answers(tracker: &Tracker, mcp: Mcp, rights: &McpRights, body: &[u8]) -> Option<Value> {
    let Ok(Value::Array(messages)) = serde_json::from_slice::<Value>(body) else {
        return mcp(tracker, rights, body);
    };
    let answers: Vec<Value> = messages
        .iter()
        .take(MESSAGES)
        .filter_map(|message| mcp(tracker, rights, message.to_string().as_bytes()))
        .collect();
    (!answers.is_empty()).then_some(Value::Array(answers))
}

/// Whether a page of another host made a browser send it; names of hosts can be made to lead anywhere.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else { return false };
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    text(header::HOST) != Some(host)
}

/// There is no stream of the server's own messages.
pub(crate) async fn no_stream() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]).into_response()
}
