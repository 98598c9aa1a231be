//! When each message was sent (rules T1, T3), from its header, from the quotes that date it, or from
//! its age on a page once other messages of the page fix when the page was made.

use parse_mail::{Message, age_range};

use crate::model::{Entry, Kind, When};
use crate::replies::Replied;

const UNKNOWN: When = When {
    low: i64::MIN,
    high: i64::MAX,
    is_exact: false,
    has_seconds: false,
    is_unknown: true,
    line: 0,
};

/// Finds all times and puts the messages in order.
pub(crate) fn order(messages: &[Message], replied: &[Replied]) -> Vec<Entry> {
    let mut when: Vec<When> = replied
        .iter()
        .map(|r| {
            let message = &messages[r.message];
            match message.date {
                Some(date) => When {
                    low: date.seconds,
                    high: date.seconds,
                    is_exact: true,
                    has_seconds: date.zone.is_some(),
                    is_unknown: false,
                    line: message.lines.first,
                },
                None => When { line: message.lines.first, ..UNKNOWN },
            }
        })
        .collect();
    let refused = refuse(messages, replied, &mut when);
    quoted(messages, replied, &mut when);
    aged(messages, replied, &mut when);
    after_parents(replied, &mut when);
    let mut positions: Vec<usize> = (0..replied.len()).collect();
    let (earliest, depth) = after_answered(replied, &when);
    positions
        .sort_by_key(|p| (earliest[*p], depth[*p], messages[replied[*p].message].lines.first, *p));
    let mut place = vec![0; positions.len()];
    for (new, old) in positions.iter().enumerate() {
        place[*old] = new;
    }
    positions
        .iter()
        .map(|p| {
            let r = &replied[*p];
            Entry {
                message: r.message,
                when: when[*p],
                parent: r.parent.map(|parent| place[parent]),
                parent_line: r
                    .attributions
                    .iter()
                    .find(|a| a.depth == 0)
                    .map(|a| messages[r.message].body.line(a.first).number),
                by_quote: r.by_quote.map(|(line, named)| (line, place[named])),
                refused: refused[*p],
                kind: Kind::Remark,
                about: None,
                copies: r.copies,
            }
        })
        .collect()
}

/// Seconds by which clocks of senders may differ before one of them is not believed.
const CLOCKS: i64 = 86_400;

/// Takes back dates that cannot be: later than a machine on the way took the mail, or later than
/// that of an answer. Of two that contradict each other the one farther from the middle of the
/// thread is not believed; of two that are equally far neither is taken back.
fn refuse(messages: &[Message], replied: &[Replied], when: &mut [When]) -> Vec<Option<i64>> {
    let mut refused = vec![None; replied.len()];
    for (position, r) in replied.iter().enumerate() {
        let message = &messages[r.message];
        let (Some(date), Some(received)) = (message.date, message.received) else { continue };
        if date.seconds > received.saturating_add(CLOCKS) {
            refused[position] = Some(date.seconds);
            let mine = &mut when[position];
            (mine.low, mine.high, mine.has_seconds) = (received, received, true);
        }
    }
    let mut dates: Vec<i64> = when.iter().filter(|w| w.is_exact).map(|w| w.low).collect();
    dates.sort_unstable();
    let Some(&middle) = dates.get(dates.len() / 2) else { return refused };
    for _ in 0..replied.len().min(64) {
        let mut news = false;
        for (position, r) in replied.iter().enumerate() {
            let Some(parent) = r.parent else { continue };
            // A patch may have the date on which it was written, long before its cover letter.
            if !messages[r.message].subject.is_reply {
                continue;
            }
            let (mine, above) = (when[position], when[parent]);
            if !mine.is_exact || !above.is_exact || above.low <= mine.low.saturating_add(CLOCKS) {
                continue;
            }
            let far = |w: When| w.low.abs_diff(middle);
            let wrong = match far(mine).cmp(&far(above)) {
                std::cmp::Ordering::Less => parent,
                std::cmp::Ordering::Greater => position,
                std::cmp::Ordering::Equal => continue,
            };
            refused[wrong] = refused[wrong].or(Some(when[wrong].low));
            when[wrong] = When { line: when[wrong].line, ..UNKNOWN };
            news = true;
        }
        if !news {
            break;
        }
    }
    refused
}

/// For each message the time before which it cannot stand in the order, since what it answers does
/// not, and how many mails stand above it.
fn after_answered(replied: &[Replied], when: &[When]) -> (Vec<i64>, Vec<usize>) {
    let mut found: Vec<Option<(i64, usize)>> = vec![None; replied.len()];
    for start in 0..replied.len() {
        let mut path = Vec::new();
        let mut at = Some(start);
        while let Some(position) = at.filter(|p| found[*p].is_none()) {
            if path.len() > replied.len() {
                break;
            }
            path.push(position);
            at = replied[position].parent;
        }
        while let Some(position) = path.pop() {
            let above = replied[position].parent.and_then(|p| found[p]);
            let low = when[position].low;
            found[position] = Some(match above {
                Some((least, depth)) => (low.max(least), depth + 1),
                None => (low, 0),
            });
        }
    }
    found.into_iter().map(Option::unwrap_or_default).unzip()
}

/// Dates parents from the lines above quotes. A date without zone follows the clock of whoever
/// quotes; that clock is known once somebody quotes him with his zone, or once he quotes a message
/// whose time is known.
fn quoted(messages: &[Message], replied: &[Replied], when: &mut [When]) {
    let mut zones: Vec<(usize, i32)> = Vec::new();
    let zone_of = |zones: &[(usize, i32)], position: usize| {
        let from = &messages[replied[position].message].from;
        let own = messages[replied[position].message].date.and_then(|d| d.zone);
        own.or_else(|| {
            zones.iter().find(|(p, _)| messages[replied[*p].message].from.is(from)).map(|z| z.1)
        })
    };
    // Each round can use what the one before found; chains are short.
    for _ in 0..6 {
        let mut news = false;
        for (position, r) in replied.iter().enumerate() {
            let Some(parent) = r.parent else { continue };
            let Some(found) = r.attributions.iter().find(|a| a.depth == 0) else { continue };
            let Some(date) = found.date.filter(|d| d.has_time) else { continue };
            if !found.person.is(&messages[replied[parent].message].from) {
                continue;
            }
            let line = messages[r.message].body.line(found.first).number;
            if let Some(zone) = date.zone
                && zone_of(&zones, parent).is_none()
            {
                zones.push((parent, zone));
                news = true;
            }
            let zone = date.zone.or_else(|| zone_of(&zones, position));
            let known = when[parent];
            match zone {
                Some(zone) if !known.is_exact || (date.has_seconds && !known.has_seconds) => {
                    let seconds = date.at(zone);
                    when[parent] = When {
                        low: seconds,
                        high: seconds,
                        is_exact: true,
                        has_seconds: date.has_seconds,
                        is_unknown: false,
                        line,
                    };
                    news = true;
                }
                None if known.is_exact => {
                    let apart = date.civil.seconds() - known.low;
                    // Clocks of zones differ from UTC by quarters of an hour.
                    let quarters = (apart + 450).div_euclid(900);
                    if (apart - quarters * 900).abs() <= 60 && quarters.abs() <= 56 {
                        zones.push((position, i32::try_from(quarters * 15).unwrap_or(0)));
                        news = true;
                    }
                }
                _ => {}
            }
        }
        if !news {
            break;
        }
    }
}

/// Turns ages into ranges. The messages whose times are known tell when the page was made.
fn aged(messages: &[Message], replied: &[Replied], when: &mut [When]) {
    let ages: Vec<Option<(i64, i64)>> =
        replied.iter().map(|r| messages[r.message].age.as_deref().and_then(age_range)).collect();
    let (mut low, mut high) = (i64::MIN, i64::MAX);
    for (age, when) in ages.iter().zip(when.iter()) {
        if let (Some((least, most)), true) = (age, when.is_exact) {
            low = low.max(when.low.saturating_add(*least));
            high = high.min(when.high.saturating_add(*most));
        }
    }
    let fixed = low != i64::MIN && low < high;
    for (age, when) in ages.iter().zip(when.iter_mut()) {
        let Some((least, most)) = age else { continue };
        if when.is_exact {
            continue;
        }
        if fixed {
            (when.low, when.high) = (low - most, high - least);
            when.is_unknown = false;
        } else {
            // Only the order can be known: count back from an unknown now.
            (when.low, when.high) = (-most, -least);
        }
    }
}

/// A reply is not older than what it answers.
fn after_parents(replied: &[Replied], when: &mut [When]) {
    for _ in 0..replied.len().min(64) {
        let mut moved = false;
        for position in 0..replied.len() {
            let Some(parent) = replied[position].parent else { continue };
            let floor = when[parent].low;
            let mine = &mut when[position];
            if !mine.is_exact && mine.low <= floor && floor < i64::MAX {
                mine.low = floor.saturating_add(1);
                mine.high = mine.high.max(mine.low);
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
}
