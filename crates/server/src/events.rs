//! News for pages that are about something that goes on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use app_tracker::Tracker;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::broadcast::error::RecvError;

use crate::app::{App, now};
use crate::news::News;
use crate::peer::Peer;
use crate::role::{Right, may};
use crate::trouble::Trouble;

/// How often it is looked for what other programs did to the record.
const LOOK: Duration = Duration::from_secs(2);
/// Entries that are looked at together.
const ENTRIES: u64 = 50;
/// How often an idle stream gives a sign of life.
const ALIVE: Duration = Duration::from_secs(20);

/// Looks for what was done to the record, by whichever program, and tells it.
pub(crate) async fn watch(app: Arc<App>) {
    let mut last = None;
    loop {
        let seen = last;
        let found = app.with(move |tracker, _| news_after(tracker, seen)).await;
        let mut is_behind = false;
        if let Ok((newest, news)) = found {
            is_behind = news.len() as u64 == ENTRIES;
            last = Some(newest);
            for one in news {
                // Nobody may be listening.
                let _ = app.news.send(one);
            }
        }
        if !is_behind {
            // What was done here is told at once.
            let _ = tokio::time::timeout(LOOK, app.done.notified()).await;
        }
    }
}

/// What was done after an entry of the history, and the last entry that is looked at; without one, only the newest.
fn news_after(tracker: &Tracker, seen: Option<i64>) -> Result<(i64, Vec<News>), Trouble> {
    let read = tracker.read();
    let Some(seen) = seen else {
        return Ok((read.recent(1, false)?.first().map_or(0, |(entry, _)| entry.id), Vec::new()));
    };
    let entries = read.history_after(seen, ENTRIES)?;
    let newest = entries.last().map_or(seen, |(entry, _)| entry.id);
    let news = entries.iter().map(|(_, bug)| News { bug: bug.id, is_public: bug.standing.public });
    Ok((newest, news.collect()))
}

/// A stream that says `changed` when what a page shows has changed.
pub(crate) async fn stream(
    State(app): State<Arc<App>>,
    Peer(peer): Peer,
    headers: HeaderMap,
    path: Option<Path<String>>,
) -> Response {
    let asker = app.asker(&headers, peer, now());
    if !may(asker.role, Right::SeePublic, app.settings.anonymous) {
        return Trouble::absent().json();
    }
    let sees_private = may(asker.role, Right::SeePrivate, app.settings.anonymous);
    let bug = path.as_ref().and_then(|path| path.strip_prefix("bug/")?.parse::<i64>().ok());
    let news = app.news.subscribe();
    let held = Arc::clone(&app);
    // A stream holds its place as long as it is open.
    let Ok(place) = app.streams.try_acquire() else { return Trouble::busy().json() };
    place.forget();
    let place = Place(held);
    let stream = stream::unfold((news, place), move |(mut news, place)| async move {
        loop {
            match news.recv().await {
                Ok(one) => {
                    let wanted = bug.is_none_or(|bug| bug == one.bug);
                    if wanted && (one.is_public || sees_private) {
                        break;
                    }
                }
                Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => return None,
            }
        }
        let event = Event::default().event("changed").data("1");
        Some((Ok::<Event, Infallible>(event), (news, place)))
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(ALIVE)).into_response()
}

/// The place of an open stream.
struct Place(Arc<App>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.streams.add_permits(1);
    }
}
