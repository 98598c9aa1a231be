//! A socket that takes many datagrams without losing them: the kernel holds back as much as it allows, and a thread of
//! its own does nothing but take them.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

/// Bytes that the kernel is asked to hold back.
const BUFFER: usize = 64 << 20;
/// Datagrams that wait to be read, in batches.
const BATCHES: usize = 4_096;
/// Datagrams of one batch.
const BATCH: usize = 128;
/// Datagrams that are kept back when nobody takes batches: five seconds at 100,000 a second.
const HELD: usize = 500_000;
/// Bytes of a datagram.
const LONGEST: usize = 64 << 10;
/// How often the thread looks whether to end.
const LOOK: Duration = Duration::from_millis(100);

/// Datagrams with their senders.
pub type Batch = Vec<(IpAddr, Box<[u8]>)>;

/// The socket could not be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct ListenError {
    address: String,
    source: io::Error,
}

/// Datagrams that come in.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    batches: Receiver<Batch>,
    dropped: Arc<AtomicU64>,
    end: Arc<AtomicBool>,
}

impl Listener {
    /// Listens on an address.
    ///
    /// # Errors
    /// When that cannot be.
    pub fn bind(address: &str) -> Result<Self, ListenError> {
        let failed = |source| ListenError { address: address.to_owned(), source };
        let socket = UdpSocket::bind(address).map_err(failed)?;
        // More than the system allows is cut to that, unless one is root.
        if rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, BUFFER).is_err() {
            let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&socket, BUFFER);
        }
        socket.set_read_timeout(Some(LOOK)).map_err(failed)?;
        let own = socket.local_addr().map_err(failed)?;
        let (sender, batches) = sync_channel(BATCHES);
        let (dropped, end) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, ends) = (Arc::clone(&dropped), Arc::clone(&end));
        std::thread::Builder::new()
            .name("udp".into())
            .spawn(move || take(&socket, &sender, &counted, &ends))
            .map_err(failed)?;
        Ok(Self { address: own, batches, dropped, end })
    }

    /// The address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next datagrams; `None` when none came in that time.
    pub fn next(&self, patience: Duration) -> Option<Batch> {
        self.batches.recv_timeout(patience).ok()
    }

    /// Datagrams that were dropped because nobody took them in time.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
    }
}

fn take(socket: &UdpSocket, sender: &SyncSender<Batch>, dropped: &AtomicU64, end: &AtomicBool) {
    let mut buffer = vec![0; LONGEST];
    let mut batch: Batch = Vec::with_capacity(BATCH);
    let send = |batch: &mut Batch| {
        if batch.is_empty() {
            return true;
        }
        let full = std::mem::replace(batch, Vec::with_capacity(BATCH));
        match sender.try_send(full) {
            Ok(()) => true,
            // Whoever takes them is late: they are kept here and go out as one batch, until they are too many.
            Err(TrySendError::Full(kept)) if kept.len() < HELD => {
                *batch = kept;
                true
            }
            Err(TrySendError::Full(lost)) => {
                dropped.fetch_add(lost.len() as u64, Ordering::Relaxed);
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    };
    while !end.load(Ordering::Relaxed) {
        // Waits for the first one, then takes what is there.
        let received = socket.recv_from(&mut buffer);
        match received {
            Ok((length, sender)) => batch.push((sender.ip(), buffer[..length].into())),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                if !send(&mut batch) {
                    return;
                }
                continue;
            }
            // A host that refused an answer, for instance: the socket goes on.
            Err(_) => continue,
        }
        let _ = socket.set_nonblocking(true);
        let enough = batch.len() + BATCH;
        while batch.len() < enough {
            match socket.recv_from(&mut buffer) {
                Ok((length, sender)) => batch.push((sender.ip(), buffer[..length].into())),
                Err(_) => break,
            }
        }
        let _ = socket.set_nonblocking(false);
        if !send(&mut batch) {
            return;
        }
    }
}
