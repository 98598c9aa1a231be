//! `ktriage watch`: crashes of consoles that go on.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use app_tracker::{Error, Told, Tracker, Watch};
use io_udp::Listener;
use model::tracker::RecordError;
use parse_netconsole::Assembler;

use super::{State, failure, now};
use crate::failure::Failure;
use crate::output::{Escaped, message};

/// Bytes that are read of a file at once.
const PIECE: usize = 1 << 20;
/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Seconds after which messages that were held back are given.
const HELD: u64 = 2;
/// How long a record that could not be written is left alone.
const AGAIN: Duration = Duration::from_secs(5);
/// Hosts that netconsole is taken from.
const HOSTS: usize = 10_000;

/// Watch consoles and take their crashes into the record as they come.
///
/// A host that sends netconsole is known by its address. Messages of extended netconsole are put in order, fragments
/// joined, and what was lost is shown in the log where it was.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    ktriage watch --udp 0.0.0.0:6666      netconsole of a fleet\n  \
    ktriage watch --file /var/log/console/*.log    serial consoles in files that grow and rotate\n  \
    journalctl -kf -o short-monotonic | ktriage watch --machine $(hostname) -\n  \
    ktriage watch --folder /sys/fs/pstore --once   what the last boot left")]
pub(crate) struct Arguments {
    /// `-`: standard input.
    #[arg(value_name = "-")]
    standard: Option<PathBuf>,
    /// Take netconsole on this address.
    #[arg(long, value_name = "ADDRESS:PORT")]
    udp: Option<String>,
    /// Follow a file that grows, also when it is rotated. From its end on, unless --from-start.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    file: Vec<PathBuf>,
    /// Read files from their starts.
    #[arg(long)]
    from_start: bool,
    /// Take in whole files that come into a folder.
    #[arg(long, value_name = "DIR")]
    folder: Vec<PathBuf>,
    /// Look once and end.
    #[arg(long)]
    once: bool,
    /// The machine that standard input and folders are from.
    #[arg(long, value_name = "NAME", default_value = "")]
    machine: String,
    /// Tell of a console that is silent for so many seconds; 0 tells of none.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    silence: i64,
    #[command(flatten)]
    state: State,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let standard = arguments.standard.is_some();
    if !standard
        && arguments.udp.is_none()
        && arguments.file.is_empty()
        && arguments.folder.is_empty()
    {
        return Err(Failure::usage(anyhow::anyhow!("nothing is to be watched"))
            .hint("name something with --udp, --file, --folder or -"));
    }
    if arguments.standard.as_ref().is_some_and(|path| path.as_os_str() != "-") {
        return Err(Failure::usage(anyhow::anyhow!("only `-` may stand alone"))
            .hint("name a file that grows with --file, a whole log with `ktriage add`"));
    }
    let tracker = arguments.state.open()?;
    let stop = crate::stop::flag()?;
    let mut net = arguments.udp.as_deref().map(Net::bind).transpose()?;
    let mut files: Vec<Follow> = arguments
        .file
        .iter()
        .map(|path| Follow::new(path, arguments.from_start || arguments.once))
        .collect();
    let mut folders: Vec<Folder> = arguments.folder.iter().map(|path| Folder::new(path)).collect();
    let mut input = standard.then(read_standard);
    let mut watch = Watch::new("watch", arguments.silence);
    let machine = if arguments.machine.is_empty() { "console" } else { &arguments.machine };
    let mut trouble = Trouble::default();
    let mut ended = false;
    while !ended {
        ended = stop.load(Ordering::Relaxed) || arguments.once;
        let busy = match &mut net {
            Some(net) => net.take(&mut watch, LOOK, ended),
            None => false,
        };
        for file in &mut files {
            let name = file_name(&file.path);
            file.read(|text| watch.push(&name, text, now()));
        }
        if let Some(pieces) = &input {
            loop {
                match pieces.try_recv() {
                    Ok(piece) => watch.push(machine, &piece, now()),
                    Err(TryRecvError::Empty) if !arguments.once => break,
                    Err(TryRecvError::Empty) => std::thread::sleep(LOOK / 10),
                    Err(TryRecvError::Disconnected) => {
                        input = None;
                        ended |= net.is_none() && files.is_empty() && folders.is_empty();
                        break;
                    }
                }
            }
        }
        if ended || !trouble.waits() {
            let mut written = Ok(());
            for folder in &mut folders {
                if written.is_ok() {
                    written = folder.take(&tracker, machine, arguments.once)?;
                }
            }
            if written.is_ok() {
                let mut told = Vec::new();
                written = watch.look(&tracker, now(), ended, &mut told);
                tell(&told)?;
            }
            trouble.after(written, ended)?;
        }
        if net.is_none() && !busy && !ended {
            std::thread::sleep(LOOK);
        }
    }
    if let Some(net) = &net {
        net.sum();
    }
    if watch.refused() > 0 {
        message(&format!("{} pieces of text of too many consoles were dropped", watch.refused()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether the record can be written just now.
#[derive(Default)]
struct Trouble {
    /// When it last could not.
    failed: Option<Instant>,
}

impl Trouble {
    /// Whether it is too early to try again.
    fn waits(&self) -> bool {
        self.failed.is_some_and(|at| at.elapsed() < AGAIN)
    }

    /// A record that is full or busy for a while ends no watch: what was not taken is kept and tried again. That is
    /// said once.
    fn after(&mut self, written: Result<(), Error>, ended: bool) -> Result<(), Failure> {
        match written {
            Ok(()) => {
                if self.failed.take().is_some() {
                    message("the record can be written again");
                }
            }
            Err(error @ Error::Record(RecordError::Full(_) | RecordError::Busy(_))) if !ended => {
                if self.failed.replace(Instant::now()).is_none() {
                    message(&format!("{error}; the consoles are kept until it can be written"));
                }
            }
            Err(error) => return Err(failure(error)),
        }
        Ok(())
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn tell(told: &[Told]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    for one in told {
        match one {
            Told::Crash { console, title, filed } => {
                let what = match (filed.is_new, filed.is_repeat) {
                    (_, true) => "known",
                    (true, _) => "new",
                    (false, _) => "again",
                };
                writeln!(
                    out,
                    "{}: bug {} ({what}): {}",
                    Escaped(console),
                    filed.bug,
                    Escaped(title)
                )?;
            }
            Told::Silent { console, seconds } => {
                writeln!(out, "{}: silent for {seconds} seconds", Escaped(console))?;
            }
            Told::Back { console } => writeln!(out, "{}: heard of again", Escaped(console))?,
        }
    }
    Ok(out.flush()?)
}

/// Hosts that send netconsole.
struct Net {
    listener: Listener,
    hosts: BTreeMap<IpAddr, (Assembler, Instant)>,
    refused: u64,
}

impl Net {
    fn bind(address: &str) -> Result<Self, Failure> {
        let listener = Listener::bind(address).map_err(Failure::usage)?;
        message(&format!("listening on {}", listener.address()));
        Ok(Self { listener, hosts: BTreeMap::new(), refused: 0 })
    }

    /// Takes what came; whether there was something.
    fn take(&mut self, watch: &mut Watch, patience: Duration, end: bool) -> bool {
        let start = Instant::now();
        let time = now();
        let mut busy = false;
        let mut out = Vec::new();
        // Not for ever: reports wait to be taken into the record.
        while start.elapsed() < patience {
            let Some(batch) = self.listener.next(patience.saturating_sub(start.elapsed())) else {
                break;
            };
            busy = true;
            for (host, datagram) in batch {
                if !self.hosts.contains_key(&host) && self.hosts.len() >= HOSTS {
                    self.refused += 1;
                    continue;
                }
                let (assembler, last) =
                    self.hosts.entry(host).or_insert_with(|| (Assembler::default(), start));
                *last = start;
                out.clear();
                assembler.push(&datagram, &mut out);
                watch.push(&host.to_string(), &out, time);
            }
        }
        for (host, (assembler, last)) in &mut self.hosts {
            if end || assembler.is_waiting() && last.elapsed().as_secs() >= HELD {
                out.clear();
                assembler.flush(&mut out);
                watch.push(&host.to_string(), &out, time);
            }
        }
        busy
    }

    /// Says what came of each host.
    fn sum(&self) {
        for (host, (assembler, _)) in &self.hosts {
            let counts = assembler.counts();
            message(&format!(
                "{host}: {} messages, {} lost, {} repeated, {} late",
                counts.messages, counts.lost, counts.repeated, counts.late
            ));
        }
        if self.listener.dropped() + self.refused > 0 {
            message(&format!(
                "{} datagrams were dropped here",
                self.listener.dropped() + self.refused
            ));
        }
    }
}

/// A file that grows and rotates.
struct Follow {
    path: PathBuf,
    open: Option<(File, u64, u64)>,
    from_start: bool,
}

impl Follow {
    fn new(path: &Path, from_start: bool) -> Self {
        let mut follow = Self { path: path.to_owned(), open: None, from_start };
        // What is there already is old, what comes under this name later is new.
        follow.reopen();
        follow.from_start = true;
        follow
    }

    fn reopen(&mut self) {
        let Ok(mut file) = File::open(&self.path) else { return };
        let Ok(found) = file.metadata() else { return };
        let at = if self.from_start { 0 } else { file.seek(SeekFrom::End(0)).unwrap_or(0) };
        self.open = Some((file, found.ino(), at));
    }

    fn read(&mut self, mut take: impl FnMut(&[u8])) {
        loop {
            if self.open.is_none() {
                self.reopen();
            }
            let Some((file, inode, at)) = &mut self.open else { return };
            let mut piece = vec![0; PIECE];
            while let Ok(length @ 1..) = file.read(&mut piece) {
                *at += length as u64;
                take(&piece[..length]);
            }
            let there = std::fs::metadata(&self.path);
            match there {
                // Cut to nothing where it stands.
                Ok(found) if found.ino() == *inode && found.len() < *at => {
                    *at = 0;
                    let _ = file.rewind();
                }
                // Another file has the name: the old one was read to its end.
                Ok(found) if found.ino() != *inode => self.open = None,
                _ => return,
            }
        }
    }
}

/// A folder into which whole files come.
struct Folder {
    path: PathBuf,
    /// Files with their lengths when last seen, and whether they were taken.
    seen: BTreeMap<PathBuf, (u64, bool)>,
}

impl Folder {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), seen: BTreeMap::new() }
    }

    /// Takes in the files that did not grow since the last look. A record that cannot be written is told inside; the
    /// file is tried again.
    fn take(
        &mut self,
        tracker: &Tracker,
        machine: &str,
        once: bool,
    ) -> Result<Result<(), Error>, Failure> {
        let Ok(entries) = std::fs::read_dir(&self.path) else { return Ok(Ok(())) };
        for entry in entries.filter_map(Result::ok) {
            let Ok(found) = entry.metadata() else { continue };
            if !found.is_file() || entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            let (length, taken) = self.seen.entry(entry.path()).or_insert((u64::MAX, false));
            let whole = once || *length == found.len();
            if whole && !*taken {
                if let Err(error) = super::add::add_one(tracker, &entry.path(), machine)? {
                    return Ok(Err(error));
                }
                *taken = true;
            } else if *length != found.len() {
                *taken = false;
            }
            *length = found.len();
        }
        Ok(Ok(()))
    }
}

/// Standard input, read by a thread of its own.
fn read_standard() -> Receiver<Vec<u8>> {
    let (sender, receiver) = sync_channel(64);
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut piece = vec![0; 64 << 10];
        while let Ok(length @ 1..) = input.read(&mut piece) {
            if sender.send(piece[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_or_full_record_ends_no_watch_but_its_end() {
        let busy = || Err(Error::Record(RecordError::Busy("busy".into())));
        let mut trouble = Trouble::default();
        assert!(trouble.after(busy(), false).is_ok() && trouble.waits());
        let full = Err(Error::Record(RecordError::Full("full".into())));
        assert!(trouble.after(full, false).is_ok() && trouble.waits());
        assert!(trouble.after(Ok(()), false).is_ok() && !trouble.waits());
        assert!(trouble.after(busy(), true).is_err(), "what is held would be lost");
        let other = Err(Error::Record(RecordError::Other("broken".into())));
        assert!(trouble.after(other, false).is_err());
    }
}
