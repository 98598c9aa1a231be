//! HZ, worked out from the log: two reports of one stall give it exactly; one report leaves candidates.

use model::LineSpan;

use crate::collect::Observations;
use crate::event::{Detail, Stall};

/// The values HZ can have.
pub const CANDIDATES: [u32; 4] = [100, 250, 300, 1000];

/// What is known of HZ.
#[derive(Clone, Debug, PartialEq)]
pub struct Hertz {
    /// The values that fit; one when it is settled.
    pub values: Vec<u32>,
    /// Two reports measure it; otherwise these are the values that one report leaves.
    pub measured: bool,
    /// The lines used.
    pub lines: Vec<LineSpan>,
}

impl Hertz {
    /// The value, where it is settled.
    pub fn settled(&self) -> Option<u32> {
        match self.values.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }
}

/// Works HZ out of the stalls of a log.
pub fn find(seen: &Observations) -> Option<Hertz> {
    from_pair(seen).or_else(|| {
        seen.events.iter().find_map(|event| {
            if let Detail::Stall(stall) = &event.detail { from_one(stall) } else { None }
        })
    })
}

/// Two reports with one grace period number: jiffies over seconds.
fn from_pair(seen: &Observations) -> Option<Hertz> {
    let periods: Vec<_> = seen
        .events
        .iter()
        .filter_map(|event| match &event.detail {
            Detail::Stall(stall) => Some((event, stall, stall.period.as_ref()?)),
            _ => None,
        })
        .collect();
    for (at, (event, stall, first)) in periods.iter().enumerate() {
        let second = periods[at + 1..].iter().find(|(other, other_stall, period)| {
            other.boot == event.boot
                && other.kind == event.kind
                && other_stall.flavour == stall.flavour
                && period.number == first.number
                && period.jiffies > first.jiffies
        });
        let Some((.., second)) = second else { continue };
        let (Some(a), Some(b)) = (first.at, second.at) else { continue };
        let micros = seen.clock.between(a, b).filter(|gap| *gap > 1_000_000)?;
        let jiffies = second.jiffies - first.jiffies;
        let measured = jiffies as f64 * 1e6 / micros as f64;
        let value =
            CANDIDATES.into_iter().find(|hz| (measured / f64::from(*hz) - 1.0).abs() < 0.02)?;
        return Some(Hertz {
            values: vec![value],
            measured: true,
            lines: vec![LineSpan::line(first.line), LineSpan::line(second.line)],
        });
    }
    None
}

/// One report: the stall timeout is whole seconds, and the scans must fit into the life of the thread.
fn from_one(stall: &Stall) -> Option<Hertz> {
    let period = stall.period.as_ref()?;
    let jiffies = period.jiffies;
    let life = stall.starved.as_ref().and_then(|starved| jiffies.checked_sub(starved.jiffies));
    let scans = stall.cpus.iter().filter_map(|cpu| cpu.fqs).max();
    let too_many = |hz: u32| {
        let per_scan = 1 + u64::from(hz > 250) + u64::from(hz > 500);
        life.zip(scans).is_some_and(|(life, scans)| scans * per_scan > life)
    };
    let fits = |hz: &u32| {
        let hz = u64::from(*hz);
        // Printed some jiffies after the timeout, more when another CPU finds it.
        jiffies % hz <= 6 + hz / 50 && jiffies >= hz * 3
    };
    let values: Vec<u32> =
        CANDIDATES.into_iter().filter(fits).filter(|hz| !too_many(*hz)).collect();
    if values.is_empty() || values.len() == CANDIDATES.len() {
        return None;
    }
    let mut lines = vec![LineSpan::line(period.line)];
    lines.extend(stall.starved.as_ref().map(|starved| LineSpan::line(starved.line)));
    Some(Hertz { values, measured: false, lines })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{StallCpu, StallPeriod, Starved};

    fn stall(jiffies: u64, starved: u64, fqs: u64) -> Stall {
        Stall {
            period: Some(StallPeriod {
                line: 3,
                jiffies,
                number: 9,
                completed: None,
                callbacks: None,
                cpus: None,
                detected_by: None,
                at: None,
            }),
            starved: Some(Starved {
                line: 4,
                flavour: "rcu_sched".into(),
                jiffies: starved,
                number: Some(9),
                flags: None,
                phase: None,
                state: Some(0),
                cpu: Some(0),
            }),
            cpus: vec![StallCpu { fqs: Some(fqs), ..StallCpu::default() }],
            ..Stall::default()
        }
    }

    #[test]
    fn scans_that_do_not_fit_exclude_a_value() {
        // 21 s at 1000, 84 s at 250, 70 s at 300, 210 s at 100; 300 scans in 500 jiffies fit one jiffy a scan only.
        let hertz = from_one(&stall(21_000, 20_500, 300)).unwrap();
        assert_eq!(hertz.values, [100, 250]);
    }

    #[test]
    fn a_timeout_that_is_no_whole_second_excludes_a_value() {
        // 15 s, 60 s and so on are whole for every value: nothing is learnt.
        assert_eq!(from_one(&stall(15_002, 100, 40)), None);
        assert!(from_one(&stall(6_601, 10, 1)).unwrap().values == [100, 300]);
    }
}
