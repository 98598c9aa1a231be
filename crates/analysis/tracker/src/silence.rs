//! When silence ends a bug.
//!
//! A bug that came `n` times in `d` days is taken to come with the rate r = (n - 1) / d. Were it still there, it would stay
//! silent for t days with a chance of e^(-r t). The bug is obsolete when that chance is below one in a hundred even at a
//! third of the rate, since crashes come in bursts: t > 3 ln(100) / r, within bounds.

/// Crashes below which the rate says nothing and the longest silence is waited for.
const LEAST_CRASHES: u64 = 10;
/// 3 ln(100).
const FACTOR: f64 = 3.0 * 4.605_170_185_988_092;
/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// The bounds of the silence that is waited for, in days.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// At least.
    pub least: f64,
    /// At most; also for bugs too rare to have a rate.
    pub most: f64,
}

impl Default for Rate {
    fn default() -> Self {
        Self { least: 40.0, most: 100.0 }
    }
}

/// How long a bug was silent and how long it may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Silence {
    /// Days since it was last seen.
    pub silent: f64,
    /// Days that chance allows.
    pub allowed: f64,
    /// Crashes a day while it was seen; `None` where it is too rare to tell.
    pub rate: Option<f64>,
    /// Crashes and the days from the first to the last.
    pub crashes: u64,
    /// See [`Silence::crashes`].
    pub days: f64,
}

impl Silence {
    /// Whether it was silent for longer than chance allows.
    pub fn is_obsolete(&self) -> bool {
        self.silent > self.allowed
    }
}

/// How silent a bug is. Times are in seconds since 1970; a clock that went back gives no silence.
pub fn silence(crashes: u64, first: i64, last: i64, now: i64, bounds: Rate) -> Silence {
    let silent = now.saturating_sub(last).max(0) as f64 / DAY;
    let days = last.saturating_sub(first).max(0) as f64 / DAY;
    let rate = (crashes >= LEAST_CRASHES && days > 0.0).then(|| (crashes - 1) as f64 / days);
    let allowed = rate.map_or(bounds.most, |rate| (FACTOR / rate).clamp(bounds.least, bounds.most));
    Silence { silent, allowed, rate, crashes, days }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAYS: i64 = 86_400;

    #[test]
    fn a_frequent_bug_is_given_up_sooner_than_a_rare_one() {
        let bounds = Rate { least: 10.0, most: 100.0 };
        let often = silence(301, 0, 30 * DAYS, 30 * DAYS, bounds);
        assert_eq!(often.rate, Some(10.0));
        assert_eq!(often.allowed, 10.0);
        let seldom = silence(16, 0, 30 * DAYS, 30 * DAYS, bounds);
        assert!((seldom.allowed - 27.631).abs() < 0.001, "{seldom:?}");
        assert_eq!(silence(9, 0, 30 * DAYS, 30 * DAYS, bounds).allowed, 100.0);
    }

    #[test]
    fn the_border_is_one_second_behind_what_is_allowed() {
        let bounds = Rate { least: 40.0, most: 100.0 };
        assert!(!silence(3, 0, 0, 100 * DAYS, bounds).is_obsolete());
        assert!(silence(3, 0, 0, 100 * DAYS + 1, bounds).is_obsolete());
    }

    #[test]
    fn a_clock_that_went_back_ends_nothing() {
        assert_eq!(silence(50, 100, 50, 0, Rate::default()).silent, 0.0);
        assert!(!silence(u64::MAX, i64::MAX, i64::MIN, i64::MIN, Rate::default()).is_obsolete());
    }
}
