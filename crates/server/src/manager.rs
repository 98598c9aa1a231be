//! The transport of the managers' protocol: a form with `client`, `key`, `method` and a compressed `payload`.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use app_tracker::{Call, CallError, Host};
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::access::is_token;
use crate::app::{App, now};
use crate::trouble::Trouble;

/// Bytes of a request.
pub(crate) const LARGEST: usize = 32 << 20;
/// Bytes of an unpacked payload.
const UNPACKED: u64 = 128 << 20;
/// Bytes of a plain field.
const FIELD: usize = 1024;

/// The fields of a call.
#[derive(Default)]
struct Fields {
    client: String,
    key: String,
    method: String,
    payload: Vec<u8>,
}

impl Fields {
    fn set(&mut self, name: &str, value: &[u8]) {
        let field = match name {
            "client" => &mut self.client,
            "key" => &mut self.key,
            "method" => &mut self.method,
            "payload" => {
                self.payload = value.to_vec();
                return;
            }
            _ => return,
        };
        *field = String::from_utf8_lossy(&value[..value.len().min(FIELD)]).into_owned();
    }
}

fn refused(status: StatusCode, text: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{text}\n"))
        .into_response()
}

pub(crate) async fn call(State(app): State<Arc<App>>, request: Request) -> Response {
    let fields = match fields(request).await {
        Ok(fields) => fields,
        Err(text) => return refused(StatusCode::BAD_REQUEST, &text),
    };
    if fields.client.is_empty() {
        return refused(StatusCode::BAD_REQUEST, "client is missing");
    }
    let known = app.settings.client.iter().find(|one| one.name == fields.client);
    // The same answer for a client that is not known and for a wrong key.
    let Some(client) = known.filter(|one| is_token(&fields.key, &one.key_blake3)) else {
        return refused(StatusCode::FORBIDDEN, "unknown client or wrong key");
    };
    if !client.methods.is_empty() && !client.methods.contains(&fields.method) {
        return refused(StatusCode::FORBIDDEN, "the client may not call this method");
    }
    let host = Host {
        name: app.settings.name.clone(),
        mail: app.settings.mail.as_ref().map(|mail| mail.from.clone()).unwrap_or_default(),
    };
    let done = app
        .with(move |tracker, app| {
            let payload = unpacked(&fields.payload).ok_or_else(|| {
                Trouble::new(StatusCode::BAD_REQUEST, "the payload cannot be unpacked")
            })?;
            let call = Call {
                client: &fields.client,
                method: &fields.method,
                payload: &payload,
                now: now(),
            };
            if fields.method == "report_crash" {
                app.ingested.fetch_add(1, Ordering::Relaxed);
            }
            tracker.call(call, &host).map_err(|error| match error {
                CallError::Record(error) => error.into(),
                error => Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
            })
        })
        .await;
    match done {
        Ok(value) => {
            ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
        }
        // A method that is refused is no failure of the service, but clients look at the status only.
        Err(trouble) => refused(trouble.status, &trouble.text),
    }
}

async fn fields(request: Request) -> Result<Fields, String> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut fields = Fields::default();
    if kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
        let mut parts =
            Multipart::from_request(request, &()).await.map_err(|error| error.body_text())?;
        while let Some(part) = parts.next_field().await.map_err(|error| error.body_text())? {
            let name = part.name().unwrap_or("").to_owned();
            let bytes = part.bytes().await.map_err(|error| error.body_text())?;
            fields.set(&name, &bytes);
        }
    } else {
        let body = Bytes::from_request(request, &()).await.map_err(|error| error.body_text())?;
        for pair in body.split(|byte| *byte == b'&').take(20) {
            let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let name = String::from_utf8_lossy(&pair[..end]).into_owned();
            fields.set(&name, &crate::pages::decoded(pair.get(end + 1..).unwrap_or_default()));
        }
    }
    Ok(fields)
}

/// A payload without its compression, of bounded size.
fn unpacked(payload: &[u8]) -> Option<Vec<u8>> {
    if !payload.starts_with(&[0x1f, 0x8b]) {
        return Some(payload.to_vec());
    }
    let mut out = Vec::new();
    let read = flate2::read::MultiGzDecoder::new(payload).take(UNPACKED + 1).read_to_end(&mut out);
    (read.is_ok() && out.len() as u64 <= UNPACKED).then_some(out)
}
