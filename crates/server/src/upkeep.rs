//! What the service does by itself: ends silent bugs, tells others of changes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::tracker::{Bug, Entry};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::address::parts;
use crate::app::{App, now};
use crate::trouble::Trouble;

/// How often silent bugs are looked for.
const HOUR: Duration = Duration::from_secs(3_600);
/// Seconds by which the clock may differ from what has passed before nothing is concluded from it.
const JUMP: u64 = 600;
/// How often it is looked for changes to tell of.
const LOOK: Duration = Duration::from_secs(2);
/// Changes that are told of after a pause.
const BEHIND: u64 = 1_000;
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
            .with(move |tracker, _| match jumped {
                true => Ok(tracker.fail(
                    "clock",
                    "the clock jumped: no bug was ended by its silence",
                    time,
                )?),
                false => Ok(tracker.expire(time).map(drop)?),
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
    loop {
        tokio::time::sleep(LOOK).await;
        let news = app.with(|tracker, _| {
            let told = tracker.read().setting(TOLD)?;
            let mut recent = tracker.read().recent(BEHIND, false)?;
            let newest = recent.first().map_or(0, |(entry, _)| entry.id);
            // What was before the first start is no news.
            let told = told.and_then(|text| text.parse().ok()).unwrap_or(newest);
            recent.retain(|(entry, _)| entry.id > told);
            recent.reverse();
            Ok::<_, Trouble>((told, newest, recent))
        });
        let Ok((told, newest, news)) = news.await else { continue };
        let mut at = if news.is_empty() { newest } else { told };
        for (entry, bug) in &news {
            let body = change(&app, entry, bug).to_string();
            let mut failed = None;
            for address in &app.settings.webhook {
                if let Err(why) = post(address, &body).await {
                    failed = Some(format!("{address}: {why}"));
                }
            }
            if let Some(why) = failed {
                // Once: the change is tried again until it is told.
                if !failing {
                    report(&app, "webhook", why).await;
                }
                failing = true;
                break;
            }
            failing = false;
            at = entry.id;
        }
        if at != told || news.is_empty() {
            let _ = app.with(move |tracker, _| Ok(tracker.remember(TOLD, &at.to_string())?)).await;
        }
    }
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
