//! Lines that make every report of the same log worthless: the program that drove the machine was
//! killed from outside, so what follows is an echo.

/// (literal that the line must hold, regular expression it must match).
pub(crate) const SUPPRESSIONS: &[(&str, &str)] = &[
    ("Killed process", r"Killed process [0-9]+ \((?:syz-exec|syz-fuzz|syz\.|sshd|syz-execprog)"),
    ("out of memory", r"fatal error: (?:runtime: )?out of memory"),
    ("cannot allocate", r"fatal error: runtime: cannot allocate"),
    ("SIGBUS", r"SYZFAIL: SIGBUS|SIGBUS: bus error"),
    ("INIT: PANIC", r"INIT: PANIC: segmentation violation!"),
    ("*** stack smashing", r"\*\*\* stack smashing detected \*\*\*"),
    ("invoked oom-killer", r"(?:sshd|syz-fuzzer).* invoked oom-killer"),
];
