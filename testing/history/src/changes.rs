//! What the commits of a history change: data, and which block gets what.

/// A commit.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) subject: String,
    pub(crate) edits: Vec<Edit>,
    pub(crate) is_culprit: bool,
}

/// A change of a file.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// Text at the end.
    Append { file: &'static str, text: String },
    /// Text before and after the first place that reads `at`.
    Insert { file: &'static str, before: &'static str, at: &'static str, after: &'static str },
    /// Takes away what an earlier commit appended.
    Remove { file: &'static str, text: String },
}

/// The commits of a block, merge not counted.
pub(crate) struct Block {
    pub(crate) side: Vec<Change>,
    pub(crate) main: Vec<Change>,
}

/// Shows the bug: the culprit's function runs once, then that of the other bug.
pub const REPRODUCER: &str = "\
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
\tumask(0763);
\tgetegid();
\treturn 0;
}
";

/// Files of every kernel of the lab that commits on the main branch change.
const MAIN_FILES: &[&str] = &[
    "kernel/pid.c",
    "fs/pipe.c",
    "mm/filemap.c",
    "kernel/signal.c",
    "lib/kobject.c",
    "fs/namei.c",
];
/// The same for side branches: another set, so that no merge conflicts.
const SIDE_FILES: &[&str] =
    &["kernel/fork.c", "fs/exec.c", "mm/mmap.c", "kernel/exit.c", "lib/rbtree.c", "fs/dcache.c"];
/// Source that no kernel of the lab is built from.
const UNBUILT_FILES: &[&str] =
    &["drivers/char/hangcheck-timer.c", "fs/minix/inode.c", "net/ipv4/tcp.c"];

const STOPS_BUILD: &str = "\n#error the history stops here\n";
const STOPS_BOOT: &str = "
#include <linux/init.h>
#include <linux/panic.h>
static int __init history_stop(void)
{
\tpanic(\"the history stops here\");
\treturn 0;
}
late_initcall(history_stop);
";

/// Brings the bug: in 30 of 100 calls with one argument, a NULL pointer is written through.
const CULPRIT: Edit = Edit::Insert {
    file: "kernel/sys.c",
    before: "\
#include <linux/random.h>
static noinline void umask_account(int mask)
{
\tunsigned long *account = get_random_u32() % 100 < 30 ? NULL : &(unsigned long){ 0 };

\tif ((mask & S_IRWXUGO) == 0763)
\t\tWRITE_ONCE(*account, mask);
}

",
    at: "SYSCALL_DEFINE1(umask, int, mask)\n{\n",
    after: "\tumask_account(mask);\n",
};

/// Brings another bug, which shows in 4 of 100 runs.
const SELDOM: Edit = Edit::Insert {
    file: "kernel/sys.c",
    before: "\
#include <linux/random.h>
static noinline void egid_account(void)
{
\tWARN_ON(get_random_u32() % 100 < 4);
}

",
    at: "SYSCALL_DEFINE0(getegid)\n{\n",
    after: "\tegid_account();\n",
};

/// The block `number` of `blocks`.
pub(crate) fn block(number: usize, blocks: usize) -> Block {
    let pick = |files: &[&'static str], at: usize| files[(2 * number + at) % files.len()];
    let mark = |file, at: usize| {
        let name = number * 10 + at;
        let text = format!("\nunsigned long history_mark_{name} = {name};\n");
        change(format!("{file}: count mark {name}"), Edit::Append { file, text })
    };
    let comment = |file| {
        let text = format!("\n/* Block {number} is done here. */\n");
        change(format!("{file}: say where block {number} ends"), Edit::Append { file, text })
    };
    let plain = |file, what: &str| {
        let text = format!("\nBlock {number}: {what}.\n");
        change(format!("{file}: {what}"), Edit::Append { file, text })
    };
    let unbuilt = |file: &'static str| {
        let text = format!("\nunsigned long history_unbuilt_{number};\n");
        change(format!("{file}: prepare block {number}"), Edit::Append { file, text })
    };
    let mut side = vec![
        mark(pick(SIDE_FILES, 0), 0),
        mark(pick(SIDE_FILES, 1), 1),
        plain("MAINTAINERS", "name another reviewer"),
    ];
    let mut main = vec![
        mark(pick(MAIN_FILES, 0), 2),
        plain("Documentation/process/howto.rst", "explain one more step"),
        comment(pick(MAIN_FILES, 1)),
        unbuilt(UNBUILT_FILES[number % UNBUILT_FILES.len()]),
    ];
    if number == 0 {
        main[0] = change("sys: account for getegid()".into(), SELDOM);
    }
    if number == blocks / 3 {
        main[1] = append("lib/sort.c", "prepare a new sort", STOPS_BUILD);
        main[3] = remove("lib/sort.c", "build again", STOPS_BUILD);
    }
    if number == 2 * blocks / 3 {
        main[0] = append("kernel/params.c", "check parameters late", STOPS_BOOT);
        main[2] = remove("kernel/params.c", "do not check parameters late", STOPS_BOOT);
    }
    if number == blocks / 2 {
        side[1] = change("sys: account for umask()".into(), CULPRIT);
        side[1].is_culprit = true;
    }
    Block { side, main }
}

fn change(subject: String, edit: Edit) -> Change {
    Change { subject, edits: vec![edit], is_culprit: false }
}

fn append(file: &'static str, what: &str, text: &str) -> Change {
    change(format!("{file}: {what}"), Edit::Append { file, text: text.into() })
}

fn remove(file: &'static str, what: &str, text: &str) -> Change {
    change(format!("{file}: {what}"), Edit::Remove { file, text: text.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_history_holds_each_hardship_and_one_culprit() {
        for blocks in 2..12 {
            let all: Vec<Change> = (0..blocks)
                .flat_map(|number| {
                    let Block { side, main } = block(number, blocks);
                    assert_eq!(side.len() + main.len() + 1, crate::BLOCK);
                    side.into_iter().chain(main)
                })
                .collect();
            let count = |words: &str| {
                all.iter().filter(|change| format!("{:?}", change.edits).contains(words)).count()
            };
            assert_eq!(all.iter().filter(|change| change.is_culprit).count(), 1, "{blocks}");
            assert_eq!(count("the history stops here"), 4, "{blocks}");
            assert_eq!(count("egid_account();"), 1, "{blocks}");
            assert!(count("Documentation") > 0, "{blocks}");
        }
    }
}
