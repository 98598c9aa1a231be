//! Time and memory of a next step on a large graph.

use std::time::Instant;

use analysis_bisect::Settings;
use analysis_bisect::simulate::{Noise, World};

use crate::rules;
use crate::worlds::merge_history;

/// Time and memory of a whole bisection on a graph of 20,000 commits with 1,500 merges.
pub(crate) fn step_times() {
    let start = Instant::now();
    let history = merge_history(20_000, 0.075, 1);
    let merges = (0..history.len()).filter(|&commit| history.parents(commit).len() > 1).count();
    println!("{} commits, {merges} merges; graph built in {:.0?}", history.len(), start.elapsed());
    for p in [1.0, 0.3] {
        let mut world = World::new(history.clone(), 3, p, Noise::Stretches, None, None, (7.0, 1.0));
        let mut times = Vec::new();
        let before = processor_milliseconds();
        let verdict = rules::ours_timed(&mut world, Settings::default(), |took| times.push(took));
        times.sort();
        println!(
            "p = {p}: {} steps, next step median {:.1?}, longest {:.1?}, processor time {:.1} ms a step; {verdict:?}, culprit {}",
            times.len(),
            times[times.len() / 2],
            times[times.len() - 1],
            (processor_milliseconds() - before) / times.len() as f64,
            world.culprit
        );
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM unknown");
    println!("peak memory: {peak}");
}

/// Time this process had a processor: what counts when others keep the machine busy.
fn processor_milliseconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse::<f64>().ok()).unwrap_or(0.0) / 1e6
}
