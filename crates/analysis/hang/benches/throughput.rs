//! Speed on 100 MB of log with 1,000 stalls, as a ratio to counting lines and to finding reports in the
//! same bytes. Prints figures; decides nothing.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::time::Instant;

use analysis_hang::{LogReader, conclude};
use analysis_identity::LogReader as ReportReader;

const SIZE: usize = 100 << 20;
const STALLS: usize = 1_000;
const PIECE: usize = 1 << 20;

fn log() -> Vec<u8> {
    let mut log = String::with_capacity(SIZE + 4096);
    let mut clock = 1_000_000u64;
    let mut stall = 0;
    while log.len() < SIZE {
        clock += 137;
        let (seconds, micros) = (clock / 1_000_000, clock % 1_000_000);
        if log.len() / (SIZE / STALLS) > stall {
            stall += 1;
            let number = 4 * stall + 1;
            let stamp = format!("[{seconds:5}.{micros:06}]");
            log += &format!(
                "{stamp} rcu: INFO: rcu_sched detected stalls on CPUs/tasks:\n{stamp} rcu: \t3-...0: (1 GPs behind) idle=59a/1/0x4000000000000000 softirq=8266/8267 fqs=5250\n{stamp} rcu: \t(detected by 1, t=21002 jiffies, g={number}, q=481 ncpus=8)\n{stamp} Sending NMI from CPU 1 to CPUs 3:\n{stamp} NMI backtrace for cpu 3\n{stamp} CPU: 3 PID: 77 Comm: worker Not tainted 6.6.0 #1\n{stamp} RIP: 0010:frob_all+0x12/0x90\n{stamp} Call Trace:\n{stamp}  <TASK>\n"
            );
            for frame in 0..30 {
                log += &format!("{stamp}  frob_step_{frame}+0x{frame:x}1/0x200\n");
            }
            log += &format!("{stamp}  </TASK>\n");
        }
        log += &format!(
            "[{seconds:5}.{micros:06}] usb 1-1.{}: new high-speed USB device number {} using xhci_hcd\n",
            clock % 9,
            clock % 97
        );
    }
    log.into_bytes()
}

fn timed(name: &str, bytes: usize, mut work: impl FnMut() -> usize) -> f64 {
    let start = Instant::now();
    let found = black_box(work());
    let rate = bytes as f64 / 1e6 / start.elapsed().as_secs_f64();
    println!("{name:12} {rate:8.0} MB/s, found {found}");
    rate
}

fn main() {
    let log = log();
    let lines = timed("count lines", log.len(), || memchr::memchr_iter(b'\n', &log).count());
    let report = timed("report", log.len(), || {
        let mut reader = ReportReader::new();
        log.chunks(PIECE).for_each(|piece| reader.push(piece));
        reader.finish().reports.len()
    });
    let diagnose = timed("diagnose", log.len(), || {
        let mut reader = LogReader::new();
        log.chunks(PIECE).for_each(|piece| reader.push(piece));
        conclude(reader.finish()).seen.events.len()
    });
    println!("diagnose / report      {:.2}", diagnose / report);
    println!("diagnose / count lines {:.3}", diagnose / lines);
}
