//! Claims about RCU stalls: who detected them, of which kind they are, how many jiffies, and what those are in
//! seconds. A log may hold several stalls: a claim is right when it is right of one of them.

use analysis_hang::event::{Event, EventKind, Stall};

use super::Shape;
use crate::claims::{Case, Found, Judgement};
use crate::evidence::{Cited, Exhibit};
use crate::number::{readings, seconds_of};
use crate::verdict::Verdict::{CannotJudge, Contradicted, Plausible, Supported, Unsupported};
use std::sync::LazyLock;

use regex::Regex;

fn headed<'e>(exhibit: &'e Exhibit<'_>) -> impl Iterator<Item = (&'e Event, &'e Stall)> {
    exhibit.stalls().filter(|(event, _)| !event.headline.is_empty())
}

/// The CPU that detected a stall, with the line.
fn detector(exhibit: &Exhibit<'_>, event: &Event, stall: &Stall) -> Option<(u32, Cited)> {
    if let Some(period) = &stall.period
        && let Some(cpu) = period.detected_by
    {
        return Some((cpu, exhibit.cite(period.line)));
    }
    if stall.self_detected {
        let own = match stall.cpus.as_slice() {
            [one] => Some((one.cpu, one.line)),
            _ => None,
        };
        return own
            .or_else(|| Some((event.cpu?, event.lines.first)))
            .map(|(cpu, line)| (cpu, exhibit.cite(line)));
    }
    None
}

/// `detected by CPU N`.
pub(crate) fn detected_by(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let cpu: u32 = first.group("cpu").or(first.group("cpu2"))?.parse().ok()?;
    let exhibit = case.evidence.facts();
    static BY: Shape = LazyLock::new(|| Regex::new(r"\(detected by (\d{1,5}),").ok());
    let mut known: Vec<(u32, Cited)> =
        headed(exhibit).filter_map(|(event, stall)| detector(exhibit, event, stall)).collect();
    if let Some(shape) = BY.as_ref() {
        known.extend(exhibit.find_all(shape).iter().filter_map(|line| {
            let cpu = shape.captures(&line.text)?[1].parse().ok()?;
            Some((cpu, exhibit.cite(line.number)))
        }));
    }
    let statement = format!("CPU {cpu} detected the stall");
    if let Some((_, line)) = known.iter().find(|(c, _)| *c == cpu) {
        return Some(Judgement::new(statement, Supported, "the report says so").citing([*line]));
    }
    let (other, line) = known.first()?;
    Some(
        Judgement::new(statement, Contradicted, format!("the report says CPU {other}"))
            .citing([*line]),
    )
}

/// Self-detected or not, expedited or not, which flavour.
pub(crate) fn kind(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let word = first.any("kind")?.to_ascii_lowercase();
    if !case.is_whole() && !first.sentence.text.to_ascii_lowercase().contains("stall") {
        return None;
    }
    let exhibit = case.evidence.facts();
    let events: Vec<&Event> = exhibit
        .seen
        .events
        .iter()
        .filter(|e| {
            !e.headline.is_empty()
                && matches!(
                    e.kind,
                    EventKind::RcuStall | EventKind::RcuExpeditedStall | EventKind::RcuTasksStall
                )
        })
        .collect();
    let any = events.first()?;
    let line = |event: &Event| exhibit.cite(event.lines.first);
    let find = |wanted: &dyn Fn(&Event) -> bool| events.iter().find(|e| wanted(e)).copied();
    let own = |event: &Event| match &event.detail {
        analysis_hang::event::Detail::Stall(stall) => {
            Some((stall.self_detected, stall.flavour.clone()))
        }
        _ => None,
    };
    let (statement, hit, other): (String, Option<&Event>, String) = if word.contains("self") {
        (
            "a CPU detected its own stall".to_owned(),
            find(&|e| e.kind == EventKind::RcuStall && own(e).is_some_and(|s| s.0)),
            "another CPU detected it".to_owned(),
        )
    } else if word.starts_with("non") || word.contains("normal") {
        (
            "a stall of a normal grace period".to_owned(),
            find(&|e| e.kind == EventKind::RcuStall),
            "the report is of an expedited grace period or of RCU tasks".to_owned(),
        )
    } else if word.contains("expedited") {
        (
            "a stall of an expedited grace period".to_owned(),
            find(&|e| e.kind == EventKind::RcuExpeditedStall),
            "the report is of a normal grace period".to_owned(),
        )
    } else if word.contains("srcu") {
        (
            "a stall of SRCU".to_owned(),
            None,
            "the report is of RCU; the kernel prints none for SRCU".to_owned(),
        )
    } else if word.contains("tasks") {
        (
            "a stall of RCU tasks".to_owned(),
            find(&|e| e.kind == EventKind::RcuTasksStall),
            "the report is of a normal grace period".to_owned(),
        )
    } else {
        let flavour = word.trim_end_matches('s').to_owned();
        let shown = own(any).map(|s| s.1).unwrap_or_default();
        (
            format!("the flavour is {flavour}"),
            find(&|e| {
                own(e).is_some_and(|s| s.1 == flavour) || e.headline.contains(flavour.as_str())
            }),
            if shown.is_empty() {
                "the report names another".to_owned()
            } else {
                format!("the report says {shown}")
            },
        )
    };
    Some(match hit {
        Some(event) => {
            Judgement::new(statement, Supported, "the report says so").citing([line(event)])
        }
        None => Judgement::new(statement, Contradicted, other).citing([line(any)]),
    })
}

/// All counts of jiffies that the stalls print.
fn counts(exhibit: &Exhibit<'_>) -> Vec<(u64, Cited)> {
    static COUNT: Shape = LazyLock::new(|| {
        Regex::new(r"\bt=(\d+) jiffies|\bt=(\d+)\b.*\bg=|(?:starved|happen) for (\d+) jiffies|\} (\d+) jiffies s: |\brcuc=(\d+)|kthread activity (\d+)").ok()
    });
    let mut out = Vec::new();
    for (_, stall) in exhibit.stalls() {
        if let Some(period) = &stall.period {
            out.push((period.jiffies, exhibit.cite(period.line)));
        }
        if let Some(starved) = &stall.starved {
            out.push((starved.jiffies, exhibit.cite(starved.line)));
        }
    }
    // Reports that repeat are one event; their lines tell each figure.
    if let Some(shape) = COUNT.as_ref() {
        for line in exhibit.find_all(shape) {
            for captures in shape.captures_iter(&line.text) {
                let value = captures.iter().skip(1).flatten().next();
                if let Some(value) = value.and_then(|m| m.as_str().parse().ok()) {
                    out.push((value, exhibit.cite(line.number)));
                }
            }
        }
    }
    out
}

/// A number of jiffies: one that the log prints, or not.
pub(crate) fn jiffies(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let written = first.group("jiffies")?;
    let exhibit = case.evidence.facts();
    let known = counts(exhibit);
    // Jiffies are whole: a separator parts thousands.
    let claimed: Vec<f64> =
        readings(written).into_iter().max_by(f64::total_cmp).into_iter().collect();
    let statement = format!("{written} jiffies");
    if let Some((_, line)) = known.iter().find(|(value, _)| claimed.contains(&(*value as f64))) {
        // What they are in seconds is a claim of its own.
        return Some(Judgement::new(statement, Supported, "the log prints it").citing([*line]));
    }
    let (other, line) = known.first()?;
    let about = [
        "about",
        "around",
        "roughly",
        "approx",
        "some",
        "~",
        "nearly",
        "almost",
        "over",
        "more than",
        "per ",
    ]
    .iter()
    .any(|w| first.before().to_ascii_lowercase().trim_end().ends_with(w.trim_end()));
    let near = claimed.iter().any(|c| (c - *other as f64).abs() <= 0.1 * *other as f64);
    Some(match (about, near) {
        (true, true) => {
            Judgement::new(statement, Supported, format!("the log prints {other}")).citing([*line])
        }
        (true, false) => return None,
        (false, _) => Judgement::new(statement, Contradicted, format!("the log prints {other}"))
            .citing([*line]),
    })
}

static HZ: Shape = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:CONFIG_)?HZ\s?(?:=|is|of|:|being)?\s?(?P<a>\d{2,4})\b|\b(?P<b>100|250|300|1000)\s?Hz\b").ok()
});
static JIFFIES: Shape = LazyLock::new(|| {
    Regex::new(&format!(
        r"(?i)(?P<n>{})[ -]jiff(?:ies|y)\b|\bt=(?P<t>\d+)",
        crate::number::NUMBER_SHAPE
    ))
    .ok()
});

/// Jiffies turned into time: by HZ, where text or log give it; by the word where a unit was taken for another.
pub(crate) fn conversion(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let (amount, unit) = (first.group("amount")?, first.group("unit")?);
    let seconds = seconds_of(unit)?;
    let sentence = &first.sentence.text;
    let exhibit = case.evidence.facts();
    let known = counts(exhibit);
    let claimed: Vec<f64> = readings(amount);
    let times: Vec<f64> = claimed.iter().map(|a| a * seconds).collect();
    let statement = format!("{amount} {unit}");
    // A number of jiffies with another unit behind it.
    if let Some((value, line)) =
        known.iter().find(|(v, _)| *v >= 100 && claimed.contains(&(*v as f64)))
    {
        let hertz = exhibit.hertz.as_ref().map(|h| h.values.clone()).unwrap_or_default();
        return Some(match (unit.to_ascii_lowercase().starts_with('m') && seconds < 1.0, hertz.as_slice()) {
            (true, [1000]) => Judgement::new(statement, Supported, format!("{value} jiffies at HZ 1000")).citing([*line]),
            (true, values) if values.is_empty() || values.contains(&1000) => Judgement::new(
                statement,
                Unsupported,
                format!("the log gives {value} jiffies; they are milliseconds only if HZ is 1000, which it does not show"),
            )
            .citing([*line]),
            _ => Judgement::new(statement, Contradicted, format!("{value} is a number of jiffies, not of {unit}")).citing([*line]),
        });
    }
    let stated: Vec<f64> = JIFFIES
        .as_ref()?
        .captures_iter(sentence)
        .filter_map(|c| c.name("n").or(c.name("t")).map(|m| readings(m.as_str())))
        .flatten()
        .collect();
    if stated.is_empty() {
        return None;
    }
    let hz_of_text: Option<f64> = HZ
        .as_ref()?
        .captures(sentence)
        .and_then(|c| c.name("a").or(c.name("b")))
        .and_then(|m| m.as_str().parse().ok());
    let (hertz, lines): (Vec<f64>, Vec<Cited>) = match exhibit.hertz.as_ref() {
        Some(h) if !h.values.is_empty() => (
            h.values.iter().map(|v| f64::from(*v)).collect(),
            h.lines.iter().map(|l| exhibit.cite_span(*l)).collect(),
        ),
        _ => (analysis_hang::hertz::CANDIDATES.iter().map(|v| f64::from(*v)).collect(), Vec::new()),
    };
    let fits = |hz: f64| {
        stated
            .iter()
            .any(|j| times.iter().any(|t| (j / hz - t).abs() <= 0.06 * t + 0.6 * seconds.min(1.0)))
    };
    if let Some(hz) = hz_of_text {
        if !fits(hz) {
            return Some(Judgement::new(
                statement,
                Contradicted,
                format!("at HZ {hz} those jiffies are another time"),
            ));
        }
        return Some(match (hertz.as_slice(), hertz.contains(&hz), lines.is_empty()) {
            ([_], true, false) => {
                Judgement::new(statement, Supported, format!("the log gives HZ {hz}")).citing(lines)
            }
            (_, false, false) => {
                let values: Vec<String> = hertz.iter().map(ToString::to_string).collect();
                Judgement::new(
                    statement,
                    Contradicted,
                    format!("the log allows HZ {}", values.join(" or ")),
                )
                .citing(lines)
            }
            _ => Judgement::new(
                statement,
                Plausible,
                format!("right if HZ is {hz}, which the log does not show"),
            )
            .citing(lines),
        });
    }
    let fitting: Vec<f64> = hertz.iter().copied().filter(|hz| fits(*hz)).collect();
    Some(match (fitting.as_slice(), hertz.as_slice()) {
        ([hz], [_]) => Judgement::new(statement, Supported, format!("at HZ {hz}")).citing(lines),
        ([], [hz]) => Judgement::new(
            statement,
            Contradicted,
            format!("at HZ {hz}, as the log gives it, those jiffies are another time"),
        )
        .citing(lines),
        ([], _) => Judgement::new(
            statement,
            Unsupported,
            "no HZ that the log allows makes those jiffies that time",
        )
        .citing(lines),
        (some, _) => {
            let values: Vec<String> = some.iter().map(ToString::to_string).collect();
            Judgement::new(statement, Plausible, format!("right if HZ is {}", values.join(" or ")))
                .citing(lines)
        }
    })
}

/// Whether a CPU was idle: by its line in a stall report and by what its stack runs.
pub(crate) fn idle(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let cpu: u32 = first.group("cpu")?.parse().ok()?;
    let exhibit = case.evidence.facts();
    let statement = format!("CPU {cpu} was idle");
    static SKIPPED: Shape =
        LazyLock::new(|| Regex::new(r"NMI backtrace for cpu (\d+) skipped: idling").ok());
    for line in SKIPPED.as_ref().map(|s| exhibit.find_all(s)).unwrap_or_default() {
        let same = SKIPPED
            .as_ref()
            .and_then(|s| s.captures(&line.text))
            .is_some_and(|c| c[1] == cpu.to_string());
        if same {
            return Some(
                Judgement::new(statement, Supported, "its backtrace was skipped as idle")
                    .citing([exhibit.cite(line.number)]),
            );
        }
    }
    let own = exhibit.seen.snapshots.iter().find(|s| s.cpu == Some(cpu) && s.lines.is_some())?;
    let pid = own.task.as_ref()?.pid?;
    let line = own.lines.map(|l| exhibit.cite(l.first));
    Some(if pid == 0 {
        Judgement::new(statement, CannotJudge, "its idle task was on it, perhaps in an interrupt")
            .citing(line)
    } else {
        Judgement::new(
            statement,
            Contradicted,
            format!("it ran {}", own.task.as_ref().map(ToString::to_string).unwrap_or_default()),
        )
        .citing(line)
    })
}

/// When the grace-period thread last ran, by the two lines that say so.
pub(crate) fn last_ran(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    static ACTIVITY: Shape =
        LazyLock::new(|| Regex::new(r"kthread (?:starved for|activity) (\d+)\b").ok());
    let written = found.first()?.group("jiffies")?;
    let claimed = readings(written).into_iter().max_by(f64::total_cmp)?;
    let exhibit = case.evidence.facts();
    let shape = ACTIVITY.as_ref()?;
    let known: Vec<(f64, Cited)> = exhibit
        .find_all(shape)
        .iter()
        .filter_map(|line| {
            let jiffies = shape.captures(&line.text)?[1].parse().ok()?;
            Some((jiffies, exhibit.cite(line.number)))
        })
        .collect();
    let statement = format!("the grace-period thread last ran {written} jiffies before the report");
    Some(match (known.iter().find(|(value, _)| *value == claimed), known.first()) {
        (Some((_, line)), _) => {
            Judgement::new(statement, Supported, "the log prints it").citing([*line])
        }
        (None, Some((value, line))) => {
            Judgement::new(statement, Contradicted, format!("the log prints {value}"))
                .citing([*line])
        }
        (None, None) => Judgement::new(statement, Unsupported, "no line says when it last ran"),
    })
}
