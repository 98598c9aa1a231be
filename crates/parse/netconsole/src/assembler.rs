//! The messages of one host, in order.

use std::collections::{BTreeMap, VecDeque};

use crate::message::{Message, message};

/// Messages that are held back because an earlier one may still come.
const WINDOW: usize = 256;
/// Fragments of messages that are not whole.
const PARTIAL: usize = 64;
/// Bytes of one message.
const LONGEST: usize = 64 << 10;
/// A sequence that begins so much lower is a new boot.
const REBOOT: u64 = 4_096;
/// Numbers of messages that are known to have come, to tell duplicates.
const REMEMBERED: usize = 1_024;

/// What came of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Whole messages.
    pub messages: u64,
    /// Messages that never came.
    pub lost: u64,
    /// Messages that came again.
    pub repeated: u64,
    /// Messages that came after they were given up.
    pub late: u64,
}

/// A message whose fragments come in.
#[derive(Debug, Default)]
struct Partial {
    text: Vec<u8>,
    have: usize,
    total: usize,
}

/// A whole message.
#[derive(Debug)]
struct Whole {
    micros: u64,
    goes_on: bool,
    text: Vec<u8>,
}

/// Puts the messages of one host in order.
#[derive(Debug, Default)]
pub struct Assembler {
    /// The sequence that comes next; `None` before the first message.
    next: Option<u64>,
    held: BTreeMap<u64, Whole>,
    partial: BTreeMap<u64, Partial>,
    given: VecDeque<u64>,
    /// Whether the last line is not ended yet.
    open: bool,
    counts: Counts,
}

impl Assembler {
    /// Takes a datagram; appends the text that is in order now.
    pub fn push(&mut self, datagram: &[u8], out: &mut Vec<u8>) {
        match message(datagram) {
            Message::Basic(text) => {
                self.counts.messages += 1;
                // A datagram is not a line: long lines are cut, several may stand in one.
                out.extend_from_slice(text);
            }
            Message::Extended { sequence, micros, goes_on, fragment, text, .. } => {
                let whole = match fragment {
                    None => Some(cut(text)),
                    Some(fragment) => self.join(sequence, fragment.offset, fragment.total, text),
                };
                if let Some(text) = whole {
                    self.take(sequence, Whole { micros, goes_on, text }, out);
                }
            }
        }
    }

    /// Gives what was held back: nothing earlier will come any more.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        while !self.held.is_empty() {
            self.skip(out);
            self.give_ready(out);
        }
        if self.open {
            out.push(b'\n');
            self.open = false;
        }
    }

    /// Whether messages are held back.
    pub fn is_waiting(&self) -> bool {
        !self.held.is_empty()
    }

    /// What came.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Adds a fragment; gives the message when it is whole.
    fn join(&mut self, sequence: u64, offset: usize, total: usize, text: &[u8]) -> Option<Vec<u8>> {
        if total > LONGEST || offset.checked_add(text.len()).is_none_or(|end| end > total) {
            return None;
        }
        if !self.partial.contains_key(&sequence) && self.partial.len() >= PARTIAL {
            // Its rest never came.
            self.partial.pop_first();
        }
        let partial = self.partial.entry(sequence).or_default();
        if partial.total != total {
            *partial = Partial { text: vec![0; total], have: 0, total };
        }
        // The same fragment again counts once: holes are marked by zeros, which the kernel never prints.
        let place = &mut partial.text[offset..offset + text.len()];
        if place.iter().all(|byte| *byte == 0) {
            place.copy_from_slice(text);
            partial.have += text.len();
        }
        if partial.have < total {
            return None;
        }
        self.partial.remove(&sequence).map(|partial| partial.text)
    }

    fn take(&mut self, sequence: u64, whole: Whole, out: &mut Vec<u8>) {
        let next = *self.next.get_or_insert(sequence);
        if sequence < next {
            if self.given.contains(&sequence) {
                self.counts.repeated += 1;
                return;
            }
            if next - sequence < REBOOT {
                self.counts.late += 1;
                return;
            }
            // The host was booted again.
            self.flush(out);
            self.given.clear();
            self.next = Some(sequence);
        }
        if self.held.insert(sequence, whole).is_some() {
            self.counts.repeated += 1;
        }
        self.give_ready(out);
        while self.held.len() > WINDOW {
            self.skip(out);
            self.give_ready(out);
        }
    }

    /// Gives up the messages before the first one that is held.
    fn skip(&mut self, out: &mut Vec<u8>) {
        let (Some(next), Some((&first, _))) = (self.next, self.held.first_key_value()) else {
            return;
        };
        if first > next {
            let lost = first - next;
            self.counts.lost += lost;
            if self.open {
                out.push(b'\n');
                self.open = false;
            }
            let range =
                if lost == 1 { format!("{next}") } else { format!("{next} to {}", first - 1) };
            out.extend_from_slice(format!("-- lost: {lost} ({range}) --\n").as_bytes());
            self.next = Some(first);
        }
    }

    fn give_ready(&mut self, out: &mut Vec<u8>) {
        while let Some(next) = self.next
            && let Some(whole) = self.held.remove(&next)
        {
            self.give(&whole, out);
            self.counts.messages += 1;
            self.given.push_back(next);
            if self.given.len() > REMEMBERED {
                self.given.pop_front();
            }
            self.next = Some(next.wrapping_add(1));
        }
    }

    fn give(&mut self, whole: &Whole, out: &mut Vec<u8>) {
        if self.open && !whole.goes_on {
            out.push(b'\n');
        }
        let stamp = format!("[{:5}.{:06}] ", whole.micros / 1_000_000, whole.micros % 1_000_000);
        let text = whole.text.strip_suffix(b"\n").unwrap_or(&whole.text);
        let mut begins = !(self.open && whole.goes_on);
        for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
            // Lines that begin with a blank hold names and values for programs.
            if at > 0 && line.starts_with(b" ") && line.contains(&b'=') {
                continue;
            }
            if at > 0 {
                out.push(b'\n');
                begins = true;
            }
            if begins {
                out.extend_from_slice(stamp.as_bytes());
            }
            out.extend_from_slice(line);
        }
        self.open = true;
    }
}

fn cut(text: &[u8]) -> Vec<u8> {
    text[..text.len().min(LONGEST)].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(datagrams: &[&str]) -> (String, Counts) {
        let (mut assembler, mut out) = (Assembler::default(), Vec::new());
        for datagram in datagrams {
            assembler.push(datagram.as_bytes(), &mut out);
        }
        assembler.flush(&mut out);
        (String::from_utf8(out).unwrap(), assembler.counts())
    }

    #[test]
    fn disorder_and_duplicates_make_no_difference() {
        let (text, counts) = lines(&[
            "6,10,1000000,-;a\n",
            "6,12,3000000,-;c\n",
            "6,11,2000000,-;b\n",
            "6,11,2000000,-;b\n",
            "6,13,4000000,-;d\n",
        ]);
        assert_eq!(
            text,
            "[    1.000000] a\n[    2.000000] b\n[    3.000000] c\n[    4.000000] d\n"
        );
        assert_eq!(counts, Counts { messages: 4, repeated: 1, ..Counts::default() });
    }

    #[test]
    fn a_lost_message_is_shown_where_it_was() {
        let (text, counts) = lines(&["6,1,1,-;a\n", "6,4,4,-;d\n"]);
        assert_eq!(text, "[    0.000001] a\n-- lost: 2 (2 to 3) --\n[    0.000004] d\n");
        assert_eq!(counts.lost, 2);
    }

    #[test]
    fn fragments_join_in_any_order_and_lines_go_on() {
        let (text, _) = lines(&[
            "6,416,1758426,-,ncfrag=10/16;second",
            "6,416,1758426,-,ncfrag=0/16;the first ",
            "6,416,1758426,-,ncfrag=0/16;the first ",
            "6,417,1758430,+; and more",
            "6,418,1758431,-;next\n SUBSYSTEM=usb\n DEVICE=c189:0\n",
        ]);
        assert_eq!(text, "[    1.758426] the first second and more\n[    1.758431] next\n");
    }

    #[test]
    fn a_new_boot_begins_anew_and_memory_stays_bounded() {
        let mut datagrams: Vec<String> =
            (90_000..90_010_u64).map(|n| format!("6,{n},{n},-;x\n")).collect();
        datagrams.push("6,0,0,-;Linux version 6.1\n".into());
        let datagrams: Vec<&str> = datagrams.iter().map(String::as_str).collect();
        let (text, counts) = lines(&datagrams);
        assert!(text.ends_with("[    0.000000] Linux version 6.1\n"));
        assert_eq!((counts.messages, counts.lost), (11, 0));
        let (mut assembler, mut out) = (Assembler::default(), Vec::new());
        for n in 0..100_000_u64 {
            assembler.push(format!("6,{},0,-,ncfrag=0/60000;x", n * 3).as_bytes(), &mut out);
            assembler.push(format!("6,{},0,-;x", n * 3 + 1).as_bytes(), &mut out);
        }
        assert!(assembler.held.len() <= WINDOW && assembler.partial.len() <= PARTIAL);
    }
}
