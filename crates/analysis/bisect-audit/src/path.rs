//! What kinds of files a commit changes, as far as that decides what it can do to a kernel.

use parse_bisect_log::ChangedPath;

/// Paths that never reach a kernel image. A row is the start of a path.
const NOT_BUILT: &[&str] = &[
    "Documentation/",
    "MAINTAINERS",
    "CREDITS",
    "COPYING",
    "LICENSES/",
    "README",
    ".mailmap",
    ".gitignore",
    ".get_maintainer.ignore",
    ".clang-format",
    "tools/",
];

/// Parts of `tools/` that take part in building a kernel.
const BUILD_TOOLS: &[&str] = &[
    "tools/objtool/",
    "tools/lib/",
    "tools/include/",
    "tools/build/",
    "tools/bpf/resolve_btfids/",
];

/// Endings of files that are no part of an image of any configuration.
const NOT_BUILT_ENDINGS: &[&str] = &[".rst", ".md", ".txt", "_defconfig"];

/// Where the checkers live that find bugs of others. A commit there makes crashes visible, or makes false
/// ones: 3 of 170 right answers touch such a file, 22 of 211 wrong ones.
const DETECTORS: &[&str] = &[
    "arch/x86/mm/kasan",
    "include/linux/irqflags",
    "include/linux/kasan",
    "include/linux/lockdep",
    "include/linux/ref_tracker",
    "kernel/kcsan",
    "kernel/locking/irqflag",
    "kernel/locking/lockdep",
    "kernel/rcu/",
    "lib/Kconfig.",
    "lib/debugobjects",
    "lib/fault-inject",
    "lib/ref_tracker",
    "lib/ubsan",
    "mm/kasan",
    "mm/kfence",
    "mm/kmemleak",
    "mm/kmsan",
];

/// Code that is on every stack and so says nothing about the bug behind it.
const COMMON: &[&str] = &[
    "arch/",
    "drivers/base/",
    "fs/file",
    "fs/inode.",
    "fs/ioctl.",
    "fs/namei.",
    "fs/namespace.",
    "fs/open.",
    "fs/read_write.",
    "fs/select.",
    "fs/splice.",
    "fs/super.",
    "include/",
    "kernel/",
    "lib/",
    "mm/filemap",
    "mm/gup",
    "mm/kasan",
    "mm/kmemleak",
    "mm/kmsan",
    "mm/maccess",
    "mm/memory.",
    "mm/mmap",
    "mm/page_alloc",
    "mm/slab",
    "mm/slub",
    "mm/util.",
    "mm/vmalloc",
    "net/core/dev.",
    "net/core/skbuff.",
    "net/core/sock.",
    "net/netlink/af_netlink.",
    "net/socket.",
];

fn starts(path: &str, table: &[&str]) -> bool {
    table.iter().any(|start| path.starts_with(start))
}

/// Whether the path cannot reach a kernel image for `arch` (a directory of `arch/`), if that is known.
pub(crate) fn is_not_built(path: &ChangedPath, arch: Option<&str>) -> bool {
    let text = path.text();
    if let ChangedPath::Tree(tree) = path {
        return matches!(tree.as_str(), "Documentation" | "LICENSES");
    }
    if NOT_BUILT_ENDINGS.iter().any(|end| text.ends_with(end)) {
        return true;
    }
    if matches!(path, ChangedPath::Tail(_)) {
        // The start is cut off, and with it what tells.
        return text.ends_with(".dts") || text.ends_with(".dtsi");
    }
    if starts(text, BUILD_TOOLS) {
        return false;
    }
    if let (Some(arch), Some((of, _))) =
        (arch, text.strip_prefix("arch/").and_then(|rest| rest.split_once('/')))
    {
        return of != arch;
    }
    starts(text, NOT_BUILT)
}

/// Whether the path belongs to a checker.
pub(crate) fn is_detector(path: &ChangedPath) -> bool {
    !matches!(path, ChangedPath::Tree(_)) && starts(path.text(), DETECTORS)
}

/// Whether the file is on every stack.
pub(crate) fn is_common(file: &str) -> bool {
    starts(file, COMMON)
}

/// The directory of a path.
pub(crate) fn directory(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(directory, _)| directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> ChangedPath {
        ChangedPath::File(path.to_owned())
    }

    #[test]
    fn only_what_cannot_reach_an_image_is_called_so() {
        let not_built = |path: &str, arch| is_not_built(&file(path), arch);
        assert!(not_built("MAINTAINERS", None) && not_built("Documentation/x.c", None));
        assert!(not_built("tools/testing/selftests/lkdtm/config", None));
        assert!(!not_built("tools/objtool/check.c", None), "objtool rewrites objects");
        assert!(!not_built("arch/arm/mm/fault.c", None), "nobody said which architecture");
        assert!(not_built("arch/arm/mm/fault.c", Some("x86")));
        assert!(!not_built("arch/x86/mm/fault.c", Some("x86")));
        assert!(!not_built("drivers/pinctrl/Kconfig", Some("x86")));
    }

    #[test]
    fn a_checker_is_told_by_its_path() {
        assert!(is_detector(&file("kernel/locking/lockdep.c")));
        assert!(!is_detector(&file("kernel/locking/mutex.c")));
        assert!(!is_detector(&ChangedPath::Tree("kernel".to_owned())));
    }
}
