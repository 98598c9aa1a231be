//! How the record is opened, and why it cannot be served.

use app_tracker::Tracker;

/// What ends a service.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The service cannot go on.
    #[error("the service ended: {0}")]
    Run(#[from] std::io::Error),
    /// The record cannot be used.
    #[error(transparent)]
    Record(#[from] app_tracker::Error),
}

/// Opens the record once more: each thread that answers has a connection of its own.
pub type Open = Box<dyn Fn() -> Result<Tracker, app_tracker::Error> + Send + Sync>;
