//! The service from its start to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::app::App;
use crate::mcp::Mcp;
use crate::opening::{Open, ServeError};
use crate::settings::Settings;
use crate::{events, routes, upkeep};

/// How often it is looked whether to stop.
const LOOK: Duration = Duration::from_millis(100);
/// How long open connections may take to end.
const PATIENCE: Duration = Duration::from_secs(3);

/// Serves the record until `stop` is set. `mcp` answers programs under `/mcp`; `ready` is told the address that is
/// listened on.
///
/// # Errors
/// When the address cannot be listened on or the record cannot be used.
pub fn serve(
    settings: Settings,
    open: Open,
    mcp: Mcp,
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
    let app = Arc::new(App::new(settings, open, mcp)?);
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
