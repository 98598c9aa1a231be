//! One virtual machine: start, talk, end.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::Write as _;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use guest_protocol::{FORMAT, FromGuest, MAXIMUM_CHUNK, PORT_NAME, ToGuest};
use serde_json::{Value, json};

use crate::accelerator::Accelerator;
use crate::error::VmError;
use crate::initramfs::Initramfs;
use crate::kernel::Kernel;
use crate::link::{Raw, Writers, listen};
use crate::process::{Inherited, Process};
use crate::qmp;
use crate::record::Records;
use crate::shared::{self, SharedMemory};

/// The kernel's command line of every machine; what the user adds comes after it.
///
/// - `console`, `earlyprintk`: everything from the first line on goes to the recorded serial port.
/// - `panic=-1`: a panic reboots at once, and QEMU ends instead of rebooting: no time is lost.
/// - `sysrq_always_enabled`, `unknown_nmi_panic`: a hung guest can be asked for its state.
/// - `nokaslr`: addresses in a log and in QEMU's registers are those of the kernel's symbols.
const COMMAND_LINE: &str = "console=ttyS0,115200 earlyprintk=serial,ttyS0,115200 loglevel=7 \
                            printk.time=1 panic=-1 sysrq_always_enabled=1 unknown_nmi_panic=1 \
                            nokaslr";

/// How a machine is made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The emulator.
    pub qemu: PathBuf,
    /// How instructions are executed.
    pub accelerator: Accelerator,
    /// Memory, in MiB.
    pub memory: u32,
    /// Number of CPUs.
    pub cpus: u32,
    /// Added to the kernel's command line.
    pub command_line: String,
    /// Set from outside to stop whatever is waited for.
    pub stop: Arc<AtomicBool>,
}

/// What the agent said when it was ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The kernel's release.
    pub release: String,
    /// CPUs that are online.
    pub cpus: u32,
    /// The guest's time since boot.
    pub uptime: Duration,
}

/// Something that happened to a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The console said something; see [`Machine::records`].
    Console,
    /// The agent is ready.
    Ready(Ready),
    /// The agent carried a request out, or says why not.
    Answer {
        /// The request's number.
        request: u32,
        /// What failed.
        result: Result<(), String>,
    },
    /// A program ended.
    Exited {
        /// The number of the request that started it.
        started: u32,
        /// Exit status, or `None` if a signal ended it.
        status: Option<u32>,
        /// The signal that ended it, 0 if none did.
        signal: u32,
    },
    /// The link to the agent is lost.
    LinkLost(String),
    /// The guest rebooted or switched itself off, and QEMU ends: QEMU's word for it, such as
    /// `guest-reset`.
    Shutdown(String),
    /// QEMU ended.
    Ended(String),
}

/// A running machine. It ends when it is dropped, and when the thread that started it ends: that is
/// why it cannot be sent to another one.
pub struct Machine {
    settings: Settings,
    process: Process,
    writers: Writers,
    events: Receiver<Raw>,
    pending: VecDeque<Event>,
    records: Records,
    next_request: u32,
    next_command: u64,
    ended: bool,
    pub(crate) memory: Arc<OwnedFd>,
    pub(crate) kernel: Kernel,
    pub(crate) initramfs: Arc<OwnedFd>,
    pub(crate) shared: Option<Arc<SharedMemory>>,
    _stays_in_its_thread: PhantomData<*const ()>,
}

/// What a machine starts from.
pub(crate) struct Origin {
    pub(crate) kernel: Kernel,
    pub(crate) initramfs: Arc<OwnedFd>,
    pub(crate) memory: Arc<OwnedFd>,
    /// Whether what the machine writes to its memory stays private to it.
    pub(crate) private: bool,
    pub(crate) records: Records,
    pub(crate) shared: Option<Arc<SharedMemory>>,
}

/// How long QEMU may take to answer a command.
const COMMAND_TIME: Duration = Duration::from_secs(30);
/// The longest wait before the stop flag is looked at again.
const TICK: Duration = Duration::from_millis(100);
/// Events that wait for their reader; a guest that sends more is flooding.
const MOST_PENDING: usize = 4096;

impl Machine {
    /// Starts a machine and returns at once; see [`Machine::wait_ready`].
    ///
    /// # Errors
    /// When QEMU is missing or cannot be started.
    pub fn boot(
        settings: &Settings,
        kernel: &Kernel,
        initramfs: &Initramfs,
    ) -> Result<Self, VmError> {
        Self::boot_sharing(settings, kernel, initramfs, None)
    }

    /// As [`Machine::boot`], with a device whose memory the guest shares with us.
    ///
    /// # Errors
    /// As there.
    pub fn boot_sharing(
        settings: &Settings,
        kernel: &Kernel,
        initramfs: &Initramfs,
        shared: Option<Arc<SharedMemory>>,
    ) -> Result<Self, VmError> {
        let archive = memory_file("ktriage-initramfs")?;
        std::fs::File::from(archive.try_clone().map_err(VmError::io("copy a descriptor"))?)
            .write_all(initramfs.bytes())
            .map_err(VmError::io("write the initramfs to memory"))?;
        let origin = Origin {
            kernel: kernel.clone(),
            initramfs: Arc::new(archive),
            memory: Arc::new(memory_file("ktriage-guest")?),
            private: false,
            records: Records::new(Instant::now()),
            shared,
        };
        let mut machine = Self::start(settings, origin, &[])?;
        machine.greet()?;
        Ok(machine)
    }

    pub(crate) fn start(
        settings: &Settings,
        origin: Origin,
        extra: &[&str],
    ) -> Result<Self, VmError> {
        let Origin { kernel, initramfs, memory, private, records, shared } = origin;
        let mut files: Vec<&OwnedFd> = vec![&memory, &initramfs];
        files.extend(shared.as_ref().map(|shared| shared.file()));
        let (process, links) = Process::start(&settings.qemu, &files, |inherited| {
            let mut all = arguments(settings, &kernel, &initramfs, &memory, private, inherited);
            all.extend(shared.iter().flat_map(|shared| shared::arguments(shared)));
            all.extend(extra.iter().map(OsString::from));
            all
        })?;
        for stream in [&links.console, &links.agent, &links.qmp] {
            stream
                .set_write_timeout(Some(Duration::from_secs(10)))
                .map_err(VmError::io("set a socket's timeout"))?;
        }
        let (writers, events) = listen(links, &records)?;
        let mut machine = Self {
            settings: settings.clone(),
            process,
            writers,
            events,
            pending: VecDeque::new(),
            records,
            next_request: 1,
            next_command: 1,
            ended: false,
            memory,
            kernel,
            initramfs,
            shared,
            _stays_in_its_thread: PhantomData,
        };
        machine.command("qmp_capabilities", &Value::Null)?;
        Ok(machine)
    }

    /// Sends the first words. QEMU keeps them until the agent opens its port.
    pub(crate) fn greet(&mut self) -> Result<(), VmError> {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seed = random_bytes::<64>()?.to_vec();
        let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.send(&ToGuest::Hello { time, seed })
    }

    /// How the machine was made.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The memory that the guest shares with us, if it has such a device.
    pub fn shared(&self) -> Option<&Arc<SharedMemory>> {
        self.shared.as_ref()
    }

    /// QEMU's process number.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// What came from the machine so far. Stays readable after the machine has ended.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// The next event, or `None` when `deadline` passes.
    ///
    /// # Errors
    /// [`VmError::Stopped`] when the stop flag is set.
    pub fn next_event(&mut self, deadline: Instant) -> Result<Option<Event>, VmError> {
        if let Some(event) = self.pending.pop_front() {
            return Ok(Some(event));
        }
        loop {
            match self.receive(deadline)? {
                None => return Ok(None),
                Some(raw) => {
                    if let Some(event) = self.translate(raw) {
                        return Ok(Some(event));
                    }
                }
            }
        }
    }

    /// Waits for the agent.
    ///
    /// # Errors
    /// When the machine ends, the link is lost, the agent speaks another protocol, or `timeout`
    /// passes.
    pub fn wait_ready(&mut self, timeout: Duration) -> Result<Ready, VmError> {
        let deadline = Instant::now() + timeout;
        loop {
            match self.next_event(deadline)? {
                Some(Event::Ready(ready)) => return Ok(ready),
                Some(Event::LinkLost(reason)) => return Err(VmError::LinkLost { reason }),
                Some(Event::Shutdown(status) | Event::Ended(status)) => {
                    return Err(self.ended_error(status));
                }
                Some(_) => {}
                None => {
                    return Err(VmError::AgentSilent {
                        what: "first words".into(),
                        after: timeout,
                    });
                }
            }
        }
    }

    /// Writes a file in the guest.
    ///
    /// # Errors
    /// When the agent cannot, or does not answer within `timeout`.
    pub fn write_file(
        &mut self,
        path: &str,
        mode: u32,
        content: &[u8],
        timeout: Duration,
    ) -> Result<(), VmError> {
        let mut offset = 0;
        loop {
            let piece = &content[offset..(offset + MAXIMUM_CHUNK).min(content.len())];
            let request = self.number();
            let message = ToGuest::WriteFile {
                request,
                path: path.as_bytes().to_vec(),
                mode,
                offset: offset as u64,
                bytes: piece.to_vec(),
            };
            self.ask(&message, request, &format!("write {path}"), timeout)?;
            offset += piece.len();
            if offset >= content.len() {
                return Ok(());
            }
        }
    }

    /// Inserts a kernel module that lies in the guest.
    ///
    /// # Errors
    /// When the agent cannot, or does not answer within `timeout`.
    pub fn insert_module(
        &mut self,
        path: &str,
        parameters: &str,
        timeout: Duration,
    ) -> Result<(), VmError> {
        let request = self.number();
        let message = ToGuest::InsertModule {
            request,
            path: path.as_bytes().to_vec(),
            parameters: parameters.as_bytes().to_vec(),
        };
        self.ask(&message, request, &format!("insert {path}"), timeout)
    }

    /// Asks the agent for a sign of life.
    ///
    /// # Errors
    /// When it does not answer within `timeout`.
    pub fn ping(&mut self, timeout: Duration) -> Result<(), VmError> {
        let request = self.number();
        self.ask(&ToGuest::Ping { request }, request, "answer", timeout)
    }

    /// Presses a SysRq key through the agent.
    ///
    /// # Errors
    /// When the agent cannot, or does not answer within `timeout`.
    pub fn press_sysrq(&mut self, key: u8, timeout: Duration) -> Result<(), VmError> {
        let request = self.number();
        self.ask(&ToGuest::SysRq { request, key }, request, "press a SysRq key", timeout)
    }

    /// Starts a program; its end comes as [`Event::Exited`] with the returned number.
    ///
    /// # Errors
    /// When the agent cannot start it, or does not answer within `timeout`.
    pub fn start_program(
        &mut self,
        arguments: &[String],
        environment: &[String],
        directory: &str,
        timeout: Duration,
    ) -> Result<u32, VmError> {
        let request = self.number();
        let message = ToGuest::Start {
            request,
            arguments: arguments.iter().map(|text| text.as_bytes().to_vec()).collect(),
            environment: environment.iter().map(|text| text.as_bytes().to_vec()).collect(),
            directory: directory.as_bytes().to_vec(),
        };
        let name = arguments.first().map_or("", String::as_str);
        self.ask(&message, request, &format!("start {name}"), timeout)?;
        Ok(request)
    }

    /// Has the agent bring the guest into a state of its own, chosen by `seed`.
    ///
    /// # Errors
    /// When the agent cannot, or does not answer within `timeout`.
    pub fn vary(&mut self, seed: u64, timeout: Duration) -> Result<(), VmError> {
        let request = self.number();
        self.ask(&ToGuest::Vary { request, seed }, request, "vary the guest's state", timeout)
    }

    /// Kills a started program and its process group.
    ///
    /// # Errors
    /// When the agent cannot, or does not answer within `timeout`.
    pub fn kill_program(&mut self, started: u32, timeout: Duration) -> Result<(), VmError> {
        let request = self.number();
        self.ask(&ToGuest::Kill { request, started }, request, "kill the program", timeout)
    }

    /// Runs a command of QEMU's monitor and returns what it prints.
    ///
    /// # Errors
    /// When QEMU has ended, refuses or does not answer.
    pub fn monitor(&mut self, line: &str) -> Result<String, VmError> {
        let printed = self.command("human-monitor-command", &json!({ "command-line": line }))?;
        Ok(printed.as_str().unwrap_or_default().to_owned())
    }

    /// Ends the machine at once.
    pub fn kill(&mut self) {
        self.process.kill();
        self.ended = true;
    }

    pub(crate) fn write_console(&mut self, bytes: &[u8]) -> Result<(), VmError> {
        self.writers.console.write_all(bytes).map_err(VmError::io("write to the guest's console"))
    }

    /// Gives QEMU a descriptor under a name.
    pub(crate) fn pass_descriptor(&mut self, name: &str, file: &OwnedFd) -> Result<(), VmError> {
        use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
        use std::io::IoSlice;
        use std::mem::MaybeUninit;
        use std::os::fd::AsFd as _;

        let id = self.next_command;
        self.next_command += 1;
        let line = qmp::command(id, "getfd", &json!({ "fdname": name }));
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let files = [file.as_fd()];
        control.push(SendAncillaryMessage::ScmRights(&files));
        rustix::net::sendmsg(
            &self.writers.qmp,
            &[IoSlice::new(&line)],
            &mut control,
            SendFlags::NOSIGNAL,
        )
        .map_err(|error| VmError::io("pass a descriptor to QEMU")(error.into()))?;
        self.result_of(id, "getfd").map(drop)
    }

    /// Runs a command of QEMU's machine protocol.
    pub(crate) fn command(&mut self, name: &str, arguments: &Value) -> Result<Value, VmError> {
        let id = self.next_command;
        self.next_command += 1;
        let line = qmp::command(id, name, arguments);
        if self.writers.qmp.write_all(&line).is_err() {
            return Err(self.ended_error_by_waiting());
        }
        self.result_of(id, name)
    }

    fn result_of(&mut self, id: u64, name: &str) -> Result<Value, VmError> {
        let deadline = Instant::now() + COMMAND_TIME;
        loop {
            match self.receive(deadline)? {
                Some(Raw::Qmp(qmp::Message::Return { id: of, result })) if of == id => {
                    return result
                        .map_err(|reason| VmError::Refused { command: name.to_owned(), reason });
                }
                Some(Raw::QemuClosed) => return Err(self.ended_error_by_waiting()),
                Some(raw) => self.postpone(raw),
                None => {
                    return Err(VmError::Silent { command: name.to_owned(), after: COMMAND_TIME });
                }
            }
        }
    }

    fn number(&mut self) -> u32 {
        let number = self.next_request;
        self.next_request += 1;
        number
    }

    fn send(&mut self, message: &ToGuest) -> Result<(), VmError> {
        self.writers
            .agent
            .write_all(&message.encode())
            .map_err(|error| VmError::LinkLost { reason: format!("cannot write to it: {error}") })
    }

    fn ask(
        &mut self,
        message: &ToGuest,
        request: u32,
        what: &str,
        timeout: Duration,
    ) -> Result<(), VmError> {
        self.send(message)?;
        let deadline = Instant::now() + timeout;
        loop {
            let Some(raw) = self.receive(deadline)? else {
                return Err(VmError::AgentSilent { what: what.to_owned(), after: timeout });
            };
            match self.translate(raw) {
                Some(Event::Answer { request: of, result }) if of == request => {
                    return result.map_err(|what| VmError::Agent { what });
                }
                Some(Event::LinkLost(reason)) => {
                    self.keep(Event::LinkLost(reason.clone()));
                    return Err(VmError::LinkLost { reason });
                }
                Some(Event::Ended(status)) => {
                    self.keep(Event::Ended(status.clone()));
                    return Err(self.ended_error(status));
                }
                Some(event) => self.keep(event),
                None => {}
            }
        }
    }

    fn receive(&mut self, deadline: Instant) -> Result<Option<Raw>, VmError> {
        loop {
            if self.settings.stop.load(Ordering::Relaxed) {
                return Err(VmError::Stopped);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left.min(TICK)) {
                Ok(raw) => return Ok(Some(raw)),
                Err(RecvTimeoutError::Timeout) if left > TICK => {}
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) if self.ended => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => return Ok(Some(Raw::QemuClosed)),
            }
        }
    }

    fn postpone(&mut self, raw: Raw) {
        if let Some(event) = self.translate(raw) {
            self.keep(event);
        }
    }

    fn keep(&mut self, event: Event) {
        let known = event == Event::Console && self.pending.back() == Some(&Event::Console);
        if !known && self.pending.len() < MOST_PENDING {
            self.pending.push_back(event);
        }
    }

    fn translate(&mut self, raw: Raw) -> Option<Event> {
        match raw {
            Raw::Console => Some(Event::Console),
            Raw::LinkLost(reason) => Some(Event::LinkLost(reason)),
            Raw::Agent(FromGuest::Ready { format, release, cpus, uptime }) => {
                if format != FORMAT {
                    return Some(Event::LinkLost(format!(
                        "the agent speaks format {format}, the lab format {FORMAT}"
                    )));
                }
                Some(Event::Ready(Ready {
                    release: String::from_utf8_lossy(&release).into_owned(),
                    cpus,
                    uptime: Duration::from_micros(uptime),
                }))
            }
            Raw::Agent(FromGuest::Done { request }) => {
                Some(Event::Answer { request, result: Ok(()) })
            }
            Raw::Agent(FromGuest::Failed { request, what, .. }) => Some(Event::Answer {
                request,
                result: Err(String::from_utf8_lossy(&what).into_owned()),
            }),
            Raw::Agent(FromGuest::Exited { started, status, signal }) => {
                Some(Event::Exited { started, status, signal })
            }
            Raw::Agent(FromGuest::Alive { .. } | FromGuest::Output { .. }) => None,
            Raw::Qmp(qmp::Message::Event { name, data }) if name == "SHUTDOWN" => {
                let reason = data.get("reason").and_then(Value::as_str).unwrap_or("unknown");
                Some(Event::Shutdown(reason.to_owned()))
            }
            Raw::Qmp(_) => None,
            Raw::QemuClosed => {
                let first = !self.ended;
                let status = self.wait_for_end();
                first.then_some(Event::Ended(status))
            }
        }
    }

    fn wait_for_end(&mut self) -> String {
        self.ended = true;
        self.process.wait().map_or_else(|| "no status".to_owned(), |status| status.to_string())
    }

    fn ended_error_by_waiting(&mut self) -> VmError {
        let status = self.wait_for_end();
        self.ended_error(status)
    }

    fn ended_error(&self, status: String) -> VmError {
        // QEMU's last words may still be on their way through their pipe.
        std::thread::sleep(Duration::from_millis(20));
        let messages = String::from_utf8_lossy(&self.records.qemu().bytes()).into_owned();
        VmError::QemuEnded { status, messages }
    }
}

/// A file that exists in memory only, as long as a descriptor of it is open.
pub(crate) fn memory_file(name: &str) -> Result<OwnedFd, VmError> {
    rustix::fs::memfd_create(name, rustix::fs::MemfdFlags::CLOEXEC)
        .map_err(|error| VmError::io("make a file in memory")(error.into()))
}

fn arguments(
    settings: &Settings,
    kernel: &Kernel,
    initramfs: &OwnedFd,
    memory: &OwnedFd,
    private: bool,
    inherited: &Inherited,
) -> Vec<OsString> {
    let Inherited { console, agent, qmp } = inherited;
    let share = if private { "off" } else { "on" };
    let command_line = format!("{COMMAND_LINE} {}", settings.command_line);
    let mut all: Vec<OsString> = Vec::new();
    let mut add = |text: String| all.push(text.into());
    for flag in ["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"] {
        add(flag.into());
    }
    for (option, value) in [
        ("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny".to_owned()),
        ("-accel", settings.accelerator.option().to_owned()),
        ("-cpu", settings.accelerator.cpu().to_owned()),
        ("-machine", "q35,memory-backend=ram".to_owned()),
        ("-smp", settings.cpus.to_string()),
        ("-m", format!("{}M", settings.memory)),
        (
            "-object",
            format!(
                "memory-backend-file,id=ram,size={}M,mem-path=/proc/self/fd/{},share={share}",
                settings.memory,
                memory.as_raw_fd()
            ),
        ),
        ("-chardev", format!("socket,id=console,fd={console}")),
        ("-serial", "chardev:console".to_owned()),
        ("-chardev", format!("socket,id=agent,fd={agent}")),
        ("-device", "virtio-serial-pci".to_owned()),
        ("-device", format!("virtserialport,chardev=agent,name={PORT_NAME}")),
        ("-chardev", format!("socket,id=qmp,fd={qmp}")),
        ("-mon", "chardev=qmp,mode=control".to_owned()),
        ("-initrd", format!("/proc/self/fd/{}", initramfs.as_raw_fd())),
        ("-append", command_line.trim().to_owned()),
    ] {
        add(option.into());
        add(value);
    }
    all.push("-kernel".into());
    all.push(kernel.image.clone().into());
    all
}

/// A number that differs from call to call.
///
/// # Errors
/// When the system has no random bytes.
pub fn random_seed() -> Result<u64, VmError> {
    random_bytes().map(u64::from_le_bytes)
}

/// So many random bytes; the system gives up to 256 at once whole.
fn random_bytes<const COUNT: usize>() -> Result<[u8; COUNT], VmError> {
    let mut bytes = [0; COUNT];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(|error| VmError::io("get random bytes")(error.into()))?;
    Ok(bytes)
}
