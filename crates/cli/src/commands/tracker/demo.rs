//! A record to look around in: the project's recorded crashes, as if they had come in over some weeks.

use app_tracker::{Error, Origin, Tracker, file_log};
use model::tracker::{Action, Filter, Fix, NewCrash, NewReproducer, ReproducerLevel};

/// Weeks that the demonstration covers.
const DAYS: i64 = 60;
const DAY: i64 = 86_400;

macro_rules! recorded {
    ($kernel:literal, $($name:literal)*) => {
        &[$(include_bytes!(concat!(
            "../../../../../testing/faults/recorded/", $kernel, "/", $name, ".log"
        ))),*]
    };
}

/// The logs, by kernel.
const LOGS: &[&[&[u8]]] = &[
    recorded!("debian-6.1", "mutex_abba" "null_dereference" "warning" "completion_never" "oops_holding_mutex" "loop_preempt_off" "refcount_underflow" "semaphore_lost"),
    recorded!("debian-6.12", "mutex_abba" "null_dereference" "warning" "rcu_thread_starved" "use_after_free" "sleep_in_atomic" "call_to_deaf_cpu" "stack_overflow" "list_corruption" "workqueue_hog"),
    recorded!("lab-6.12-debug", "lockdep_circular" "use_after_free" "out_of_bounds" "null_dereference" "suspicious_rcu" "lockdep_irq_inversion"),
];

/// A program that provokes one of the crashes, in short.
const REPRODUCER: &[u8] = b"// Opens the device and resets it while nothing is attached.\n#include <fcntl.h>\n#include <unistd.h>\n\nint main(void)\n{\n\tint fd = open(\"/proc/fault\", O_WRONLY);\n\n\treturn write(fd, \"reset\\n\", 6) == 6 ? 0 : 1;\n}\n";

/// Fills a record.
pub(super) fn fill(tracker: &Tracker, now: i64) -> Result<(), Error> {
    let machines = ["ci-7", "ci-12", "rack3-node1", "rack3-node4", "laptop-anna"];
    // A small generator of numbers, the same each time.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut chance = move |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut crashes: Vec<NewCrash> = Vec::new();
    for logs in LOGS {
        for log in *logs {
            let filed = file_log(log, &Origin::default());
            let often = 1 + chance(4) * chance(14);
            let since = 3 + chance(DAYS as u64 - 3) as i64;
            for copy in 0..often {
                let ago = chance(since as u64 * DAY as u64) as i64;
                let machine = machines[chance(machines.len() as u64) as usize];
                crashes.extend(filed.iter().map(|crash| NewCrash {
                    key: crash.key.as_ref().map(|key| format!("demo {copy} {key}")),
                    time: now - ago,
                    machine: machine.to_owned(),
                    source: "recorded".to_owned(),
                    ..crash.clone()
                }));
            }
        }
    }
    crashes.sort_by_key(|crash| crash.time);
    if let Some(crash) =
        crashes.iter_mut().rev().find(|crash| crash.identity.title.contains("NULL pointer"))
    {
        crash.reproducers.push(NewReproducer {
            level: ReproducerLevel::C,
            options: String::new(),
            text: REPRODUCER.to_vec(),
        });
    }
    for crash in &crashes {
        tracker.ingest(std::slice::from_ref(crash), "demo", crash.time)?;
    }
    say(tracker, now)
}

/// What people said of some of the bugs.
fn say(tracker: &Tracker, now: i64) -> Result<(), Error> {
    let fix = |title: &str, hash: &str| Action::Fix {
        fixes: vec![Fix { title: title.into(), hash: Some(hash.into()) }],
    };
    let reported = || Action::Report { stage: "linux-kernel".into(), message_id: None };
    let note = "also seen on the staging rack after the firmware update";
    let link = "https://lists.example.org/20260401.1";
    let steps: [(&str, Action, &str, &str); 10] = [
        ("queue_leave", reported(), "anna", ""),
        (
            "queue_leave",
            Action::Label { name: "subsystems".into(), value: "mm".into() },
            "anna",
            "",
        ),
        ("bank_credit", reported(), "ben", ""),
        (
            "bank_credit",
            fix("bank: take both locks in one order", "3f1c0de5a1b2"),
            "ben",
            "v2 was applied",
        ),
        ("search_index", Action::Note { text: note.into() }, "anna", ""),
        ("proc_reg_write", Action::Invalid, "ben", "the test writes past its own buffer"),
        ("booth_print_one", reported(), "anna", ""),
        ("booth_print_one", Action::Propose { link: link.into() }, "carla", ""),
        ("ledger_sum", Action::Label { name: "prio".into(), value: "high".into() }, "carla", ""),
        ("club_leave", Action::Invalid, "carla", "the counter is the test's own"),
    ];
    for (at, (text, action, who, why)) in steps.into_iter().enumerate() {
        let filter = Filter { text: text.to_owned(), limit: 1, ..Filter::default() };
        for bug in tracker.read().bugs(&filter)?.bugs {
            tracker.act(bug.id, &action, who, why, now - 30_000 + at as i64 * 600)?;
        }
    }
    Ok(())
}
