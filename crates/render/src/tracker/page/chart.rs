//! Crashes over time as a drawing: a bar a day or more, one colour a kernel.

use std::collections::BTreeMap;

use maud::{Markup, html};
use model::tracker::Day;

use crate::escape::one_line;
use crate::tracker::day;

/// Size of the drawing.
const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 90.0;
/// Most bars.
const BARS: i64 = 120;
/// Kernels that have a colour; the last one is for all others.
const COLOURS: usize = 6;

/// A number of a drawing, short.
fn short(number: f64) -> String {
    format!("{number:.1}")
}

/// Crashes by day and kernel until today.
pub(super) fn days(days: &[Day], today: i64) -> Markup {
    let Some(first) = days.iter().map(|day| day.day).min() else { return Markup::default() };
    let last = days.iter().map(|day| day.day).max().unwrap_or(first).max(today.min(first + 36_500));
    // A graph of three bars would look like much.
    let first = first.min(last - 29);
    let per_bar = (last - first) / BARS + 1;
    let bars = (last - first) / per_bar + 1;
    let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
    for day in days {
        *totals.entry(&day.kernel).or_default() += day.crashes;
    }
    let mut kernels: Vec<(&str, u64)> = totals.into_iter().collect();
    kernels.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let colour = |kernel: &str| {
        let at = kernels.iter().position(|(name, _)| *name == kernel);
        at.unwrap_or(COLOURS).min(COLOURS - 1)
    };
    let mut counts: BTreeMap<i64, [u64; COLOURS]> = BTreeMap::new();
    for day in days {
        counts.entry((day.day - first) / per_bar).or_default()[colour(&day.kernel)] += day.crashes;
    }
    let most = counts.values().map(|bar| bar.iter().sum::<u64>()).max().unwrap_or(1).max(1);
    let width = WIDTH / bars as f64;
    let label = format!("Crashes from {} to {}, at most {most} a bar", day(first), day(last));
    html! {
        div.scale { span { "at most " (most) @if per_bar > 1 { " in " (per_bar) " days" } @else { " a day" } } }
        div {
            svg.bars viewBox={ "0 0 " (WIDTH) " " (HEIGHT + 1.0) } preserveAspectRatio="none" role="img" aria-label=(label) {
                line.axis x1="0" x2=(WIDTH) y1=(HEIGHT) y2=(HEIGHT) {}
                @for (bar, parts) in &counts {
                    @for (at, part) in parts.iter().enumerate().filter(|(_, part)| **part > 0) {
                        @let below: u64 = parts[..at].iter().sum();
                        @let height = (*part as f64 / most as f64 * HEIGHT).max(1.0);
                        @let base = below as f64 / most as f64 * HEIGHT;
                        rect class={ "k" (at) } x=(short(*bar as f64 * width)) y=(short(HEIGHT - base - height))
                            width=(short((width - 1.0).max(0.8))) height=(short(height)) {
                            title { (day(first + bar * per_bar)) ": " (part) }
                        }
                    }
                }
            }
        }
        div.scale { span { (day(first)) } span { (day(last)) } }
        @if kernels.iter().any(|(name, _)| !name.is_empty()) {
            div.legend {
                @for (at, (name, count)) in kernels.iter().take(COLOURS - 1).enumerate() {
                    span {
                        svg width="10" height="10" aria-hidden="true" { rect class={ "k" (at) } width="10" height="10" {} }
                        @if name.is_empty() { "kernel not known" } @else { (one_line(name)) }
                        " (" (count) ")"
                    }
                }
                @if kernels.len() >= COLOURS {
                    span {
                        svg width="10" height="10" aria-hidden="true" { rect.k5 width="10" height="10" {} }
                        (kernels.len() - COLOURS + 1) " more"
                    }
                }
            }
        }
    }
}
