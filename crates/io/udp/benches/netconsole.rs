//! Messages of netconsole over the loopback: how many come through at a given rate, and what is lost by whom.
//!
//! `cargo bench -p io-udp --bench netconsole -- [MESSAGES A SECOND] [SECONDS]`; 100,000 for 10 seconds if not said
//! otherwise.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use io_udp::Listener;
use parse_netconsole::Assembler;

/// Messages that are sent together.
const BURST: u64 = 50;

#[expect(clippy::print_stdout, reason = "what a measurement is for")]
fn main() {
    let words: Vec<u64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let (rate, seconds) =
        (words.first().copied().unwrap_or(100_000), words.get(1).copied().unwrap_or(10));
    let total = rate * seconds;
    let listener = Listener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.address();
    let sent_all = AtomicBool::new(false);
    let (counts, bytes, took, took_to_send) = std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
            socket.connect(address).expect("an address");
            let start = Instant::now();
            for number in 0..total {
                let text = format!(
                    "6,{number},{number},-;nvme nvme0: I/O {number} QID 3 timeout, completion polled\n"
                );
                socket.send(text.as_bytes()).expect("the loopback takes it");
                if number % BURST == 0 {
                    let due = Duration::from_secs_f64(number as f64 / rate as f64);
                    std::thread::sleep(due.saturating_sub(start.elapsed()));
                }
            }
            sent_all.store(true, Ordering::Release);
            start.elapsed()
        });
        let start = Instant::now();
        let mut assembler = Assembler::default();
        let (mut out, mut bytes) = (Vec::new(), 0_u64);
        loop {
            match listener.next(Duration::from_millis(500)) {
                Some(batch) => {
                    for (_, datagram) in batch {
                        out.clear();
                        assembler.push(&datagram, &mut out);
                        bytes += out.len() as u64;
                    }
                }
                None if sent_all.load(Ordering::Acquire) => break,
                None => {}
            }
        }
        out.clear();
        assembler.flush(&mut out);
        (
            assembler.counts(),
            bytes + out.len() as u64,
            start.elapsed(),
            sender.join().expect("it ends"),
        )
    });
    let lost = total.saturating_sub(counts.messages);
    let ours = listener.dropped();
    println!(
        "{total} messages sent in {:.2} s ({:.0} a second), {} came, {bytes} bytes, {:.2} s in all",
        took_to_send.as_secs_f64(),
        total as f64 / took_to_send.as_secs_f64(),
        counts.messages,
        took.as_secs_f64(),
    );
    println!(
        "lost {lost} ({:.4} %): {ours} ({:.4} %) because we took them too late, {} before they reached the socket",
        100.0 * lost as f64 / total as f64,
        100.0 * ours as f64 / total as f64,
        lost.saturating_sub(ours),
    );
}
