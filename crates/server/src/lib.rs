//! The record's pages and its interfaces over HTTP.
//!
//! Invariants: nothing is shown and nothing changed without the right to it (`access.rs` holds the table); whatever
//! comes from the network is bounded in size, number and time; what is written was in the record before it is answered.

mod access;
mod act;
mod app;
mod events;
mod interface;
mod manager;
mod metrics;
mod openapi;
mod pages;
mod routes;
mod settings;
mod syzbot;
mod texts;
mod trouble;
mod upkeep;
mod view;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use app_tracker::Tracker;

pub use access::{Right, Role, may};
pub use openapi::description;
pub use settings::{Client, MailSettings, Person, Proxy, Settings, SettingsError, Silence};
pub use view::view;

/// How often it is looked whether to stop.
const LOOK: Duration = Duration::from_millis(100);
/// How long open connections may take to end.
const PATIENCE: Duration = Duration::from_secs(3);

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

/// The hash of a token, as the settings hold it.
pub fn hash_of_token(token: &str) -> String {
    blake3::hash(token.as_bytes()).to_hex().to_string()
}

/// Opens the record once more: each thread that answers has a connection of its own.
pub type Open = Box<dyn Fn() -> Result<Tracker, app_tracker::Error> + Send + Sync>;

/// Serves the record until `stop` is set. `ready` is told the address that is listened on.
///
/// # Errors
/// When the address cannot be listened on or the record cannot be used.
pub fn serve(
    settings: Settings,
    open: Open,
    stop: &AtomicBool,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(32)
        .enable_io()
        .enable_time()
        .build()?;
    let listen = settings.listen.clone();
    let app = Arc::new(app::App::new(settings, open)?);
    let served = runtime.block_on(async {
        let failed = |source| ServeError::Listen { address: listen.clone(), source };
        let listener = tokio::net::TcpListener::bind(&listen).await.map_err(failed)?;
        ready(listener.local_addr()?);
        let upkeep = [
            tokio::spawn(events::watch(Arc::clone(&app))),
            tokio::spawn(upkeep::expire(Arc::clone(&app))),
            tokio::spawn(upkeep::tell(Arc::clone(&app))),
        ];
        let service =
            routes::router(Arc::clone(&app)).into_make_service_with_connect_info::<SocketAddr>();
        let server = IntoFuture::into_future(axum::serve(listener, service));
        let stopped = async {
            while !stop.load(Ordering::Relaxed) {
                tokio::time::sleep(LOOK).await;
            }
        };
        let ended = tokio::select! {
            ended = server => ended,
            () = stopped => Ok(()),
        };
        upkeep.iter().for_each(tokio::task::JoinHandle::abort);
        ended.map_err(ServeError::Run)
    });
    runtime.shutdown_timeout(PATIENCE);
    served
}
