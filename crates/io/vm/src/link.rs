//! The threads that read what comes from a machine. Each ends when its stream does, or when nobody
//! listens any more. The channel is bounded: a flooding guest waits, our memory does not grow.

use std::io::{self, BufRead as _, BufReader, Read};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use guest_protocol::{Decoder, FromGuest};

use crate::error::VmError;
use crate::process::Links;
use crate::qmp;
use crate::record::Records;

/// What a reading thread tells.
#[derive(Debug)]
pub(crate) enum Raw {
    /// The console said something; the bytes are in the records.
    Console,
    /// The agent said something other than output and signs of life.
    Agent(FromGuest),
    /// The link to the agent carries no frames any more.
    LinkLost(String),
    /// A line of the machine protocol.
    Qmp(qmp::Message),
    /// QEMU closed the machine protocol: it has ended or is about to.
    QemuClosed,
}

/// Messages on their way to the owner of the machine.
const QUEUE: usize = 256;

/// The longest line of the machine protocol, in bytes. QEMU's own answers are far shorter.
const LONGEST_LINE: u64 = 4 << 20;

/// Our ends that are written to.
pub(crate) struct Writers {
    pub(crate) console: std::os::unix::net::UnixStream,
    pub(crate) agent: std::os::unix::net::UnixStream,
    pub(crate) qmp: std::os::unix::net::UnixStream,
}

/// Starts the threads.
pub(crate) fn listen(
    links: Links,
    records: &Records,
) -> Result<(Writers, std::sync::mpsc::Receiver<Raw>), VmError> {
    let copy = |stream: &std::os::unix::net::UnixStream| {
        stream.try_clone().map_err(VmError::io("copy a socket"))
    };
    let writers = Writers {
        console: copy(&links.console)?,
        agent: copy(&links.agent)?,
        qmp: copy(&links.qmp)?,
    };
    let (sender, receiver) = sync_channel(QUEUE);
    let start = |name: &str, work: Box<dyn FnOnce() + Send>| {
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(work)
            .map(drop)
            .map_err(VmError::io("start a thread"))
    };
    let Links { console, agent, qmp, messages } = links;
    let (to, kept) = (sender.clone(), records.clone());
    start("console", Box::new(move || parse_console(console, &kept, &to)))?;
    let (to, kept) = (sender.clone(), records.clone());
    start("agent", Box::new(move || read_agent(agent, &kept, &to)))?;
    start("qmp", Box::new(move || read_qmp(qmp, &sender)))?;
    let kept = records.clone();
    start("messages", Box::new(move || read_messages(messages, &kept)))?;
    Ok((writers, receiver))
}

/// Calls `take` with each piece until the stream ends or `take` says stop.
fn each_piece(mut stream: impl Read, mut take: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => {
                if !take(&buffer[..length]) {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

fn parse_console(stream: impl Read, records: &Records, to: &SyncSender<Raw>) {
    each_piece(stream, |bytes| {
        records.push_console(bytes);
        to.send(Raw::Console).is_ok()
    });
}

fn read_messages(stream: impl Read, records: &Records) {
    each_piece(stream, |bytes| {
        records.push_qemu(bytes);
        true
    });
}

fn read_agent(stream: impl Read, records: &Records, to: &SyncSender<Raw>) {
    let mut decoder = Decoder::default();
    each_piece(stream, |bytes| {
        decoder.push(bytes);
        loop {
            let message = match decoder.next_frame() {
                Ok(None) => return true,
                Ok(Some((kind, payload))) => FromGuest::decode(kind, payload),
                Err(error) => Err(error),
            };
            let sent = match message {
                Ok(FromGuest::Alive { .. }) => {
                    records.sign_of_life();
                    true
                }
                Ok(FromGuest::Output { stream, bytes, .. }) => {
                    records.sign_of_life();
                    records.push_output(stream, &bytes);
                    true
                }
                Ok(message) => {
                    records.sign_of_life();
                    to.send(Raw::Agent(message)).is_ok()
                }
                Err(error) => {
                    let _ = to.send(Raw::LinkLost(format!("the guest wrote {error}")));
                    false
                }
            };
            if !sent {
                return false;
            }
        }
    });
}

fn read_qmp(stream: impl Read, to: &SyncSender<Raw>) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(length) if length > 0 => {
                if let Some(message) = qmp::parse(&line)
                    && to.send(Raw::Qmp(message)).is_err()
                {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => {
                let _ = to.send(Raw::QemuClosed);
                return;
            }
        }
    }
}
