//! Why a request has no other answer.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::tracker::RecordError;
use render::tracker::page::{self, Visitor};

/// Why a request has no other answer.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

impl Trouble {
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    /// There is none, or none that the asker may know of.
    pub(crate) fn absent() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is no such page, or you may not see it.")
    }

    /// Not allowed.
    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "You may not do that. Are you logged in?")
    }

    /// Too much at once.
    pub(crate) fn busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Too much is going on; try again in a moment.")
    }

    /// As a page.
    pub(crate) fn page(&self, visitor: &Visitor) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Trouble");
        (self.status, axum::response::Html(page::error(visitor, title, &self.text))).into_response()
    }

    /// As JSON.
    pub(crate) fn json(&self) -> Response {
        let text = serde_json::json!({ "error": self.text }).to_string();
        let kind = [(axum::http::header::CONTENT_TYPE, "application/json")];
        (self.status, kind, text).into_response()
    }
}

impl From<app_tracker::Error> for Trouble {
    fn from(error: app_tracker::Error) -> Self {
        use app_tracker::Error;
        let status = match &error {
            Error::NoBug(_) | Error::NoTitle { .. } => StatusCode::NOT_FOUND,
            Error::Refused { .. } | Error::NoUndo(_) | Error::Ambiguous { .. } => {
                StatusCode::CONFLICT
            }
            Error::Shows(_) => StatusCode::FORBIDDEN,
            Error::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Error::Text(_) => StatusCode::BAD_REQUEST,
            Error::Record(RecordError::Full(_)) => StatusCode::INSUFFICIENT_STORAGE,
            Error::Record(RecordError::Busy(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Error::Record(_) | Error::Chance(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        // The path of the record is nobody's business.
        let text = match &error {
            Error::Record(RecordError::Full(_)) => "The disk of the service is full.".to_owned(),
            Error::Record(_) => "The record cannot be used just now.".to_owned(),
            error => error.to_string(),
        };
        Self { status, text }
    }
}

impl From<RecordError> for Trouble {
    fn from(error: RecordError) -> Self {
        app_tracker::Error::from(error).into()
    }
}
