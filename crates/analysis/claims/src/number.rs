//! Numbers and durations as people write them.
//!
//! Invariant: a number that could mean two things (`1.234`) is given both ways, and the caller takes what fits.

/// Words for small numbers.
const WORDS: &[(&str, u64)] = &[
    ("zero", 0),
    ("one", 1),
    ("a", 1),
    ("an", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("fifteen", 15),
    ("twenty", 20),
    ("thirty", 30),
    ("sixty", 60),
];

/// The words of [`WORDS`] and numbers with separators, for shapes.
pub(crate) const NUMBER_SHAPE: &str = r"(?:\d{1,3}(?:[,.' ]\d{3})+(?:[.,]\d{1,3})?|\d{1,12}(?:[.,]\d{1,6})?|zero|one|an?|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|sixty)";

/// What a written number may mean: `21,004` is 21004 or 21.004, `10,0` is 10, `two` is 2.
pub(crate) fn readings(text: &str) -> Vec<f64> {
    let text = text.trim().trim_end_matches(['.', ',']);
    let lower = text.to_ascii_lowercase();
    if let Some((_, value)) = WORDS.iter().find(|(word, _)| *word == lower) {
        return vec![*value as f64];
    }
    let mut out = Vec::new();
    let mut push = |text: String| {
        if let Ok(value) = text.parse::<f64>()
            && value.is_finite()
            && !out.contains(&value)
        {
            out.push(value);
        }
    };
    let separators: Vec<char> = text.chars().filter(|c| !c.is_ascii_digit()).collect();
    let groups: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).collect();
    let thousands = groups.len() > 1
        && groups[1..].iter().all(|g| g.len() == 3)
        && (1..=3).contains(&groups[0].len())
        && separators.windows(2).all(|w| w[0] == w[1]);
    if thousands {
        push(groups.concat());
    }
    match separators.as_slice() {
        [] => push(text.to_owned()),
        ['.' | ','] => push(text.replace(',', ".")),
        [.., last] if separators.len() > 1 && separators[0] != *last => {
            // `1.234,5` and `1,234.5`.
            let (whole, part) = text.rsplit_once(*last).unwrap_or((text, ""));
            let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
            push(format!("{whole}.{part}"));
        }
        _ => {}
    }
    out
}

/// Seconds of a unit; `None` for what is no unit of time.
pub(crate) fn seconds_of(unit: &str) -> Option<f64> {
    let unit = unit.to_ascii_lowercase();
    Some(match unit.trim_end_matches('.') {
        "ns" | "nsec" | "nsecs" | "nanosecond" | "nanoseconds" => 1e-9,
        "us" | "\u{b5}s" | "\u{3bc}s" | "usec" | "usecs" | "microsecond" | "microseconds" => 1e-6,
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => 1e-3,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0,
        _ => return None,
    })
}

/// Bytes of a unit of memory with the tolerance that its rounding needs; `None` for no such unit.
pub(crate) fn bytes_of(unit: &str) -> Option<(f64, f64)> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "b" | "byte" | "bytes" => (1.0, 0.0),
        "kb" | "kib" | "k" => (1024.0, 0.001),
        "mb" | "mib" | "m" => (1024.0 * 1024.0, 0.06),
        "gb" | "gib" | "g" => (1024.0 * 1024.0 * 1024.0, 0.09),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_separator() {
        assert_eq!(readings("21,004"), [21004.0, 21.004]);
        assert_eq!(readings("2.500"), [2500.0, 2.5]);
        assert_eq!(readings("10,0"), [10.0]);
        assert_eq!(readings("1,234,567"), [1_234_567.0]);
        assert_eq!(readings("1.234,5"), [1234.5]);
        assert_eq!(readings("two"), [2.0]);
        assert_eq!(readings("143"), [143.0]);
        assert!(readings("9".repeat(500).as_str()).is_empty());
    }
}
