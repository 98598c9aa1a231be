//! Which of several definitions of a name a stack means.

/// Marks of a report's text that only one architecture's kernel prints, with its folder below `arch/`.
/// Source: `show_regs` and the entry code of each.
const MARKS: [(&str, &str); 16] = [
    ("entry_SYSCALL_64", "x86"),
    ("do_syscall_64", "x86"),
    ("RIP: ", "x86"),
    ("EIP: ", "x86"),
    ("el0t_64_sync", "arm64"),
    ("el0_svc", "arm64"),
    ("el1h_64", "arm64"),
    ("pstate: ", "arm64"),
    ("PC is at ", "arm"),
    ("ret_fast_syscall", "arm"),
    ("epc : ", "riscv"),
    ("Krnl PSW : ", "s390"),
    ("NIP [", "powerpc"),
    ("system_call_exception", "powerpc"),
    ("epc   : ", "mips"),
    ("ERA: ", "loongarch"),
];

/// The folder below `arch/` of the kernel that printed a text, where the text tells.
#[must_use]
pub fn architecture(text: &str) -> Option<&'static str> {
    MARKS.iter().find(|(mark, _)| text.contains(mark)).map(|(_, folder)| *folder)
}

/// The places, of those that define a name, that a stack may mean: without other architectures and user-space copies,
/// sources rather than headers (what stands in a stack is no stub of a header, unless nothing else has the name), and
/// of those one beside a neighbour of the stack, where there is one. Several left means that the name does not decide.
///
/// `path` tells the file of a place; `neighbours` are files of other functions of the stack, the nearest first.
pub fn meant<'p, P>(
    places: &'p [P],
    path: impl Fn(&P) -> &str,
    architecture: Option<&str>,
    neighbours: &[String],
) -> Vec<&'p P> {
    let mut left: Vec<&P> = places.iter().collect();
    let mut keep = |fits: &dyn Fn(&str) -> bool| {
        let kept: Vec<&P> = left.iter().copied().filter(|place| fits(path(place))).collect();
        if !kept.is_empty() {
            left = kept;
        }
    };
    if let Some(own) = architecture {
        let below = format!("arch/{own}/");
        keep(&|path| !path.starts_with("arch/") || path.starts_with(&below));
    }
    keep(&|path| !NOT_RUNNING.iter().any(|folder| path.starts_with(folder)));
    keep(&|path| !path.contains("/boot/") && !path.contains("/vdso/"));
    keep(&|path| !path.ends_with(".h"));
    for near in neighbours {
        keep(&|path| path == near);
        let folder = |path: &str| path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
        keep(&|path| folder(path) == folder(near));
    }
    left
}

/// Folders whose functions do not run in a kernel, or only where somebody built the samples.
const NOT_RUNNING: [&str; 4] = ["tools/", "scripts/", "samples/", "arch/um/"];

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(places: &'a [&'a str], arch: Option<&str>, near: &[&str]) -> Vec<&'a str> {
        let near: Vec<String> = near.iter().map(|n| (*n).to_owned()).collect();
        meant(places, |p| p, arch, &near).into_iter().copied().collect()
    }

    #[test]
    fn other_architectures_headers_and_far_files_are_left_out() {
        let places = ["arch/arm64/kernel/a.c", "arch/x86/kernel/a.c"];
        assert_eq!(of(&places, Some("x86"), &[]), ["arch/x86/kernel/a.c"]);
        assert_eq!(of(&places, None, &[]).len(), 2);
        assert_eq!(of(&["include/linux/a.h", "fs/a.c"], None, &[]), ["fs/a.c"]);
        assert_eq!(of(&["include/linux/a.h"], None, &[]), ["include/linux/a.h"]);
        assert_eq!(of(&["fs/x/a.c", "fs/y/a.c"], None, &["fs/y/b.c"]), ["fs/y/a.c"]);
        assert_eq!(of(&["fs/x/a.c", "fs/y/a.c"], None, &["mm/b.c"]).len(), 2);
    }

    #[test]
    fn the_architecture_is_told_by_what_only_it_prints() {
        assert_eq!(architecture("RIP: 0010:pump+0x1/0x2"), Some("x86"));
        assert_eq!(architecture("Call Trace:"), None);
    }
}
