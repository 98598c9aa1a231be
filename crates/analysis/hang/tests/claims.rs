//! What is said of where an object was freed and of where the kernel was: each sample is a log in which a nearby but
//! wrong place is at hand.

mod support;

use analysis_hang::event::EventKind;
use analysis_hang::{Diagnosis, diagnose};
use model::{Grade, Predicate, Role, VerdictKind};

use support::words;

fn functions(diagnosis: &Diagnosis, role: Role) -> Vec<&str> {
    let each = diagnosis.statements.iter().filter_map(|said| match said.predicate() {
        Predicate::ObjectFunction { role: of, function } if *of == role => Some(function.as_str()),
        _ => None,
    });
    each.collect()
}

fn places(diagnosis: &Diagnosis) -> Vec<&str> {
    let each = diagnosis.statements.iter().filter_map(|said| match said.predicate() {
        Predicate::CrashPlace { function } => Some(function.as_str()),
        _ => None,
    });
    each.collect()
}

#[test]
fn the_end_mark_of_a_panic_is_no_second_one() {
    let log = "[  5.000000] Kernel panic - not syncing: shop closed\n[  5.000001] CPU: 1 PID: 40 Comm: clerk Not tainted 6.8.0 #3\n[  5.100000] ---[ end Kernel panic - not syncing: shop closed ]---\n";
    for log in [log.to_owned(), log.replace("[  5.000000] ", "").replace("[  5.100000] ", "")] {
        let diagnosis = diagnose(log.as_bytes());
        let panics = diagnosis.seen.events.iter().filter(|event| event.kind == EventKind::Panic);
        let panics: Vec<u64> = panics.map(|event| event.line).collect();
        assert_eq!(panics, [1]);
        assert_eq!(diagnosis.seen.events[0].repeats, 0);
    }
}

#[test]
fn a_value_that_a_free_left_unset_was_not_allocated_there() {
    let log = |hooks: &str| {
        format!(
            "BUG: KMSAN: uninit-value in shelf_read+0x10/0x80\n shelf_read+0x10/0x80\n shelf_ioctl+0x30/0x90\n\nUninit was created at:\n{hooks} shelf_change+0x40/0xa0\n shelf_ioctl+0x20/0x90\n\nCPU: 0 PID: 77 Comm: reader Not tainted 6.8.0 #3\n"
        )
    };
    let freed = log(
        " kmsan_save_stack_with_flags+0x3c/0x70\n kmsan_slab_free+0x120/0x180\n slab_free_freelist_hook+0x9/0x90\n kfree+0x5c/0x2f0\n",
    );
    let freed = diagnose(freed.as_bytes());
    assert_eq!(functions(&freed, Role::Free), ["shelf_change"]);
    assert!(functions(&freed, Role::Allocation).is_empty());
    let made = diagnose(log(" slab_post_alloc_hook+0x12/0x90\n __kmalloc+0x5c/0x2f0\n").as_bytes());
    assert_eq!(functions(&made, Role::Allocation), ["shelf_change"]);
    assert!(functions(&made, Role::Free).is_empty());
}

#[test]
fn a_jump_to_null_has_no_place_in_the_frames() {
    let log = |pointer: &str| {
        format!(
            "[  9.000000] BUG: kernel NULL pointer dereference, address: 0000000000000000\n[  9.000001] #PF: supervisor instruction fetch in kernel mode\n[  9.000002] Oops: 0010 [#1] SMP\n[  9.000003] CPU: 1 PID: 40 Comm: clerk Not tainted 6.8.0 #3\n[  9.000004] RIP: 0010:{pointer}\n[  9.000005] Code: Unable to access opcode bytes at 0xffffffffffffffd6.\n[  9.000006] Call Trace:\n[  9.000007]  <TASK>\n[  9.000008]  shop_notify+0x20/0x60\n[  9.000009]  shop_close+0x11/0x40\n"
        )
    };
    for pointer in ["0x0", "          (null)"] {
        let diagnosis = diagnose(log(pointer).as_bytes());
        assert!(places(&diagnosis).is_empty(), "{pointer}");
        let verdict = words(&diagnosis);
        assert!(!verdict.contains("shop_notify"), "{verdict}");
    }
    let named = diagnose(log("shop_ring+0x4/0x30").as_bytes());
    assert_eq!(places(&named), ["shop_ring"]);
}

fn kasan(what: &str) -> Diagnosis {
    let log = format!(
        "BUG: KASAN: {what} in shelf_read+0x10/0x80\nRead of size 8 at addr ffff888012345678 by task reader/77\n\nCPU: 0 PID: 77 Comm: reader Not tainted 6.8.0 #3\nCall Trace:\n <TASK>\n shelf_read+0x10/0x80\n shelf_ioctl+0x30/0x90\n </TASK>\n\nAllocated by task 70:\n kasan_save_stack+0x1/0x9\n __kasan_kmalloc+0x1/0x9\n shelf_build+0x40/0xa0\n\nFreed by task 66:\n set_track+0x1/0x9\n kfree+0x1/0x9\n shelf_scrap+0x40/0xa0\n"
    );
    diagnose(log.as_bytes())
}

#[test]
fn only_a_report_on_a_freed_object_tells_who_freed_it() {
    let freed = kasan("slab-use-after-free");
    assert_eq!(functions(&freed, Role::Free), ["shelf_scrap"]);
    assert!(freed.groups[0].key.ends_with("/freed in shelf_scrap"), "{}", freed.groups[0].key);
    let beyond = kasan("slab-out-of-bounds");
    assert_eq!(functions(&beyond, Role::Allocation), ["shelf_build"]);
    assert!(functions(&beyond, Role::Free).is_empty());
    assert!(!beyond.groups[0].key.contains("shelf_scrap"), "{}", beyond.groups[0].key);
}

fn callers(diagnosis: &Diagnosis) -> Vec<&str> {
    let each = diagnosis.statements.iter().filter_map(|said| match said.predicate() {
        Predicate::CalledBy { caller, .. } => Some(caller.as_str()),
        _ => None,
    });
    each.collect()
}

#[test]
fn a_caller_is_said_only_of_frames_that_adjoin() {
    let log = |between: &str, caller: &str| {
        format!(
            "[  9.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n[  9.000002] Oops: 0000 [#1] SMP\n[  9.000003] CPU: 1 PID: 40 Comm: clerk Not tainted 6.8.0 #3\n[  9.000004] RIP: 0010:shop_ring+0x4/0x30\n[  9.000006] Call Trace:\n[  9.000007]  <TASK>\n[  9.000008]  shop_ring+0x4/0x30\n{between}[  9.000009]  {caller}\n[  9.000010]  shop_close+0x11/0x40\n"
        )
    };
    let stale = "[  9.000008]  ? shop_old+0x1/0x9\n";
    for (between, caller, said) in [
        ("", "shop_notify+0x20/0x60", &["shop_notify"][..]),
        (stale, "shop_notify+0x20/0x60", &["shop_notify"]),
        ("...\n", "shop_notify+0x20/0x60", &[]),
        ("", "shop_notify+0x60/0x60", &[]),
    ] {
        let diagnosis = diagnose(log(between, caller).as_bytes());
        assert_eq!(callers(&diagnosis), said, "{between:?} {caller}");
    }
}

#[test]
fn a_link_register_that_names_a_third_function_hides_the_caller() {
    let log = |link: &str| {
        format!(
            "[  9.000000] Unable to handle kernel NULL pointer dereference at virtual address 0000000000000008\n[  9.000002] Internal error: Oops: 0000000096000004 [#1] SMP\n[  9.000003] CPU: 1 PID: 40 Comm: clerk Not tainted 6.8.0 #3\n[  9.000004] pc : shop_ring+0x4/0x30\n[  9.000005] lr : {link}+0x14/0x40\n[  9.000006] Call trace:\n[  9.000008]  shop_ring+0x4/0x30\n[  9.000009]  shop_notify+0x20/0x60\n[  9.000010]  shop_close+0x11/0x40\n"
        )
    };
    for (link, said) in [
        ("shop_ring", &["shop_notify"][..]),
        ("shop_notify", &["shop_notify"]),
        ("shop_hidden", &[]),
    ] {
        assert_eq!(callers(&diagnose(log(link).as_bytes())), said, "{link}");
    }
}

#[test]
fn a_lock_with_magic_zero_was_perhaps_never_initialised() {
    let log = |magic: &str| {
        format!(
            "[  9.000000] BUG: spinlock bad magic on CPU#1, clerk/40\n[  9.000001]  lock: 0xffff888012345678, .magic: {magic}, .owner: <none>/-1, .owner_cpu: 0\n[  9.000002] CPU: 1 PID: 40 Comm: clerk Not tainted 6.8.0 #3\n[  9.000003] Call Trace:\n[  9.000004]  shop_lock+0x20/0x60\n"
        )
    };
    let zero = diagnose(log("00000000").as_bytes()).verdict;
    assert_eq!((zero.kind, zero.grade), (VerdictKind::Misuse, Grade::Guess));
    assert!(zero.lines.iter().any(|lines| lines.contains(2)));
    let other = diagnose(log("6b6b6b6b").as_bytes()).verdict;
    assert_eq!(other.kind, VerdictKind::MemoryCorruption);
}

/// What the kernel's own code says of the warnings of a log.
fn messages(log: &str) -> Vec<String> {
    let diagnosis = diagnose(log.as_bytes());
    let each = diagnosis.statements.iter().filter_map(|said| match said.predicate() {
        Predicate::Message { text } => Some(text.clone()),
        _ => None,
    });
    each.collect()
}

#[test]
fn r83_a_warning_has_the_message_that_stands_before_or_behind_its_headline() {
    const CUT: &str = "------------[ cut here ]------------\n";
    const HEAD: &str = "WARNING: CPU: 2 PID: 71 at shop/till.c:40 till_close+0x11/0x40\n";
    const REST: &str = "Modules linked in: shop\nCPU: 2 PID: 71 Comm: clerk Not tainted 6.8.0 #3\nRIP: 0010:till_close+0x11/0x40\nCall Trace:\n shop_close+0x1/0x9\n";
    let before = format!("shop: open\n{CUT}till 3: 7 coins too many\nof 40\n{HEAD}{REST}");
    assert_eq!(messages(&before), ["till 3: 7 coins too many of 40"]);
    let behind = format!("shop: open\n{CUT}{HEAD}till 3: 7 coins too many\n{REST}");
    assert_eq!(messages(&behind), ["till 3: 7 coins too many"]);
    // Neither what came before the mark nor what a dump holds.
    assert!(messages(&format!("shop: open\n{CUT}{HEAD}{REST}")).is_empty());
    // A mail program broke the headline before its function.
    let broken = HEAD.replace(":40 ", ":40\n");
    let broken = format!("{CUT}till 3: 7 coins too many\n{broken}{REST}");
    assert_eq!(messages(&broken), ["till 3: 7 coins too many"]);
    assert_eq!(places(&diagnose(broken.as_bytes())), ["till_close"]);
}

#[test]
fn a_stack_without_a_known_report_is_not_called_no_report() {
    let log = "CPU: 0 PID: 0 Comm: swapper/0 Not tainted 6.8.0 #2\nRIP: 0010:till_close+0x3f/0x50\nCall Trace:\n shop_close+0x1/0x9\n";
    let told = words(&diagnose(log.as_bytes()));
    assert!(told.contains("A call trace stands at L3"), "{told}");
    assert!(words(&diagnose(b"shop: open\n")).contains("No report"), "{told}");
}

#[test]
fn r88_the_caller_of_a_warning_is_the_frame_behind_its_instruction_pointer() {
    let log = "WARNING: CPU: 2 PID: 71 at shop/till.c:40 till_close+0x11/0x40\nCPU: 2 PID: 71 Comm: clerk Not tainted 6.8.0 #3\nRIP: 0010:till_close+0x11/0x40\nCall Trace:\n ? __warn+0x1/0x9\n shop_close+0x1/0x9\n ksys_close+0x1/0x9\n";
    let diagnosis = diagnose(log.as_bytes());
    let calls = diagnosis.statements.iter().any(|said| {
        matches!(said.predicate(), Predicate::CalledBy { function, caller }
            if function == "till_close" && caller == "shop_close")
    });
    assert!(calls, "{:?}", diagnosis.statements);
}

#[test]
fn the_messages_just_before_the_first_report_are_told_and_older_ones_are_not() {
    let log = "[    7.000000] shop: open\n[    9.000000] till: bad superblock\n[    9.000400] till: cannot read slot 2\n[    9.001000] divide error: 0000 [#1] SMP\n[    9.001001] CPU: 2 PID: 71 Comm: clerk Not tainted 6.8.0 #3\n[    9.001002] RIP: 0010:till_open+0x11/0x40\n";
    let diagnosis = diagnose(log.as_bytes());
    let told: Vec<&str> = diagnosis
        .statements
        .iter()
        .filter_map(|said| match said.predicate() {
            Predicate::Remark { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["till: bad superblock", "till: cannot read slot 2"]);
}
