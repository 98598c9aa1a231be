//! One transaction with the errors of this crate.

use model::tracker::{Change, RecordError};

use crate::{Error, Tracker};

impl Tracker {
    /// Runs a change; what it wrote is kept when it succeeds, nothing of it otherwise.
    pub(crate) fn change<T>(
        &self,
        mut run: impl FnMut(&dyn Change) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut outcome = None;
        let written = self.record.change(&mut |change| match run(change) {
            Ok(value) => {
                outcome = Some(Ok(value));
                Ok(())
            }
            Err(Error::Record(error)) => Err(error),
            Err(error) => {
                outcome = Some(Err(error));
                Err(RecordError::Abandoned)
            }
        });
        match (written, outcome) {
            (Ok(()), Some(outcome)) | (Err(RecordError::Abandoned), Some(outcome @ Err(_))) => {
                outcome
            }
            (Err(error), _) => Err(error.into()),
            (Ok(()), None) => Err(RecordError::Abandoned.into()),
        }
    }
}
