//! Claims that give the value of a field that the kernel prints: `fqs=1192`, `RDI is 0`, `anon-rss was 292 MB`.
//!
//! A value that the log prints for the field supports, other values only contradict; a field that the log does not
//! print is no claim about it.

use crate::claims::{Case, Found, Judgement};
use crate::evidence::Cited;
use crate::index::FIELDS;
use crate::number::{bytes_of, readings};
use crate::verdict::Verdict::{Contradicted, Supported, Unsupported};

/// Fields of which a report has many, so that another value may be of another line that was cut off.
const MANY: &[&str] =
    &["min", "low", "high", "free", "flags", "stack", "ppid", "tgid", "node", "nice", "c", "s"];

/// How the analysis names the field, as the log prints it.
fn printed_name(written: &str) -> Option<&'static str> {
    let plain = written.trim().trim_start_matches("->");
    let plain = match plain.to_ascii_lowercase().as_str() {
        "r8" => "R08",
        "r9" => "R09",
        "in_atomic" => "in_atomic()",
        "irqs_disabled" => "irqs_disabled()",
        "state" => "->state",
        "error code" | "error-code" => "error_code",
        "nodemask" => "nodemask",
        _ => plain,
    };
    FIELDS
        .iter()
        .copied()
        .find(|f| *f == plain)
        .or_else(|| FIELDS.iter().copied().find(|f| f.len() > 1 && f.eq_ignore_ascii_case(plain)))
}

fn is_register(field: &str) -> bool {
    let upper = field.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    upper && field.len() >= 3
}

/// Values are equal as text, as numbers, or as hexadecimal numbers of any width.
fn same(claimed: &str, printed: &str, hexadecimal: bool) -> bool {
    if claimed.eq_ignore_ascii_case(printed) {
        return true;
    }
    let hex = |text: &str, bare: bool| {
        let (digits, marked) = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        (marked || bare)
            .then(|| u128::from_str_radix(digits, 16).ok())
            .flatten()
            .or_else(|| (!marked).then(|| digits.parse::<u128>().ok()).flatten())
    };
    let negative = |text: &str| text.starts_with('-');
    if negative(claimed) != negative(printed) {
        return false;
    }
    let (a, b) = (claimed.trim_start_matches('-'), printed.trim_start_matches('-'));
    let plain = |text: &str| text.split('(').next().unwrap_or(text).to_owned();
    let (a, b) = (plain(a), plain(b));
    if a.eq_ignore_ascii_case(&b) {
        return true;
    }
    if let (Some(x), Some(y)) = (hex(&a, hexadecimal), hex(&b, hexadecimal))
        && x == y
    {
        return true;
    }
    let printed: Option<f64> = b.parse().ok();
    !hexadecimal && printed.is_some_and(|value| readings(&a).contains(&value))
}

/// The key of a claim about a field.
pub(crate) fn key(found: &Found<'_>) -> Option<String> {
    let field = printed_name(found.group("field").or(found.group("field2"))?)?;
    // A name of one letter is one only as it is printed.
    let single = field.len() == 1
        || matches!(
            field,
            "min" | "low" | "high" | "free" | "mode" | "node" | "flags" | "stack" | "nice"
        );
    let marked = found.group("value").is_some_and(|v| v.starts_with("0x"));
    if single && !marked && found.group("equals") != Some("=") && found.any("unit").is_none() {
        return None;
    }
    let value = found.group("value").or(found.group("value2"))?;
    Some(format!("{field} {value}"))
}

/// By the values that the log prints.
pub(crate) fn value(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let field = printed_name(first.group("field").or(first.group("field2"))?)?;
    let claimed = first.group("value").or(first.group("value2"))?.trim_end_matches(['.', ',']);
    let unit = first.group("unit").or(first.group("unit2"));
    let printed = case.evidence.index().values(field);
    if printed.is_empty() {
        return None;
    }
    let shown = field.trim_start_matches("->");
    let statement = match unit {
        Some(unit) => format!("{shown} is {claimed} {unit}"),
        None => format!("{shown} is {claimed}"),
    };
    let equal = |value: &str| match unit.and_then(bytes_of) {
        Some((bytes, tolerance)) => {
            let Some(printed) = memory(value) else { return false };
            readings(claimed).iter().any(|n| {
                let wanted = n * bytes;
                (wanted - printed).abs() <= tolerance * wanted.max(printed) + 1.0
            })
        }
        None => same(claimed, value, is_register(field)),
    };
    if let Some((value, line)) = printed.iter().find(|(value, _)| equal(value)) {
        return Some(
            Judgement::new(statement, Supported, format!("the log prints {shown} {value}"))
                .citing([*line]),
        );
    }
    if MANY.contains(&field) {
        return Some(Judgement::new(statement, Unsupported, "no line prints that value"));
    }
    let mut values: Vec<&str> = printed.iter().take(4).map(|(v, _)| v.as_str()).collect();
    if printed.len() > 4 {
        values.push("\u{2026}");
    }
    let lines: Vec<Cited> = printed.iter().take(4).map(|(_, l)| *l).collect();
    Some(
        Judgement::new(
            statement,
            Contradicted,
            format!("the log prints {shown} {}", values.join(", ")),
        )
        .citing(lines),
    )
}

/// Bytes of `292248kB`.
fn memory(value: &str) -> Option<f64> {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = value.split_at(digits);
    let (bytes, _) = bytes_of(unit.trim())?;
    Some(number.parse::<f64>().ok()? * bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_as_numbers() {
        assert!(same("0x30", "0000000000000030", true));
        assert!(same("0", "0000000000000000", true));
        assert!(same("6b6b", "6B6B", true));
        assert!(same("2,502", "2502", false));
        assert!(same("-931", "-931", false));
        assert!(!same("931", "-931", false));
        assert!(!same("0x48", "0000000000000030", true));
        assert!(same("0xcc0", "0xcc0(GFP_KERNEL)", false));
    }
}
