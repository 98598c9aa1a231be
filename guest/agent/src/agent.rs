//! The agent: takes requests from the port, answers them, sends signs of life.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use guest_protocol::{Decoder, FORMAT, FromGuest, PORT_NAME, ToGuest};
use rustix::time::{ClockId, Timespec};

use crate::init;
use crate::program::Programs;
use crate::vary;

/// How long the port may take to appear: slow emulation, drivers that probe in the background.
const PORT_TRIES: u32 = 6000;
const PORT_PAUSE: Duration = Duration::from_millis(10);

/// Between two signs of life.
const PULSE: Duration = Duration::from_secs(1);

/// The port's writing end, shared by all threads of the agent.
#[derive(Clone)]
pub(crate) struct Port(Arc<Mutex<File>>);

impl Port {
    pub(crate) fn send(&self, message: &FromGuest) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&message.encode())
    }
}

/// Serves the port until it closes.
pub(crate) fn run() -> io::Result<()> {
    protect();
    let mut input = open_port()?;
    let port = Port(Arc::new(Mutex::new(input.try_clone()?)));
    let pulse = port.clone();
    thread::Builder::new().name("pulse".into()).spawn(move || beat(&pulse))?;
    let programs = Programs::new(port.clone());
    let mut decoder = Decoder::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = match input.read(&mut buffer) {
            // The host is not connected, as between a snapshot and its return.
            Ok(0) => {
                thread::sleep(PORT_PAUSE);
                continue;
            }
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        decoder.push(&buffer[..length]);
        while let Some((kind, payload)) = decoder.next_frame().map_err(io::Error::other)? {
            let message = ToGuest::decode(kind, payload).map_err(io::Error::other)?;
            serve(message, &port, &programs)?;
        }
    }
}

/// Keeps the agent alive when the guest runs out of memory: the host would take its silence for a
/// hang of the kernel.
fn protect() {
    let _ = fs::write("/proc/self/oom_score_adj", "-1000");
}

fn beat(port: &Port) {
    // Nice values are per thread on Linux; programs inherit theirs from another thread.
    let _ = rustix::process::nice(-20);
    loop {
        thread::sleep(PULSE);
        if port.send(&FromGuest::Alive { uptime: uptime() }).is_err() {
            return;
        }
    }
}

fn open_port() -> io::Result<File> {
    for _ in 0..PORT_TRIES {
        if let Some(path) = find_port() {
            // The device node may follow the entry in sysfs by a moment.
            if let Ok(file) = OpenOptions::new().read(true).write(true).open(path) {
                return Ok(file);
            }
        }
        thread::sleep(PORT_PAUSE);
    }
    Err(io::Error::new(io::ErrorKind::NotFound, "there is no virtio-serial port for the lab"))
}

fn find_port() -> Option<PathBuf> {
    fs::read_dir("/sys/class/virtio-ports").ok()?.flatten().find_map(|entry| {
        let name = fs::read_to_string(entry.path().join("name")).ok()?;
        (name.trim_end() == PORT_NAME).then(|| Path::new("/dev").join(entry.file_name()))
    })
}

fn uptime() -> u64 {
    let now = rustix::time::clock_gettime(ClockId::Boottime);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000
        + u64::try_from(now.tv_nsec).unwrap_or(0) / 1000
}

fn serve(message: ToGuest, port: &Port, programs: &Programs) -> io::Result<()> {
    let (request, what, result) = match message {
        ToGuest::Hello { time, seed } => {
            greet(time, &seed);
            return port.send(&FromGuest::Ready {
                format: FORMAT,
                release: rustix::system::uname().release().to_bytes().to_vec(),
                cpus: thread::available_parallelism()
                    .map_or(0, |count| u32::try_from(count.get()).unwrap_or(u32::MAX)),
                uptime: uptime(),
            });
        }
        ToGuest::Ping { request } => (request, String::new(), Ok(())),
        ToGuest::WriteFile { request, path, mode, offset, bytes } => {
            let path = Path::new(std::ffi::OsStr::from_bytes(&path));
            (request, format!("write {}", path.display()), write(path, mode, offset, &bytes))
        }
        ToGuest::InsertModule { request, path, parameters } => {
            let path = Path::new(std::ffi::OsStr::from_bytes(&path));
            let parameters = String::from_utf8_lossy(&parameters);
            (request, format!("insert {}", path.display()), init::insert_module(path, &parameters))
        }
        ToGuest::Start { request, arguments, environment, directory } => {
            let result = programs.start(request, &arguments, &environment, &directory);
            let name = arguments.first().map_or(&[][..], Vec::as_slice);
            (request, format!("start {}", String::from_utf8_lossy(name)), result)
        }
        ToGuest::Kill { request, started } => {
            (request, format!("kill program {started}"), programs.kill(started))
        }
        ToGuest::SysRq { request, key } => {
            // In a thread of its own: a key may take long, and the link must live on.
            let port = port.clone();
            thread::spawn(move || {
                let result = fs::write("/proc/sysrq-trigger", [key]);
                let _ = answer(&port, request, "write /proc/sysrq-trigger", result);
            });
            return Ok(());
        }
        ToGuest::Vary { request, seed } => (request, "vary the state".to_owned(), vary::vary(seed)),
        ToGuest::PowerOff => init::switch_off(),
    };
    answer(port, request, &what, result)
}

fn answer(port: &Port, request: u32, what: &str, result: io::Result<()>) -> io::Result<()> {
    port.send(&match result {
        Ok(()) => FromGuest::Done { request },
        Err(error) => FromGuest::Failed {
            request,
            errno: error.raw_os_error().and_then(|code| u32::try_from(code).ok()).unwrap_or(0),
            what: format!("{what}: {error}").into_bytes(),
        },
    })
}

/// Sets the clock and gives the random number generator what makes this run unlike the others that
/// start from the same snapshot.
fn greet(time: u64, seed: &[u8]) {
    let _ = rustix::time::clock_settime(
        ClockId::Realtime,
        Timespec {
            tv_sec: i64::try_from(time / 1_000_000).unwrap_or(0),
            tv_nsec: i64::try_from(time % 1_000_000 * 1000).unwrap_or(0),
        },
    );
    if let Ok(mut device) = OpenOptions::new().write(true).open("/dev/urandom") {
        let _ = device.write_all(seed);
        reseed(&device);
    }
}

/// `RNDRESEEDCRNG`: without it the generator would take the seed into account a minute later.
fn reseed(device: &File) {
    const RNDRESEEDCRNG: rustix::ioctl::Opcode = 0x5207;
    #[expect(unsafe_code, reason = "this ioctl takes no argument and touches no memory of ours")]
    let _ = unsafe { rustix::ioctl::ioctl(device, rustix::ioctl::NoArg::<RNDRESEEDCRNG>::new()) };
}

fn write(path: &Path, mode: u32, offset: u64, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        fs::create_dir_all(folder)?;
    }
    let first = offset == 0;
    let file =
        OpenOptions::new().write(true).create(first).truncate(first).mode(mode).open(path)?;
    if first && mode != 0 && file.metadata()?.permissions().mode() & 0o7777 != mode {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    if offset == 0 { (&file).write_all(bytes) } else { file.write_all_at(bytes, offset) }
}
