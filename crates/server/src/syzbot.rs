//! The public JSON of syzbot's dashboard, for programs that read that.

use std::sync::Arc;

use app_tracker::Tracker;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use model::tracker::{Bug, Filter, Fix, ReproducerLevel, State as BugState};
use serde::Serialize as _;
use serde_json::ser::PrettyFormatter;
use serde_json::{Value, json};

use crate::app::App;
use crate::pages::{Visit, pairs, visible};
use crate::peer::Peer;
use crate::role::Right;
use crate::trouble::Trouble;

/// Bugs of one list.
const MOST: u64 = 1_000;

fn wants_json(query: Option<&str>) -> bool {
    pairs(query).iter().any(|(name, value)| name == "json" && value == "1")
}

fn answer(made: Result<Value, Trouble>) -> Response {
    match made {
        Ok(value) => {
            ([(header::CONTENT_TYPE, "application/json")], indented(&value)).into_response()
        }
        Err(trouble) => trouble.json(),
    }
}

/// JSON as the dashboard prints it, indented by tabs.
fn indented(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    let formatter = PrettyFormatter::with_indent(b"\t");
    // A value has keys of text, and writing to memory does not fail.
    let _ = value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, formatter));
    out
}

fn commits(fixes: &[Fix]) -> Vec<Value> {
    fixes
        .iter()
        .map(|fix| match &fix.hash {
            Some(hash) => json!({ "title": fix.title, "hash": hash }),
            None => json!({ "title": fix.title }),
        })
        .collect()
}

/// `/NAMESPACE`, `/NAMESPACE/fixed`, `/NAMESPACE/invalid`.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let visit = Visit::new(&app, &peer, &headers, &format!("/{path}"));
    let (name, which) = path.split_once('/').unwrap_or((&path, ""));
    let states: &[BugState] = match which {
        "" => &[BugState::New, BugState::Reported, BugState::FixProposed],
        "fixed" => &[BugState::FixKnown, BugState::Fixed],
        "invalid" => &[BugState::Invalid, BugState::Obsolete],
        _ => return Trouble::absent().page(&visit.visitor),
    };
    if name != app.settings.name {
        return Trouble::absent().page(&visit.visitor);
    }
    if !wants_json(query.as_deref()) {
        let names: Vec<&str> = states.iter().map(|state| state.name()).collect();
        return Redirect::to(&format!("/bugs?is={}", names.join(","))).into_response();
    }
    let made = app.with(move |tracker, app| {
        if !visit.may(app, Right::SeePublic) {
            return Err(Trouble::absent());
        }
        let public_only = !visit.may(app, Right::SeePrivate);
        let filter =
            Filter { states: states.to_vec(), limit: MOST, public_only, ..Filter::default() };
        let bugs = tracker.read().bugs(&filter)?.bugs;
        let one = |bug: &Bug| {
            let mut value =
                json!({ "title": bug.shown(), "link": format!("/bug?extid={}", bug.external) });
            if !bug.standing.fixes.is_empty() {
                value["fix-commits"] = commits(&bug.standing.fixes).into();
            }
            value
        };
        let bugs: Vec<Value> = bugs.iter().map(one).collect();
        Ok(json!({ "version": 1, "Bugs": if bugs.is_empty() { Value::Null } else { bugs.into() } }))
    });
    answer(made.await)
}

/// `/bug?id=…` and `/bug?extid=…`: the page, or with `json=1` its JSON.
pub(crate) async fn bug(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let pairs = pairs(query.as_deref());
    let Some((_, name)) = pairs.into_iter().find(|(name, _)| name == "extid" || name == "id")
    else {
        return Redirect::to("/bugs").into_response();
    };
    if !wants_json(query.as_deref()) {
        let to = format!("/bug/{}", render::tracker::question::encoded(&name));
        return Redirect::to(&to).into_response();
    }
    let visit = Visit::new(&app, &peer, &headers, "/bug");
    let made = app.with(move |tracker, app| {
        let bug = visible(tracker, app, &visit, &name)?;
        whole(tracker, &bug)
    });
    answer(made.await)
}

fn time(seconds: i64) -> String {
    let text = render::tracker::date(seconds);
    format!("{}T{}:{:02}Z", &text[..10], &text[11..], seconds.rem_euclid(60))
}

fn whole(tracker: &Tracker, bug: &Bug) -> Result<Value, Trouble> {
    let read = tracker.read();
    let reproducers = read.reproducers(bug.id)?;
    let mut crashes = Vec::new();
    for crash in read.kept_crashes(bug.id)?.into_iter().take(20) {
        let build =
            read.build(&crash.source, crash.build.as_deref().unwrap_or(""))?.unwrap_or_default();
        let mut one = json!({
            "title": crash.title,
            "kernel-source-git": build.repository,
            "kernel-source-commit": build.commit,
            "syzkaller-commit": build.fuzzer_commit,
        });
        let mut add = |name: &str, text: Option<&String>| {
            if let Some(text) = text {
                one[name] = format!("/text/{text}").into();
            }
        };
        add("kernel-config", build.config.as_ref());
        add("crash-report-link", crash.report.as_ref());
        for reproducer in reproducers.iter().filter(|one| one.crash == crash.id) {
            match reproducer.level {
                ReproducerLevel::C => add("c-reproducer", Some(&reproducer.text)),
                _ => add("syz-reproducer", Some(&reproducer.text)),
            }
        }
        crashes.push(one);
    }
    let mut value = json!({
        "version": 1,
        "title": bug.shown(),
        "id": bug.external,
        "status": render::tracker::text::line(bug),
        "first-crash": time(bug.first),
        "last-crash": time(bug.last),
        "crashes": crashes,
    });
    if let Some(closed) = bug.standing.closed {
        value["close-time"] = time(closed).into();
    }
    if !bug.standing.fixes.is_empty() {
        value["fix-commits"] = commits(&bug.standing.fixes).into();
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_indentation_is_tabs() {
        let value = json!({ "title": "WARNING  in f", "list": [1] });
        let text = String::from_utf8(indented(&value)).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert!(
            text.contains("\n\t\"title\": \"WARNING  in f\"") && text.contains("\n\t\t1\n"),
            "{text}"
        );
    }
}
