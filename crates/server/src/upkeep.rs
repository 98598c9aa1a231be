//! What the service does by itself: ends silent bugs, tells others of changes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use app_tracker::Tracker;
use model::tracker::{Bug, Entry};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::address::parts;
use crate::app::{App, now};
use crate::settings::Retest;
use crate::trouble::Trouble;

/// How often silent bugs are looked for.
const HOUR: Duration = Duration::from_secs(3_600);
/// Seconds by which the clock may differ from what has passed before nothing is concluded from it.
const JUMP: u64 = 600;
/// How often it is looked for changes to tell of.
const LOOK: Duration = Duration::from_secs(2);
/// Changes that are read together.
const AT_ONCE: u64 = 100;
/// How long another service may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The value of the record that says how far others were told.
const TOLD: &str = "webhook";

/// Closes bugs that were silent for longer than chance allows, every hour. A clock that jumped ends nothing.
pub(crate) async fn expire(app: Arc<App>) {
    let (mut clock, mut passed) = (now(), Instant::now());
    loop {
        tokio::time::sleep(HOUR).await;
        let (time, real) = (now(), passed.elapsed().as_secs());
        let jumped = (time - clock).abs_diff(i64::try_from(real).unwrap_or(i64::MAX)) > JUMP;
        (clock, passed) = (time, Instant::now());
        let done = app
            .with(move |tracker, app| match jumped {
                true => Ok(tracker.fail(
                    "clock",
                    "the clock jumped: no bug was ended by its silence",
                    time,
                )?),
                false => {
                    let Retest { silent, every } = app.settings.retest;
                    if every > 0 {
                        tracker.ask_retests(i64::from(silent), i64::from(every), time)?;
                    }
                    Ok(tracker.expire(time).map(drop)?)
                }
            })
            .await;
        if let Err(trouble) = done {
            report(&app, "upkeep", trouble.text).await;
        }
    }
}

async fn report(app: &Arc<App>, name: &'static str, text: String) {
    // Where the record cannot be written, nothing else can be done.
    let _ = app.with(move |tracker, _| Ok(tracker.fail(name, &text, now())?)).await;
}

/// Tells the addresses of the settings of each change, in order, at least once.
pub(crate) async fn tell(app: Arc<App>) {
    if app.settings.webhook.is_empty() {
        return;
    }
    let mut failing = false;
    // How far others were told, and how far the record says so.
    let mut position = None;
    loop {
        tokio::time::sleep(LOOK).await;
        let (mut told, mut written) = match position {
            Some(known) => known,
            None => match app.with(|tracker, _| start(tracker)).await {
                Ok(at) => (at, at),
                Err(_) => continue,
            },
        };
        loop {
            let news =
                app.with(move |tracker, _| Ok(tracker.read().history_after(told, AT_ONCE)?));
            let Ok(news) = news.await else { break };
            let (reached, trouble) = tell_some(&app, told, &news).await;
            told = reached;
            if told != written
                && app
                    .with(move |tracker, _| Ok(tracker.remember(TOLD, &told.to_string())?))
                    .await
                    .is_ok()
            {
                written = told;
            }
            if let Some(why) = &trouble
                && !failing
            {
                // Once: the change is tried again until it is told.
                report(&app, "webhook", why.clone()).await;
            }
            failing = trouble.is_some();
            if failing || (news.len() as u64) < AT_ONCE {
                break;
            }
        }
        position = Some((told, written));
    }
}

/// The entry of the history up to which others were told. What was before the first start is no news.
fn start(tracker: &Tracker) -> Result<i64, Trouble> {
    let known = tracker.read().setting(TOLD)?;
    if let Some(told) = known.and_then(|text| text.parse().ok()) {
        return Ok(told);
    }
    let newest = tracker.read().recent(1, false)?.first().map_or(0, |(entry, _)| entry.id);
    tracker.remember(TOLD, &newest.to_string())?;
    Ok(newest)
}

/// Tells of some changes; gives the last one that all were told of, and why the next one could not be told.
async fn tell_some(app: &App, told: i64, news: &[(Entry, Bug)]) -> (i64, Option<String>) {
    let mut reached = told;
    for (entry, bug) in news {
        let body = change(app, entry, bug).to_string();
        let mut failed = None;
        for address in &app.settings.webhook {
            if let Err(why) = post(address, &body).await {
                failed = Some(format!("{address}: {why}"));
            }
        }
        if failed.is_some() {
            return (reached, failed);
        }
        reached = entry.id;
    }
    (reached, None)
}

/// A change as others are told it.
fn change(app: &App, entry: &Entry, bug: &Bug) -> serde_json::Value {
    json!({
        "format": 1,
        "entry": entry.id,
        "time": entry.time,
        "who": entry.who,
        "action": entry.action,
        "why": entry.why,
        "link": format!("{}/bug/{}", app.settings.address.trim_end_matches('/'), bug.id),
        "bug": render::tracker::json::summary(bug),
    })
}

/// Sends JSON to an address.
async fn post(address: &str, body: &str) -> Result<(), String> {
    let (host, path) = parts(address).ok_or("no such address")?;
    let send = async {
        let mut stream = TcpStream::connect(&host).await?;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        let mut start = [0; 16];
        let length = stream.read(&mut start).await?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&start[..length]).into_owned())
    };
    match tokio::time::timeout(PATIENCE, send).await {
        Err(_) => Err("no answer in five seconds".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(answer))
            if answer.split(' ').nth(1).is_some_and(|status| status.starts_with('2')) =>
        {
            Ok(())
        }
        Ok(Ok(answer)) => Err(format!("answered {answer:?}")),
    }
}
