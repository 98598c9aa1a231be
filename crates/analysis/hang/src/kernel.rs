//! Which kernel printed the log: version, architecture, taint, number of CPUs, each with its line.

use crate::text::{after, bounded, number, number_after};

/// What the log says of its kernel.
#[derive(Clone, Debug, Default)]
pub struct Kernel {
    /// Release, as printed, with its line.
    pub release: Option<(String, u64)>,
    /// Major and minor number of the release.
    pub version: Option<(u32, u32)>,
    /// Architecture and the line that shows it.
    pub arch: Option<(&'static str, u64)>,
    /// Taint at the first report, with its line; empty when not tainted.
    pub taint: Option<(String, u64)>,
    /// A later, different taint.
    pub later_taint: Option<(String, u64)>,
    /// Number of CPUs.
    pub cpus: Option<(u32, u64)>,
    /// `Hardware name:`.
    pub hardware: Option<(String, u64)>,
}

/// The kernels of a log, by boot. What one boot says of its kernel is not said of another.
#[derive(Clone, Debug, Default)]
pub struct Kernels {
    kernels: Vec<Kernel>,
    none: Kernel,
}

/// Boots whose kernels are kept.
const BOOTS: usize = 256;

impl Kernels {
    /// The kernel of a boot.
    pub fn of(&self, boot: u32) -> &Kernel {
        self.kernels.get(boot as usize).unwrap_or(&self.none)
    }

    /// What is known of the kernel of a boot so far; what exceeds the limit is not kept.
    pub(crate) fn at(&mut self, boot: u32) -> &mut Kernel {
        let boot = boot as usize;
        if boot >= BOOTS {
            self.none = Kernel::default();
            return &mut self.none;
        }
        if self.kernels.len() <= boot {
            self.kernels.resize_with(boot + 1, Kernel::default);
        }
        &mut self.kernels[boot]
    }

    /// Two boots turned out to be one: what the later one does not say, the other may.
    pub(crate) fn unite(&mut self, boot: u32, with: u32) {
        let other = self.of(with).clone();
        self.at(boot).complete(other);
    }
}

impl Kernel {
    fn complete(&mut self, other: Self) {
        if self.release.is_none() {
            self.release = other.release;
            self.version = other.version;
        }
        self.arch = self.arch.or(other.arch);
        self.cpus = self.cpus.or(other.cpus);
        if self.taint.is_none() {
            self.taint = other.taint;
            self.later_taint = other.later_taint;
        }
        if self.hardware.is_none() {
            self.hardware = other.hardware;
        }
    }

    /// Whether the release is at least `major.minor`; `None` when the release is unknown.
    pub fn at_least(&self, major: u32, minor: u32) -> Option<bool> {
        self.version.map(|version| version >= (major, minor))
    }

    /// A sign in the release that the tree was changed: a trailing `+` or `-dirty`.
    pub fn modified(&self) -> Option<&'static str> {
        let (release, _) = self.release.as_ref()?;
        let name = release.split_whitespace().next()?;
        if name.ends_with("-dirty") {
            Some("-dirty")
        } else if name.ends_with('+') {
            Some("+")
        } else {
            None
        }
    }

    /// Takes what a line says.
    pub(crate) fn observe(&mut self, text: &str, line: u64) {
        if let Some(release) =
            after(text, "Linux version ").and_then(|rest| rest.split_whitespace().next())
            && release.starts_with(|c: char| c.is_ascii_digit())
        {
            self.release(release, line);
        } else if text.contains("ainted") {
            self.tainted(text, line);
        } else if let Some(release) = uname(text) {
            self.release(&release, line);
        } else if let Some(name) = after(text, "Hardware name: ") {
            self.hardware.get_or_insert_with(|| (bounded(name.trim(), 100), line));
        } else if let Some(cpus) = number_after::<u32>(text, "ncpus=") {
            self.cpus.get_or_insert((cpus, line));
        } else if let Some(rest) = after(text, "smp: Brought up ") {
            if let Some(cpus) = after(rest, ", ").and_then(number) {
                self.cpus.get_or_insert((cpus, line));
            }
        } else if let Some(rest) = after(text, "SMP: Total of ")
            && let Some(cpus) = number(rest)
        {
            self.cpus.get_or_insert((cpus, line));
        }
    }

    fn tainted(&mut self, text: &str, line: u64) {
        let Some(ident) = Ident::read(text) else { return };
        let Ident { release, number, taint: letters } = ident;
        let full = number.map_or_else(|| release.clone(), |number| format!("{release} {number}"));
        if self.release.as_ref().is_none_or(|(known, _)| !known.contains('#')) {
            self.release = None;
        }
        self.release(&full, line);
        match &self.taint {
            None => self.taint = Some((letters, line)),
            Some((known, _)) if *known != letters && self.later_taint.is_none() => {
                self.later_taint = Some((letters, line));
            }
            Some(_) => {}
        }
    }

    fn release(&mut self, release: &str, line: u64) {
        if self.release.is_some() {
            return;
        }
        let mut parts = release.split(['.', '-', '+', ' ']);
        let major = parts.next().and_then(|part| part.parse().ok());
        let minor = parts.next().and_then(number);
        self.version = major.zip(minor);
        self.release = Some((bounded(release, 100), line));
    }

    /// Takes what a register or entry frame says of the architecture.
    pub(crate) fn observe_arch(&mut self, text: &str, line: u64) {
        if self.arch.is_some() {
            return;
        }
        const SIGNS: &[(&str, &str)] = &[
            ("RIP: ", "x86-64"),
            ("__x64_sys_", "x86-64"),
            ("entry_SYSCALL_64", "x86-64"),
            ("EIP: ", "x86-32"),
            ("EIP is at", "x86-32"),
            ("__arm64_sys_", "arm64"),
            ("el0_svc", "arm64"),
            ("el0_sync", "arm64"),
            ("el1_irq", "arm64"),
            ("el1h_64_", "arm64"),
            ("pstate: ", "arm64"),
            ("Mem abort info", "arm64"),
            ("swapper pgtable: ", "arm64"),
            ("Krnl PSW", "s390"),
            ("__s390x_sys_", "s390"),
            ("NIP:", "powerpc"),
            ("NIP [c0", "powerpc"),
            ("system_call_exception+", "powerpc"),
            ("__riscv_sys_", "riscv"),
            ("epc : ", "riscv"),
            ("psr: ", "arm"),
            ("psr : ", "arm"),
            ("ret_fast_syscall", "arm"),
            ("Cause : ", "mips"),
            ("ESTAT: ", "loongarch"),
            ("TSTATE: ", "sparc64"),
            ("linux_sparc_syscall", "sparc64"),
            ("YZrvWESTHLNXBCVM", "parisc"),
        ];
        if let Some((_, arch)) = SIGNS.iter().find(|(sign, _)| text.contains(sign)) {
            self.arch = Some((arch, line));
        }
    }
}

/// What a line with the taint says of the kernel: `Not tainted 5.8.0 #1`, `Tainted: G W 6.4.0 #39`,
/// `6.4.0 #39 Not tainted` of lockdep, `Tainted: G (5.10.0)` of powerpc.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ident {
    pub(crate) release: String,
    /// `#39`, the number of the build.
    pub(crate) number: Option<String>,
    /// Letters of the taint, none when not tainted.
    pub(crate) taint: String,
}

impl Ident {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (before, behind, taint) = if let Some((before, behind)) = text.split_once("Not tainted")
        {
            (before, behind, String::new())
        } else {
            let (before, behind) = text.split_once("Tainted: ")?;
            let letters = |word: &&str| word.bytes().all(|b| b.is_ascii_uppercase());
            (before, behind, behind.split_whitespace().take_while(letters).collect())
        };
        let named = |text: &str| -> Option<(String, Option<String>)> {
            let mut words = text.split_whitespace().map(|word| word.trim_matches(['(', ')', ',']));
            let release = words.find(|word| is_release(word))?.to_owned();
            let number = words.next().filter(|word| word.starts_with('#'));
            Some((release, number.map(str::to_owned)))
        };
        // Lockdep and the sanitizers put it in front: only with its number, a name may look alike.
        let (release, number) =
            named(behind).or_else(|| named(before).filter(|(_, number)| number.is_some()))?;
        Some(Self { release, number, taint })
    }
}

/// The release that a line names as that of the kernel which prints it, as [`Kernel::release`] without the build's number.
pub fn release_in(text: &str) -> Option<String> {
    let banner = after(text, "Linux version ").and_then(|rest| rest.split_whitespace().next());
    match banner {
        Some(word) => is_release(word).then(|| word.to_owned()),
        None => Ident::read(text).map(|ident| ident.release),
    }
}

/// Whether a word is a kernel's release: `6.1.0-rc7+`.
fn is_release(word: &str) -> bool {
    // What ends so goes on in another line.
    if word.ends_with(['-', '.']) {
        return false;
    }
    let mut parts = word.splitn(2, '.');
    let digits = |part: &str| part.bytes().take_while(u8::is_ascii_digit).count();
    parts.next().is_some_and(|major| !major.is_empty() && digits(major) == major.len())
        && parts.next().is_some_and(|rest| digits(rest) > 0)
}

/// `Linux host 5.10.0 #1 SMP …` of `uname -a`.
fn uname(text: &str) -> Option<String> {
    let mut words = text.strip_prefix("Linux ")?.split_whitespace().skip(1);
    let release = words.next().filter(|word| is_release(word))?;
    let number = words.next().filter(|word| word.starts_with('#'))?;
    Some(format!("{release} {number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_taint_and_signs_of_change_are_read() {
        let mut kernel = Kernel::default();
        kernel.observe("CPU: 1 PID: 2 Comm: x Tainted: G S                 6.4.0+ #39", 7);
        kernel.observe("CPU: 1 PID: 2 Comm: x Tainted: G S      W          6.4.0+ #39", 9);
        assert_eq!(kernel.release, Some(("6.4.0+ #39".to_owned(), 7)));
        assert_eq!((kernel.version, kernel.modified()), (Some((6, 4)), Some("+")));
        assert_eq!(kernel.taint.as_ref().map(|t| t.0.as_str()), Some("GS"));
        assert_eq!(kernel.later_taint, Some(("GSW".to_owned(), 9)));
        assert_eq!(kernel.at_least(6, 8), Some(false));
    }

    #[test]
    fn an_architecture_is_told_by_what_only_it_prints() {
        let told = |text: &str| {
            let mut kernel = Kernel::default();
            kernel.observe_arch(text, 3);
            kernel.arch
        };
        assert_eq!(told("RIP: 0010:do_it+0x1/0x2"), Some(("x86-64", 3)));
        assert_eq!(told("sp : d4a05e88  psr: a0000013"), Some(("arm", 3)));
        assert_eq!(told("pc : [<ffffff80083edfb8>] pstate: a0400045"), Some(("arm64", 3)));
        assert_eq!(told("ESTAT: 00010000 [PIL]"), Some(("loongarch", 3)));
        // Several print these.
        assert_eq!(told("PC is at do_it+0x1/0x2"), None);
        assert_eq!(told(" ret_from_kernel_thread+0x14/0x1c"), None);
    }

    #[test]
    fn an_untainted_kernel_is_said_to_be_so() {
        let mut kernel = Kernel::default();
        kernel.observe("CPU: 1 PID: 2 Comm: x Not tainted 5.8.0-rc7-y #0", 1);
        assert_eq!(kernel.taint, Some((String::new(), 1)));
        assert_eq!(kernel.release.map(|r| r.0).as_deref(), Some("5.8.0-rc7-y #0"));
    }

    #[test]
    fn the_release_is_read_wherever_the_taint_stands() {
        let read = |text: &str| {
            let ident = Ident::read(text).unwrap();
            (ident.release, ident.number, ident.taint)
        };
        let number = || Some("#60".to_owned());
        assert_eq!(
            read("6.1.0-rc7+ #60 Not tainted"),
            ("6.1.0-rc7+".into(), number(), String::new())
        );
        assert_eq!(read("6.1.0 #60 Tainted: G        W"), ("6.1.0".into(), number(), "GW".into()));
        assert_eq!(
            read("REGS: c000000000000000 TRAP: 0380   Not tainted  (5.15.0-next)"),
            ("5.15.0-next".into(), None, String::new())
        );
        assert_eq!(Ident::read("Tainted: [W]=WARN"), None);
        let mut kernel = Kernel::default();
        kernel.observe("Linux box 5.10.0-8 #1 SMP Mon", 3);
        assert_eq!(kernel.version, Some((5, 10)));
    }
}
