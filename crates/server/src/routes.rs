//! Which address is answered by what, and what all answers have.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::app::App;
use crate::trouble::Trouble;
use crate::{act, events, interface, manager, mcp, metrics, openapi, pages, syzbot, texts};

/// Bytes of a form.
const FORM: usize = 64 << 10;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Nothing but our own style and script, and nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Everything that is answered.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(pages::overview))
        .route("/bugs", get(pages::bugs))
        .route("/bug", get(syzbot::bug))
        .route("/bug/{name}", get(pages::bug).post(act::bug))
        .route("/crash/{id}/log", get(pages::crash_log))
        .route("/text/{name}", get(texts::text))
        .route("/managers", get(pages::managers))
        .route("/jobs", get(pages::jobs))
        .route("/health", get(pages::health))
        .route("/healthz", get(pages::alive))
        .route("/login", get(act::login_page).post(act::login))
        .route("/logout", post(act::logout))
        .route("/style.css", get(texts::style))
        .route("/live.js", get(texts::live))
        .route("/robots.txt", get(texts::robots))
        .route("/metrics", get(metrics::metrics))
        .route("/api", post(manager::call).layer(DefaultBodyLimit::max(manager::LARGEST)))
        .route("//api", post(manager::call).layer(DefaultBodyLimit::max(manager::LARGEST)))
        .route("/api/v1/bugs", get(interface::bugs))
        .route("/api/v1/bugs/{name}", get(interface::bug))
        .route("/api/v1/bugs/{name}/actions", post(interface::act))
        .route(
            "/api/v1/bugs/{name}/jobs",
            post(interface::ask).layer(DefaultBodyLimit::max(manager::LARGEST)),
        )
        .route(
            "/api/v1/logs",
            post(interface::add).layer(DefaultBodyLimit::max(app_tracker::LONGEST_LOG)),
        )
        .route("/api/v1/openapi.json", get(openapi::answer))
        .route(
            "/mcp",
            post(mcp::message).get(mcp::no_stream).layer(DefaultBodyLimit::max(mcp::LONGEST)),
        )
        .route("/events", get(events::stream))
        .route("/events/", get(events::stream))
        .route("/events/{*path}", get(events::stream))
        .route("/{*path}", get(syzbot::list))
        .fallback(pages::absent)
        .layer(DefaultBodyLimit::max(FORM))
        .layer(from_fn_with_state(Arc::clone(&app), around))
        .with_state(app)
}

/// What every answer has, and the bounds of every request.
async fn around(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    app.requests.fetch_add(1, Ordering::Relaxed);
    let mut response = match app.under_way.try_acquire() {
        Err(_) => Trouble::busy().json(),
        Ok(_place) => match tokio::time::timeout(PATIENCE, next.run(request)).await {
            Ok(response) => response,
            Err(_) => (StatusCode::GATEWAY_TIMEOUT, "the answer took too long\n").into_response(),
        },
    };
    if response.status().is_server_error() {
        app.failed.fetch_add(1, Ordering::Relaxed);
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache, private"));
    response
}
