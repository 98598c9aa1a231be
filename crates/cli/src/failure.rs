//! What ends a command early, and the exit status it has. The one place that chooses exit codes.

use std::io;
use std::process::ExitCode;

/// Exit status of wrong use and of unreadable input.
const USAGE: u8 = 2;
/// Exit status when kernels could not be built, booted or run.
const LAB: u8 = 3;
/// Exit status when the thing asked about was so, under `--exit-code`.
pub(crate) const FOUND: u8 = 1;

/// An error with what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    error: anyhow::Error,
    hint: Option<String>,
    status: u8,
}

impl Failure {
    /// Wrong use or unreadable input.
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { error: error.into(), hint: None, status: USAGE }
    }

    /// What was to be tried could not be tried, such as a kernel that does not build.
    pub(crate) fn lab(error: impl Into<anyhow::Error>) -> Self {
        Self { error: error.into(), hint: None, status: LAB }
    }

    /// The exit status when the lab got nowhere and has said so already.
    pub(crate) fn lab_status() -> ExitCode {
        ExitCode::from(LAB)
    }

    /// Adds what the user should do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Prints the whole chain of causes and the hint to standard error. A reader that closed the
    /// pipe is no error: the command ends quietly.
    pub(crate) fn report(self) -> ExitCode {
        if is_closed_pipe(&self.error) {
            return ExitCode::SUCCESS;
        }
        crate::output::message(&format!("error: {:#}", self.error));
        if let Some(hint) = self.hint {
            crate::output::message(&format!("hint: {hint}"));
        }
        ExitCode::from(self.status)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::usage(error)
    }
}

impl From<app_bisect::Failure> for Failure {
    fn from(failure: app_bisect::Failure) -> Self {
        let status = match failure.kind {
            app_bisect::FailureKind::Usage => USAGE,
            app_bisect::FailureKind::Lab => LAB,
        };
        let hint = failure.hint.clone();
        Self { error: failure.into(), hint, status }
    }
}

impl From<app_try::Failure> for Failure {
    fn from(failure: app_try::Failure) -> Self {
        let status = match failure.kind {
            app_try::FailureKind::Usage => USAGE,
            app_try::FailureKind::Lab => LAB,
            app_try::FailureKind::Stopped => crate::stop::INTERRUPTED,
        };
        let hint = failure.hint.clone();
        Self { error: failure.into(), hint, status }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    })
}
