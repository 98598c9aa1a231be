//! The transport of the managers' protocol: a form with `client`, `key`, `method` and a compressed `payload`.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use app_tracker::{Call, CallError, Host};
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;

use crate::access::is_token;
use crate::app::{App, now};
use crate::settings::Client;
use crate::trouble::Trouble;

/// Bytes of a request.
pub(crate) const LARGEST: usize = 32 << 20;
/// Bytes of an unpacked payload.
const UNPACKED: u64 = 128 << 20;
/// Bytes that are read before the key is known.
const BEFORE_KEY: usize = 64 << 10;
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

    /// Reads a form as browsers send it.
    fn read(&mut self, body: &[u8]) {
        for pair in body.split(|byte| *byte == b'&').take(20) {
            let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let name = String::from_utf8_lossy(&pair[..end]).into_owned();
            self.set(&name, &crate::pages::decoded(pair.get(end + 1..).unwrap_or_default()));
        }
    }

    /// The client that sent it, as far as it was read.
    fn sender<'a>(&self, app: &'a App) -> Option<&'a Client> {
        let known = app.settings.client.iter().find(|one| one.name == self.client);
        known.filter(|one| is_token(&self.key, &one.key_blake3))
    }
}

fn refused(status: StatusCode, text: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{text}\n"))
        .into_response()
}

/// Why a call is not read to its end.
enum Unread {
    /// Its shape is wrong.
    Shape(String),
    /// Nobody known sent it, or something too long came before the key.
    Stranger,
}

pub(crate) async fn call(State(app): State<Arc<App>>, request: Request) -> Response {
    let fields = match fields(&app, request).await {
        Ok(fields) => fields,
        Err(Unread::Shape(text)) => return refused(StatusCode::BAD_REQUEST, &text),
        Err(Unread::Stranger) => {
            return refused(StatusCode::FORBIDDEN, "unknown client or wrong key");
        }
    };
    if fields.client.is_empty() {
        return refused(StatusCode::BAD_REQUEST, "client is missing");
    }
    // The same answer for a client that is not known and for a wrong key.
    let Some(client) = fields.sender(&app) else {
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

/// The fields of a call. What is long is read only after the key was, so that nobody else can make the service hold it.
async fn fields(app: &App, request: Request) -> Result<Fields, Unread> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut fields = Fields::default();
    if kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
        let mut parts = Multipart::from_request(request, &())
            .await
            .map_err(|error| Unread::Shape(error.body_text()))?;
        let shape = |error: MultipartError| Unread::Shape(error.body_text());
        while let Some(mut part) = parts.next_field().await.map_err(shape)? {
            let name = part.name().unwrap_or("").to_owned();
            let known = fields.sender(app).is_some();
            let most = if name == "payload" && known { LARGEST } else { BEFORE_KEY };
            let mut value = Vec::new();
            while let Some(piece) = part.chunk().await.map_err(shape)? {
                if value.len() + piece.len() > most {
                    return Err(Unread::Stranger);
                }
                value.extend_from_slice(&piece);
            }
            fields.set(&name, &value);
        }
        return Ok(fields);
    }
    let mut body = request.into_body().into_data_stream();
    let mut held = Vec::new();
    let mut is_known = false;
    while let Some(piece) = body.next().await {
        held.extend_from_slice(&piece.map_err(|error| Unread::Shape(error.to_string()))?);
        if held.len() > BEFORE_KEY && !is_known {
            let mut first = Fields::default();
            first.read(&held[..BEFORE_KEY]);
            is_known = first.sender(app).is_some();
        }
        if held.len() > if is_known { LARGEST } else { BEFORE_KEY } {
            return Err(Unread::Stranger);
        }
    }
    fields.read(&held);
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
