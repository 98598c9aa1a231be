//! Bad memory accesses that the processor reports, and damaged memory that the kernel finds.

use model::functions::Role;

use super::family::{Choice, Doubt, Family, Look, Shape};

const FAULT: &[Look] = &[Look::InstructionPointer, Look::Trace];
/// What takes pages and gives them back: the damage was done by whoever had them.
const PAGES: &[&str] = &["(?:free|put|get|update|release)_pages?", "^folios?_put", "^free_tail"];

/// What allocates for others, and the way into the kernel.
const LEAK_ROLES: &[Role] = &[Role::PageAllocator, Role::SyscallEntry];

pub(super) static FAMILIES: &[Family] = &[
    Family {
        header: "BUG: unable to handle",
        shapes: &[
            Shape {
                line: r"BUG: unable to handle kernel NULL pointer dereference",
                title: "BUG: unable to handle kernel NULL pointer dereference in {F}",
                also: &["bad-access in {F}"],
                function: FAULT,
                ..Shape::EMPTY
            },
            Shape {
                line: r"BUG: (?:unable to handle page fault for address|unable to handle kernel paging request)",
                title: "BUG: unable to handle kernel paging request in {F}",
                also: &["bad-access in {F}"],
                function: FAULT,
                ..Shape::EMPTY
            },
            Shape {
                line: r"BUG: unable to handle kernel",
                title: "BUG: unable to handle kernel",
                doubt: Doubt::Always,
                ..Shape::EMPTY
            },
        ],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: kernel NULL pointer dereference",
        shapes: &[Shape {
            line: r"BUG: kernel NULL pointer dereference",
            title: "BUG: unable to handle kernel NULL pointer dereference in {F}",
            also: &["bad-access in {F}"],
            function: FAULT,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    // powerpc: `BUG: Kernel NULL pointer dereference on read at 0x00000000`.
    Family {
        header: "BUG: Kernel NULL pointer dereference",
        shapes: &[Shape {
            line: r"BUG: Kernel NULL pointer dereference",
            title: "BUG: unable to handle kernel NULL pointer dereference in {F}",
            also: &["bad-access in {F}"],
            function: FAULT,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: Unable to handle kernel",
        shapes: &[
            Shape {
                line: r"BUG: Unable to handle kernel (?:data access|instruction fetch|paging request)",
                title: "BUG: unable to handle kernel paging request in {F}",
                also: &["bad-access in {F}"],
                function: FAULT,
                ..Shape::EMPTY
            },
            Shape {
                line: r"BUG: Unable to handle kernel NULL pointer dereference",
                title: "BUG: unable to handle kernel NULL pointer dereference in {F}",
                also: &["bad-access in {F}"],
                function: FAULT,
                ..Shape::EMPTY
            },
        ],
        ..Family::EMPTY
    },
    Family {
        header: "Unable to handle kernel",
        shapes: &[
            Shape {
                line: r"Unable to handle kernel NULL pointer dereference",
                title: "BUG: unable to handle kernel NULL pointer dereference in {F}",
                also: &["bad-access in {F}"],
                function: FAULT,
                ..Shape::EMPTY
            },
            Shape {
                line: r"Unable to handle kernel ",
                title: "BUG: unable to handle kernel paging request in {F}",
                also: &["bad-access in {F}"],
                function: FAULT,
                ..Shape::EMPTY
            },
        ],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: Bad page",
        shapes: &[
            Shape {
                line: r"BUG: Bad page state",
                title: "BUG: Bad page state in {F}",
                function: &[Look::Frames],
                roles: &[Role::PageAllocator],
                skip: PAGES,
                ..Shape::EMPTY
            },
            Shape { line: r"BUG: Bad page map", title: "BUG: Bad page map", ..Shape::EMPTY },
            Shape {
                line: r"BUG: Bad page cache",
                title: "BUG: Bad page cache in {F}",
                function: &[Look::Trace],
                skip: &[
                    "unaccount",
                    "delete_from_page_cache",
                    "remove_folio",
                    "^page_cache_delete",
                ],
                ..Shape::EMPTY
            },
        ],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: Bad rss-counter state",
        shapes: &[Shape {
            line: r"BUG: Bad rss-counter state",
            title: "BUG: Bad rss-counter state",
            doubt: Doubt::TraceOptional,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: non-zero ",
        shapes: &[
            Shape {
                line: r"BUG: non-zero nr_ptes on freeing mm",
                title: "BUG: non-zero nr_ptes on freeing mm",
                doubt: Doubt::TraceOptional,
                ..Shape::EMPTY
            },
            Shape {
                line: r"BUG: non-zero pgtables_bytes on freeing mm",
                title: "BUG: non-zero pgtables_bytes on freeing mm",
                doubt: Doubt::TraceOptional,
                ..Shape::EMPTY
            },
        ],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: Dentry",
        shapes: &[Shape {
            line: r"BUG: Dentry .*(still in use) \([0-9]+\) (\[unmount of \S+ \S+\])",
            title: "BUG: Dentry still in use in unmount",
            also: &["BUG: Dentry still in use {2}"],
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: memory leak",
        shapes: &[Shape {
            line: r"BUG: memory leak",
            then: &[r"^unreferenced object"],
            title: "memory leak in {F}",
            function: &[Look::After("backtrace")],
            roles: LEAK_ROLES,
            skip: &[
                "mmap",
                "alloc",
                "idr_get",
                "list_lru_init",
                "skb",
                "getname",
                "radix_tree",
                "xas_",
                "ERROR_PTR",
                "device_initialize",
                "device_private_init",
                "dev_set_name",
            ],
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "unreferenced object",
        shapes: &[Shape {
            line: r"unreferenced object 0x",
            title: "memory leak in {F}",
            function: &[Look::After("backtrace")],
            roles: LEAK_ROLES,
            skip: &["mmap", "alloc", "skb", "dup"],
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    // SLUB: `BUG kmalloc-64 (Not tainted): Poison overwritten`. KASAN of 4.x let it print its own reports.
    Family { header: "BUG kmalloc-", shapes: &[SLUB], ..Family::EMPTY },
    Family {
        header: "BUG ",
        except: &[r"[A-Za-z]BUG ", r"(?i)kernel BUG ", r"\): kasan: "],
        shapes: &[SLUB],
        ..Family::EMPTY
    },
    Family { header: "BUG: stack guard page was hit", shapes: &[STACK_GUARD], ..Family::EMPTY },
    Family {
        header: "BUG: TASK stack guard page was hit",
        shapes: &[STACK_GUARD],
        ..Family::EMPTY
    },
    Family { header: "BUG: IRQ stack guard page was hit", shapes: &[STACK_GUARD], ..Family::EMPTY },
];

const SLUB: Shape = Shape {
    line: r"BUG [^\s()]+ \((?:Not tainted|Tainted: .*?|[A-Z ]+)\): ([A-Z][A-Za-z ]* (?:overwritten|corrupt|already free)|Objects remaining |Invalid object pointer |Wrong |Attempt to free )",
    title: "BUG: {1}",
    ..Shape::EMPTY
};

const STACK_GUARD: Shape = Shape {
    line: r"BUG: (?:TASK |IRQ |[A-Z]+ )?stack guard page was hit",
    title: "BUG: stack guard page was hit in {F}",
    also: &["stack-overflow in {F}"],
    function: &[Look::Frames],
    choice: Choice::Entry,
    skip: &["stack_chk", "bad_stack"],
    ..Shape::EMPTY
};
