//! The prefixes that writers of logs put in front of a kernel message, taken off one at a time.
//!
//! Parsed by hand: this runs on every line around a report. A prefix that is not complete stays
//! part of the text, so nothing is lost.

use crate::line::{Caller, Stamp};
use crate::time::{self, Cursor};

/// More prefixes than this on one line are text: real ones nest four or five deep (a mail quote
/// of a syslog of a serial console), hostile ones without end.
const MOST_PREFIXES: usize = 32;

/// What the prefixes of a line said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Prefix {
    pub(crate) stamp: Option<Stamp>,
    /// The date of another writer in front of the kernel's own stamp.
    pub(crate) outer: Option<Stamp>,
    pub(crate) caller: Option<Caller>,
    pub(crate) level: Option<u8>,
    /// The message is of `/dev/kmsg` form and has `\x0a` escapes.
    pub(crate) escaped: bool,
}

/// Takes every known prefix off `line`; returns what they said and the message.
pub(crate) fn strip(line: &[u8]) -> (Prefix, &[u8]) {
    let mut prefix = Prefix::default();
    let mut cursor = Cursor::new(line);
    for _ in 0..MOST_PREFIXES {
        let mut next = cursor;
        let before = prefix.stamp;
        if step(&mut next, &mut prefix).is_none() {
            break;
        }
        if prefix.stamp != before && matches!(before, Some(Stamp::Wall(_) | Stamp::Yearless(_))) {
            prefix.outer = before;
        }
        cursor = next;
    }
    (prefix, cursor.rest())
}

/// Takes off one prefix, or fails and leaves `prefix` as it was.
fn step(cursor: &mut Cursor<'_>, prefix: &mut Prefix) -> Option<()> {
    match cursor.peek()? {
        b'[' => bracket(cursor, prefix),
        b'<' => priority(cursor, prefix),
        b'>' if prefix.stamp.is_none() => quote(cursor),
        b'0'..=b'9' => date_or_kmsg(cursor, prefix),
        // KERN_SOH, raw or as a terminal shows it, and the level it announces.
        b'\x01' => {
            cursor.at += 1;
            soh_level(cursor, prefix);
            Some(())
        }
        b'^' => {
            cursor.eat_all(b"^A")?;
            soh_level(cursor, prefix);
            matches!(cursor.peek(), Some(b'[' | b'<')).then_some(())
        }
        b' ' | b'\t' => indented(cursor, prefix),
        b'k' => facility(cursor, prefix).or_else(|| wall_broadcast(cursor)),
        b'A' | b'D' | b'F' | b'J' | b'M' | b'N' | b'O' | b'S' | b'T' | b'W' => {
            syslog(cursor, prefix)
        }
        0x80.. => foreign_date(cursor),
        _ => None,
    }
}

/// `кві 09 19:54:36 host kernel: `: a date whose month is written in another script. What it says of the time is
/// not used.
fn foreign_date(cursor: &mut Cursor<'_>) -> Option<()> {
    let mut inner = *cursor;
    inner.word()?;
    inner.spaces();
    inner.number(1, 2)?;
    inner.eat(b' ')?;
    time::clock(&mut inner)?;
    let before = inner.at;
    kernel_tag(&mut inner);
    (inner.at > before).then(|| *cursor = inner)
}

/// `> ` and `>>` of mail. KASAN marks the line of its memory dump by `>` too, but an address
/// follows at once.
fn quote(cursor: &mut Cursor<'_>) -> Option<()> {
    cursor.eat(b'>')?;
    match cursor.peek() {
        Some(b' ') => cursor.at += 1,
        None | Some(b'>' | b'[' | b'<' | b'\t') => {}
        Some(_) => return None,
    }
    Some(())
}

fn soh_level(cursor: &mut Cursor<'_>, prefix: &mut Prefix) {
    if let Some(level @ b'0'..=b'7') = cursor.peek() {
        prefix.level = Some(level - b'0');
        cursor.at += 1;
    }
}

/// `[   12.345678] `, `[  +0.000004] `, `[Jul25 00:42] `, `[Mon Jan  1 00:00:00 2024] `,
/// `[2024-01-01T00:00:00] `, `[   T12] `, `[    C1] `, `[name:lockdep&]`.
fn bracket(cursor: &mut Cursor<'_>, prefix: &mut Prefix) -> Option<()> {
    cursor.eat(b'[')?;
    let mut inner = *cursor;
    inner.spaces();
    match inner.peek()? {
        letter @ (b'T' | b'C') => {
            if let Some(caller) = caller(&mut inner, letter) {
                prefix.caller = Some(caller);
                *cursor = inner;
                let _ = cursor.eat(b' ');
                return Some(());
            }
        }
        b'n' => {
            inner.eat_all(b"name:")?;
            let end = memchr::memchr(b']', &inner.rest()[..inner.rest().len().min(64)])?;
            inner.at += end + 1;
            *cursor = inner;
            return Some(());
        }
        _ => {}
    }
    let attempts: [fn(&mut Cursor<'_>) -> Option<Stamp>; 4] =
        [time::seconds, time::minute_mark, time::ctime, time::iso];
    for attempt in attempts {
        let mut inner = *cursor;
        if let Some(stamp) = attempt(&mut inner)
            && close_bracket(&mut inner, prefix).is_some()
        {
            // The first stamp is the outermost writer's; the kernel's own, further in, is better.
            prefix.stamp = Some(stamp);
            *cursor = inner;
            journal_monotonic(cursor);
            return Some(());
        }
    }
    None
}

/// `]` and one space; some vendors put the CPU or the task inside the stamp's bracket
/// (`[    1.234567,0]`, `[   12.345678@1]`, `[   12.345678 / 01-01 00:00:00.000]`).
fn close_bracket(cursor: &mut Cursor<'_>, prefix: &mut Prefix) -> Option<()> {
    match cursor.peek()? {
        b',' | b'@' => {
            cursor.at += 1;
            let _ = cursor.eat(b'C');
            let cpu = cursor.number(1, 4)?;
            cursor.eat(b']')?;
            prefix.caller = u32::try_from(cpu).ok().map(Caller::Cpu);
        }
        _ => {
            cursor.spaces();
            // `<    0.000013>`, the time since the line before, of `dmesg -d`.
            if cursor.eat(b'<').is_some() {
                time::seconds(cursor)?;
                cursor.eat(b'>')?;
            }
            cursor.eat(b']')?;
        }
    }
    let _ = cursor.eat(b' ');
    Some(())
}

fn caller(cursor: &mut Cursor<'_>, letter: u8) -> Option<Caller> {
    cursor.at += 1;
    let number = u32::try_from(cursor.number(1, 9)?).ok()?;
    cursor.eat(b']')?;
    Some(if letter == b'T' { Caller::Task(number) } else { Caller::Cpu(number) })
}

/// `host kernel: ` after the stamp of `journalctl -o short-monotonic`.
fn journal_monotonic(cursor: &mut Cursor<'_>) {
    let mut inner = *cursor;
    if inner.word().is_some() && inner.eat_all(b" kernel: ").is_some() {
        *cursor = inner;
    }
}

/// `<6>` of printk and of syslog (the facility is dropped), and the version of RFC 5424.
fn priority(cursor: &mut Cursor<'_>, prefix: &mut Prefix) -> Option<()> {
    cursor.eat(b'<')?;
    let value = cursor.number(1, 3)?;
    cursor.eat(b'>')?;
    prefix.level = u8::try_from(value & 7).ok();
    let mut inner = *cursor;
    if inner.eat_all(b"1 ").is_some()
        && let Some(stamp) = time::iso(&mut inner)
        && rfc5424_fields(&mut inner).is_some()
    {
        prefix.stamp = Some(stamp);
        *cursor = inner;
    }
    Some(())
}

/// ` HOST APP PROCID MSGID STRUCTURED-DATA ` of RFC 5424.
fn rfc5424_fields(cursor: &mut Cursor<'_>) -> Option<()> {
    for _ in 0..4 {
        cursor.eat(b' ')?;
        cursor.word()?;
    }
    cursor.eat(b' ')?;
    if cursor.eat(b'-').is_none() {
        while cursor.peek() == Some(b'[') {
            let end = memchr::memchr(b']', cursor.rest())?;
            cursor.at += end + 1;
        }
    }
    let _ = cursor.eat(b' ');
    let _ = cursor.eat_all(b"\xef\xbb\xbf");
    Some(())
}

/// `2024-01-01T00:00:00.123456+00:00 host kernel: `, `1704067200.123456 host kernel: `,
/// `6,1234,567890,-;`.
fn date_or_kmsg(cursor: &mut Cursor<'_>, prefix: &mut Prefix) -> Option<()> {
    if unix_journal(cursor, prefix).is_some() {
        return Some(());
    }
    let mut inner = *cursor;
    if let Some(stamp) = time::iso(&mut inner) {
        separator(&mut inner)?;
        kernel_tag(&mut inner);
        prefix.stamp = Some(stamp);
        collector(&mut inner, prefix);
        *cursor = inner;
        return Some(());
    }
    kmsg(cursor, prefix)
        .or_else(|| logcat(cursor, prefix))
        .or_else(|| time_before_stamp(cursor))
        .or_else(|| bare_seconds(cursor, prefix))
}

/// `  123.456789:   <6> ` of programs that take a phone's log out of a memory dump.
fn bare_seconds(cursor: &mut Cursor<'_>, prefix: &mut Prefix) -> Option<()> {
    let mut inner = *cursor;
    let stamp = time::seconds(&mut inner)?;
    inner.eat(b':')?;
    inner.spaces();
    (inner.peek() == Some(b'<')).then_some(())?;
    priority(&mut inner, prefix)?;
    let _ = inner.eat(b' ');
    prefix.stamp = Some(stamp);
    *cursor = inner;
    Some(())
}

/// `11-21 03:42:50.123  0  0 W kernel  : ` of Android's logcat; the kernel's messages have no tag on some systems.
/// Those of programs keep theirs.
fn logcat(cursor: &mut Cursor<'_>, prefix: &mut Prefix) -> Option<()> {
    let mut inner = *cursor;
    let stamp = time::month_day(&mut inner)?;
    for _ in 0..2 {
        (inner.spaces() > 0).then_some(())?;
        inner.number(1, 7)?;
    }
    inner.eat(b' ')?;
    let level = match inner.peek()? {
        b'F' => 2,
        b'E' => 3,
        b'W' => 4,
        b'I' => 6,
        b'V' | b'D' => 7,
        _ => return None,
    };
    inner.at += 1;
    inner.eat(b' ')?;
    let mut tagged = inner;
    let _ = tagged.eat_all(b"kernel");
    tagged.spaces();
    if tagged.eat(b':').is_some() {
        let _ = tagged.eat(b' ');
        inner = tagged;
    }
    prefix.stamp = Some(stamp);
    prefix.level = Some(level);
    *cursor = inner;
    Some(())
}

/// `03:42:50 ` of a tool that writes the time of day before the kernel's own stamp; `03:42:50 kernel: ` where date
/// and host were cut off a journal.
fn time_before_stamp(cursor: &mut Cursor<'_>) -> Option<()> {
    let mut inner = *cursor;
    time::clock(&mut inner)?;
    inner.eat(b' ')?;
    let _ = inner.eat_all(b"kernel: ");
    while matches!(inner.peek(), Some(b'>' | b' ')) {
        inner.at += 1;
    }
    (inner.peek() == Some(b'[')).then(|| *cursor = inner)
}

/// What a collector of logs leaves behind its own head: ` host 6,1234,567890,-;` where it took extended
/// netconsole or `/dev/kmsg` for syslog, `#012` where the message began with a newline.
fn collector(cursor: &mut Cursor<'_>, prefix: &mut Prefix) {
    let mut inner = *cursor;
    inner.spaces();
    if inner.word().is_some() && inner.eat(b' ').is_some() && kmsg(&mut inner, prefix).is_some() {
        *cursor = inner;
    }
    while cursor.eat_all(b"#012").is_some() {}
}

/// `1704067200.123456 host kernel: ` of `journalctl -o short-unix`.
fn unix_journal(cursor: &mut Cursor<'_>, prefix: &mut Prefix) -> Option<()> {
    let mut inner = *cursor;
    let seconds = inner.number(9, 11)?;
    inner.eat(b'.')?;
    let micros = seconds * 1_000_000 + inner.fraction()?;
    inner.eat(b' ')?;
    let before = inner.at;
    kernel_tag(&mut inner);
    (inner.at > before).then(|| {
        prefix.stamp = Some(Stamp::Wall(micros));
        *cursor = inner;
    })
}

/// What stands between a date and the message: `: ` or one space. More spaces are the indentation
/// of the message.
fn separator(cursor: &mut Cursor<'_>) -> Option<()> {
    let _ = cursor.eat(b':');
    if cursor.peek().is_some() {
        cursor.eat(b' ')?;
    }
    Some(())
}

/// The record head of `/dev/kmsg` and extended netconsole: priority, sequence number,
/// microseconds, flags (and perhaps `caller=T12`), then `;`.
fn kmsg(cursor: &mut Cursor<'_>, prefix: &mut Prefix) -> Option<()> {
    let mut inner = *cursor;
    let priority = inner.number(1, 5)?;
    inner.eat(b',')?;
    inner.number(1, 18)?;
    inner.eat(b',')?;
    let micros = inner.number(1, 18)?;
    inner.eat(b',')?;
    let head = &inner.rest()[..inner.rest().len().min(128)];
    let end = memchr::memchr(b';', head)?;
    if let Some(at) = memchr::memmem::find(&head[..end], b"caller=") {
        let mut field = Cursor::new(&head[at + 7..end]);
        let letter = field.peek()?;
        field.at += 1;
        let number = u32::try_from(field.number(1, 9)?).ok()?;
        prefix.caller =
            Some(if letter == b'C' { Caller::Cpu(number) } else { Caller::Task(number) });
    }
    prefix.level = u8::try_from(priority & 7).ok();
    prefix.stamp = Some(Stamp::Boot(micros));
    prefix.escaped = true;
    inner.at += end + 1;
    *cursor = inner;
    Some(())
}

/// `kern  :info  : ` of `dmesg -x`.
fn facility(cursor: &mut Cursor<'_>, prefix: &mut Prefix) -> Option<()> {
    const LEVELS: [&[u8]; 8] =
        [b"emerg", b"alert", b"crit", b"err", b"warn", b"notice", b"info", b"debug"];
    let mut inner = *cursor;
    inner.eat_all(b"kern")?;
    inner.spaces();
    inner.eat(b':')?;
    let level = LEVELS.iter().position(|name| inner.rest().starts_with(name))?;
    inner.at += LEVELS[level].len();
    inner.spaces();
    inner.eat(b':')?;
    let _ = inner.eat(b' ');
    prefix.level = u8::try_from(level).ok();
    *cursor = inner;
    Some(())
}

/// `kernel:[ 12.345678] `: what `syslogd` writes on every terminal in an emergency; `kernel: ` where only date
/// and host were cut off a journal.
fn wall_broadcast(cursor: &mut Cursor<'_>) -> Option<()> {
    let mut inner = *cursor;
    inner.eat_all(b"kernel:")?;
    let blank = inner.eat(b' ').is_some();
    (blank || matches!(inner.peek(), Some(b'[' | b'<'))).then(|| *cursor = inner)
}

/// `Nov 21 03:42:50 host kernel: ` of RFC 3164 and of journals, and `Sat 2026-11-21 03:42:50 UTC
/// host kernel: ` of `journalctl -o short-full`.
fn syslog(cursor: &mut Cursor<'_>, prefix: &mut Prefix) -> Option<()> {
    let mut inner = *cursor;
    let stamp = time::month_day_time(&mut inner).or_else(|| {
        inner = *cursor;
        time::weekday_iso(&mut inner)
    })?;
    separator(&mut inner)?;
    kernel_tag(&mut inner);
    prefix.stamp = Some(stamp);
    collector(&mut inner, prefix);
    *cursor = inner;
    Some(())
}

/// Takes off `host kernel: `, `host kernel[0]: ` or `kernel: `. The lines of other programs keep
/// their `host program: `.
fn kernel_tag(cursor: &mut Cursor<'_>) {
    let mut with_host = *cursor;
    with_host.spaces();
    let tag = |at: &mut Cursor<'_>| -> Option<()> {
        at.eat_all(b"kernel")?;
        if at.eat(b'[').is_some() {
            at.number(1, 9)?;
            at.eat(b']')?;
        }
        at.eat(b':')?;
        let _ = at.eat(b' ');
        Some(())
    };
    let mut without_host = with_host;
    if tag(&mut without_host).is_some() {
        *cursor = without_host;
    } else if with_host.word().is_some()
        && with_host.eat(b' ').is_some()
        && tag(&mut with_host).is_some()
    {
        *cursor = with_host;
    }
}

/// A pasted log may be indented as a whole; the indentation goes only when a stamp follows it,
/// since indentation inside the message means something.
fn indented(cursor: &mut Cursor<'_>, prefix: &mut Prefix) -> Option<()> {
    let mut inner = *cursor;
    while matches!(inner.peek(), Some(b' ' | b'\t')) {
        inner.at += 1;
    }
    match inner.peek()? {
        b'[' => bracket(&mut inner, prefix)?,
        b'<' => priority(&mut inner, prefix)?,
        b'k' => wall_broadcast(&mut inner)?,
        b'>' => {}
        b'0'..=b'9' => date_or_kmsg(&mut inner, prefix)?,
        b'A'..=b'W' => syslog(&mut inner, prefix)?,
        _ => return None,
    }
    *cursor = inner;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, text: &str, stamp: Option<Stamp>) -> Prefix {
        let (prefix, rest) = strip(line.as_bytes());
        assert_eq!(String::from_utf8_lossy(rest), text);
        assert_eq!(prefix.stamp, stamp);
        prefix
    }

    #[test]
    fn printk_stamps_callers_and_levels() {
        let at = Some(Stamp::Boot(12_345_678));
        let prefix = check("<4>[   12.345678][   T77] BUG: x", "BUG: x", at);
        assert_eq!((prefix.level, prefix.caller), (Some(4), Some(Caller::Task(77))));
        let prefix = check("[   12.345678][    C1]  do_it+0x1/0x2", " do_it+0x1/0x2", at);
        assert_eq!(prefix.caller, Some(Caller::Cpu(1)));
        check("[  +0.000004]  <TASK>", " <TASK>", Some(Stamp::Delta(4)));
        check("\x016[   12.345678] x", "x", at);
    }

    #[test]
    fn text_that_looks_like_a_prefix_stays() {
        check(" <TASK>", " <TASK>", None);
        check("[<ffffffff81000000>] f+0x1/0x2", "[<ffffffff81000000>] f+0x1/0x2", None);
        check("[drm] ready", "[drm] ready", None);
        check("12 locks held", "12 locks held", None);
        check("Mar 99", "Mar 99", None);
    }

    #[test]
    fn syslog_and_journal_heads() {
        let day = 86_400_000_000;
        let second_of_january = Some(Stamp::Yearless(day));
        check("Jan  2 00:00:00 host kernel: [ 1.5] x", "x", Some(Stamp::Boot(1_500_000)));
        check("<13>Jan  2 00:00:00 host kernel: x", "x", second_of_january);
        check("Jan  2 00:00:00 host systemd[1]: x", "host systemd[1]: x", second_of_january);
        let noon = Some(Stamp::Wall(1_704_110_400_000_000));
        check("<34>1 2024-01-01T12:00:00Z host kernel - - - x", "x", noon);
        check("<34>1 2024-01-01T12:00:00Z host kernel - - [a b=\"c\"] x", "x", noon);
        check("2024-01-01T12:00:00+0000 host kernel: x", "x", noon);
        check("[    1.500000] host kernel: x", "x", Some(Stamp::Boot(1_500_000)));
        check("kern  :warn  : [ 1.5] x", "x", Some(Stamp::Boot(1_500_000)));
        check(" kernel:[ 1.5] x", "x", Some(Stamp::Boot(1_500_000)));
        check("kernel:  <TASK>", " <TASK>", None);
        check("01-02 00:00:00.000     0     0 W         : x", "x", second_of_january);
        check("01-02 00:00:00.000  0  0 E kernel  :  f+0x1/0x2", " f+0x1/0x2", second_of_january);
        check("01-02 00:00:00.000  71  80 I zygote: x", "zygote: x", second_of_january);
        check("03:42:50 [ 1.5] x", "x", Some(Stamp::Boot(1_500_000)));
        check("03:42:50 kernel: [ 1.5] x", "x", Some(Stamp::Boot(1_500_000)));
        check("03:42:50 no stamp", "03:42:50 no stamp", None);
        check("22150.607350:   <2>  f+0x1/0x2", " f+0x1/0x2", Some(Stamp::Boot(22_150_607_350)));
        check("\u{43a}\u{432}\u{456} 09 19:54:36 host kernel:  f+0x1/0x2", " f+0x1/0x2", None);
        check("Jan  2 00:00:00 host kernel: #012but", "but", second_of_january);
        check(
            "Jan  2 00:00:00 host 4,77,1500000,-,caller=T9; f+0x1/0x2",
            " f+0x1/0x2",
            Some(Stamp::Boot(1_500_000)),
        );
    }

    #[test]
    fn the_date_in_front_of_the_kernel_s_stamp_is_kept() {
        let prefix =
            check("Jan  2 00:00:00 host kernel: [ 1.5] x", "x", Some(Stamp::Boot(1_500_000)));
        assert_eq!(prefix.outer, Some(Stamp::Yearless(86_400_000_000)));
        assert_eq!(check("[ 1.5] x", "x", Some(Stamp::Boot(1_500_000))).outer, None);
    }

    #[test]
    fn kmsg_records_of_netconsole() {
        let prefix = check("6,1234,567890,-,caller=T12;text", "text", Some(Stamp::Boot(567_890)));
        assert_eq!((prefix.caller, prefix.level), (Some(Caller::Task(12)), Some(6)));
    }

    #[test]
    fn quotes_nest_and_are_bounded() {
        check("> > [ 1.5] x", "x", Some(Stamp::Boot(1_500_000)));
        let deep = ">".repeat(1_000_000);
        assert_eq!(strip(deep.as_bytes()).1.len(), 1_000_000 - MOST_PREFIXES);
    }

    #[test]
    fn the_mark_of_a_memory_dump_is_no_quote() {
        check(
            "[ 1.5] >ffff8801d5961a00: 00",
            ">ffff8801d5961a00: 00",
            Some(Stamp::Boot(1_500_000)),
        );
        check(">ffff8801d5961a00: 00", ">ffff8801d5961a00: 00", None);
    }

    #[test]
    fn dates_of_dmesg() {
        let noon = Some(Stamp::Wall(1_704_110_400_000_000));
        check("[Mon Jan  1 12:00:00 2024] x", "x", noon);
        check("2024-01-01T12:00:00,000000+00:00 x", "x", noon);
        let mark = Some(Stamp::MinuteMark { month: 7, day: 25, hour: 0, minute: 42 });
        check("[Jul25 00:42] x", "x", mark);
    }
}
