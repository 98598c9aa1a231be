//! What all requests share.

use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use app_tracker::Tracker;
use tokio::sync::{Notify, Semaphore, broadcast};

use crate::mcp::Mcp;
use crate::news::News;
use crate::opening::{Open, ServeError};
use crate::settings::Settings;
use crate::trouble::Trouble;

/// Requests that use the record at once.
const AT_ONCE: usize = 16;
/// Requests that are under way at once, with those that wait.
pub(crate) const UNDER_WAY: usize = 256;
/// Streams of news that are open at once.
const STREAMS: usize = 200;
/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);
/// Diagnoses that are remembered.
const REMEMBERED: usize = 256;
/// News that wait for a slow reader.
const NEWS: usize = 64;

/// What all requests share.
pub(crate) struct App {
    pub(crate) settings: Settings,
    /// Answers programs.
    pub(crate) mcp: Mcp,
    /// Signs cookies and forms.
    pub(crate) secret: [u8; 32],
    open: Open,
    idle: Mutex<Vec<Tracker>>,
    turns: Semaphore,
    pub(crate) under_way: Semaphore,
    pub(crate) streams: Semaphore,
    pub(crate) news: broadcast::Sender<News>,
    /// Told when this program did something to the record of which there is news.
    pub(crate) done: Notify,
    pub(crate) started: i64,
    pub(crate) requests: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) ingested: AtomicU64,
    /// Diagnoses by crash, the newest last.
    diagnoses: Mutex<VecDeque<(i64, Arc<str>)>>,
}

impl App {
    pub(crate) fn new(settings: Settings, open: Open, mcp: Mcp) -> Result<Self, ServeError> {
        let tracker = open()?;
        let secret = tracker.secret("server")?;
        Ok(Self {
            settings,
            mcp,
            secret: *blake3::hash(secret.as_bytes()).as_bytes(),
            open,
            idle: Mutex::new(vec![tracker]),
            turns: Semaphore::new(AT_ONCE),
            under_way: Semaphore::new(UNDER_WAY),
            streams: Semaphore::new(STREAMS),
            news: broadcast::Sender::new(NEWS),
            done: Notify::new(),
            started: now(),
            requests: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            ingested: AtomicU64::new(0),
            diagnoses: Mutex::new(VecDeque::new()),
        })
    }

    /// Runs something with the record, on a thread that may wait.
    pub(crate) async fn with<T: Send + 'static>(
        self: &Arc<Self>,
        run: impl FnOnce(&Tracker, &Self) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        let turn = tokio::time::timeout(PATIENCE, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(Trouble::busy()) };
        let app = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let idle = app.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let tracker = match idle {
                Some(tracker) => tracker,
                None => (app.open)()?,
            };
            let result = run(&tracker, &app);
            app.idle.lock().unwrap_or_else(PoisonError::into_inner).push(tracker);
            result
        });
        done.await.unwrap_or_else(|_| Err(Trouble::busy()))
    }

    /// The diagnosis of a crash's log, made once. `make` gives `None` where there is no log.
    pub(crate) fn diagnosis(
        &self,
        crash: i64,
        make: impl FnOnce() -> Result<Option<String>, Trouble>,
    ) -> Result<Option<Arc<str>>, Trouble> {
        let lock = || self.diagnoses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, text)) = lock().iter().find(|(known, _)| *known == crash) {
            return Ok(Some(Arc::clone(text)));
        }
        let Some(text) = make()? else { return Ok(None) };
        let text: Arc<str> = text.into();
        let mut known = lock();
        if known.len() >= REMEMBERED {
            known.pop_front();
        }
        known.push_back((crash, Arc::clone(&text)));
        Ok(Some(text))
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}
