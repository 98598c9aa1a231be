//! What fits no other table: reboots, references that stay, and the programs that drive test
//! machines.

use super::family::{Doubt, Family, Look, Printer, Shape};

/// Lines of `BUG:` that report nothing wrong in the kernel.
const NOT_BUGS: &[&str] = &[r"[A-Z]BUG:", r"INVALID BTF"];

/// A report that is its line.
const fn literal(line: &'static str, title: &'static str) -> Shape {
    Shape { line, title, doubt: Doubt::TraceOptional, ..Shape::EMPTY }
}

pub(super) static FAMILIES: &[Family] = &[
    // Whatever the tables do not know is named by its own line.
    Family {
        header: "BUG:",
        except: NOT_BUGS,
        shapes: &[
            Shape {
                line: r"BUG: .*/[0-9]+ still has locks held!",
                then: &[r"locks? held by .*:$", r"at: (?:\[<[0-9a-f]+>\] )?([^\s+]+)"],
                title: "BUG: still has locks held in {F}",
                function: &[Look::Group(1), Look::Trace],
                ..Shape::EMPTY
            },
            literal(r"(BUG: .*)", "{1}"),
        ],
        ..Family::EMPTY
    },
    Family {
        header: "INFO:",
        shapes: &[
            Shape { doubt: Doubt::Always, ..literal(r"(INFO: (?:Allocated|Freed) in .*)", "{1}") },
            Shape {
                doubt: Doubt::Always,
                ..literal(r"INFO:\s*(?:task|t|ta|tas|rcu.*)?\s*$", "INFO: corrupted")
            },
        ],
        ..Family::EMPTY
    },
    Family {
        header: "unregister_netdevice: waiting for",
        shapes: &[literal(
            r"unregister_netdevice: waiting for (?:.*) to become free",
            "unregister_netdevice: waiting for DEV to become free",
        )],
        ..Family::EMPTY
    },
    Family {
        header: "VFS: Busy inodes after unmount",
        shapes: &[literal(
            r"VFS: Busy inodes after unmount",
            "VFS: Busy inodes after unmount (use-after-free)",
        )],
        ..Family::EMPTY
    },
    Family {
        header: "VFS: Close: file count is",
        shapes: &[literal(
            r"VFS: Close: file count is",
            "VFS: Close: file count is zero (use-after-free)",
        )],
        ..Family::EMPTY
    },
    // The banners of firmware and boot loaders.
    Family {
        header: "Booting the kernel.",
        shapes: &[literal(r"Booting the kernel\.", "unexpected kernel reboot")],
        printer: Printer::Other,
        ..Family::EMPTY
    },
    Family {
        header: "Booting from Hard Disk",
        shapes: &[literal(r"Booting from Hard Disk", "unexpected kernel reboot")],
        printer: Printer::Other,
        ..Family::EMPTY
    },
    Family {
        header: "trusty: panic",
        shapes: &[
            literal(
                r"trusty: panic \(caller \S+\): .*ASSERT FAILED at \(.*?\): (.*)",
                "trusty: ASSERT FAILED: {1}",
            ),
            literal(r"trusty: panic \(caller \S+\): (.*)", "trusty: panic: {1}"),
        ],
        printer: Printer::Other,
        ..Family::EMPTY
    },
    Family {
        header: "trusty: ",
        shapes: &[literal(r"trusty: .*ASSERT FAILED at .*?: (.*)", "trusty: ASSERT FAILED: {1}")],
        printer: Printer::Other,
        ..Family::EMPTY
    },
    Family {
        header: "SYZFAIL:",
        shapes: &[literal(r"SYZFAIL: (.*)", "SYZFAIL: {1}")],
        printer: Printer::Other,
        ..Family::EMPTY
    },
    Family {
        header: "SYZFATAL:",
        shapes: &[Shape { also: &["SYZFATAL"], ..literal(r"SYZFATAL: (.*)", "SYZFATAL: {1}") }],
        printer: Printer::Other,
        ..Family::EMPTY
    },
    Family {
        header: "panic: ",
        except: &[r"Kernel panic", r"trusty: panic", r"-- panic", r"[a-z0-9_]panic: "],
        shapes: &[literal(r"panic: (.*)", "panic: {1}")],
        printer: Printer::Other,
    },
    Family {
        header: "fatal error: ",
        // Compilers name a file or themselves first; the Go runtime does not.
        except: &[r"\S: fatal error: "],
        shapes: &[literal(r"fatal error: ", "go runtime error")],
        printer: Printer::Other,
    },
];
