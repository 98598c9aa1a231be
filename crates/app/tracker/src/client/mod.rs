//! The protocol of syz-manager and syz-ci: one call is a method with one JSON value, and so is its reply.
//!
//! Invariants: a call that is repeated because its reply was lost changes nothing again; a call of a client that never
//! uploaded a build works (its build is invented); what a client says is bounded.

mod builds;
mod bytes;
mod crashes;
mod jobs;
mod shapes;

pub use self::jobs::NewJob;

use model::tracker::Change;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::{Error, Tracker};

/// Seconds within which the very same call is the same delivery: clients try four times, a second apart, and a
/// manager reports no crash twice in less than five.
const REPEATED: i64 = 4;
/// Depth of a call's JSON that is looked at.
const DEPTH: usize = 16;

/// What the service is called, for replies.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// The name of the record.
    pub name: String,
    /// The address that mails come from; empty where none are sent.
    pub mail: String,
}

/// Why a call was refused. The text is what the client is told.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There is no such method.
    #[error("unknown method `{0}`")]
    Method(String),
    /// The call cannot be read.
    #[error("cannot read the call: {0}")]
    Shape(String),
    /// Something that must be there is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Nothing has that name.
    #[error("unknown {0}")]
    Unknown(&'static str),
    /// The record could not do it.
    #[error(transparent)]
    Record(#[from] Error),
}

impl From<model::tracker::RecordError> for CallError {
    fn from(error: model::tracker::RecordError) -> Self {
        Self::Record(error.into())
    }
}

/// A call.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Who calls.
    pub client: &'a str,
    /// The method.
    pub method: &'a str,
    /// Its JSON; empty where the method has none.
    pub payload: &'a [u8],
    /// When, in seconds since 1970.
    pub now: i64,
}

impl Call<'_> {
    /// What tells this call from others.
    fn key(&self) -> String {
        let hash = blake3::hash(self.payload).to_hex();
        format!("call:{}:{}:{}", self.client, self.method, &hash[..32])
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        let shape = |error: serde_json::Error| CallError::Shape(error.to_string());
        if self.payload.is_empty() {
            return serde_json::from_value(Value::Object(Map::new())).map_err(shape);
        }
        let value: Value = serde_json::from_slice(self.payload).map_err(shape)?;
        serde_json::from_value(plain(value, DEPTH)).map_err(shape)
    }
}

/// A value as Go reads it: names of fields in any case, `null` for whatever is empty.
fn plain(value: Value, depth: usize) -> Value {
    match value {
        Value::Object(fields) if depth > 0 => Value::Object(
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| {
                    let name = name.to_ascii_lowercase();
                    // Below this one the names are data.
                    let value = match (&*name, value) {
                        ("managers", Value::Object(managers)) => Value::Object(
                            managers
                                .into_iter()
                                .map(|(name, value)| (name, plain(value, depth - 1)))
                                .collect(),
                        ),
                        (_, value) => plain(value, depth - 1),
                    };
                    (name, value)
                })
                .collect(),
        ),
        Value::Array(items) if depth > 0 => {
            Value::Array(items.into_iter().map(|item| plain(item, depth - 1)).collect())
        }
        value => value,
    }
}

impl Tracker {
    /// Answers a call of a client.
    ///
    /// # Errors
    /// When the call is refused; nothing was changed then.
    pub fn call(&self, call: Call<'_>, host: &Host) -> Result<Value, CallError> {
        match call.method {
            "upload_build" => self.upload_build(call),
            "builder_poll" => self.builder_poll(call, host),
            "report_build_error" => self.once(call, || self.report_build_error(call)),
            "report_crash" => self.once(call, || self.report_crash(call)),
            "need_repro" => self.need_repro(call),
            "report_failed_repro" => self.once(call, || self.report_failed_repro(call)),
            "log_to_repro" => self.log_to_repro(call),
            "repro_task_done" | "add_build_assets" | "update_report" => Ok(Value::Null),
            "manager_stats" => self.once(call, || self.manager_stats(call)),
            "commit_poll" => self.commit_poll(host),
            "upload_commits" => self.upload_commits(call),
            "client_info" => Ok(json!({ "Namespace": host.name })),
            "bug_list" => self.bug_list(),
            "load_bug" => self.load_bug(call),
            "job_poll" => self.job_poll(call),
            "job_done" => self.job_done(call),
            "job_reset" => self.job_reset(call),
            "needed_assets" => Ok(json!({ "DownloadURLs": [] })),
            "save_discussion" => self.save_discussion(call),
            "log_error" => self.log_error(call),
            // Whoever reports elsewhere finds nothing to report: reports go out by mail.
            "reporting_poll_bugs" => Ok(json!({ "Reports": null })),
            "reporting_poll_notifs" => Ok(json!({ "Notifications": null })),
            "reporting_poll_closed" => Ok(json!({ "IDs": null })),
            "save_coverage" => Ok(Value::Null),
            other => Err(CallError::Method(other.chars().take(100).collect())),
        }
    }

    /// Answers a repeated call as it was answered before.
    fn once(
        &self,
        call: Call<'_>,
        run: impl FnOnce() -> Result<Value, CallError>,
    ) -> Result<Value, CallError> {
        let key = call.key();
        if let Some((time, answer)) = self.read().handled(&key)?
            && (call.now - REPEATED..=call.now + REPEATED).contains(&time)
        {
            return Ok(serde_json::from_str(&answer).unwrap_or(Value::Null));
        }
        run()
    }

    /// Remembers an answer, within the change that the call made.
    fn answered(
        change: &dyn Change,
        call: Call<'_>,
        answer: &Value,
    ) -> Result<(), model::tracker::RecordError> {
        change.forget_handled("call:", call.now - 60)?;
        change.set_handled(&call.key(), call.now, &answer.to_string())
    }
}
