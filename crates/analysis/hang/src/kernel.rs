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

impl Kernel {
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
        } else if let Some(at) = text.find("ainted") {
            self.tainted(&text[at..], line);
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

    /// `ainted 5.8.0 #1` of `Not tainted`, or `ainted: G S W  6.4.0 #39` of `Tainted`.
    fn tainted(&mut self, text: &str, line: u64) {
        let (letters, rest) = match text.strip_prefix("ainted: ") {
            Some(rest) => {
                let words: Vec<&str> = rest
                    .split_whitespace()
                    .take_while(|word| word.bytes().all(|b| b.is_ascii_uppercase()))
                    .collect();
                let rest = rest.split_whitespace().find(|word| {
                    word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.')
                });
                (words.concat(), rest)
            }
            None => (String::new(), text.split_whitespace().nth(1)),
        };
        let Some(release) = rest
            .filter(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))
        else {
            return;
        };
        // The line of Tainted: [N]=TEST explains letters and has no release.
        let number = text
            .split_whitespace()
            .skip_while(|word| *word != release)
            .nth(1)
            .filter(|word| word.starts_with('#'));
        let full =
            number.map_or_else(|| release.to_owned(), |number| format!("{release} {number}"));
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
            ("YZrvWESTHLNXBCVM", "parisc"),
        ];
        if let Some((_, arch)) = SIGNS.iter().find(|(sign, _)| text.contains(sign)) {
            self.arch = Some((arch, line));
        }
    }
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
}
