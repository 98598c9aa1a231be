//! One trial, and the file that keeps trials.

use std::fs::{self, File};
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use analysis_bisect::Settings;

use crate::rules::{self, Verdict};
use crate::worlds::world;

/// What decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rule {
    Ours,
    /// With the measured prior of `ktriage suspects`.
    Suspects,
    Reference,
    Git,
}

impl Rule {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Ours, "ours"),
        (Self::Suspects, "suspects"),
        (Self::Reference, "reference"),
        (Self::Git, "git"),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(rule, _)| *rule == self).map_or("", |(_, name)| name)
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, other)| *other == name).map(|(rule, _)| *rule)
    }
}

/// A world, a detection probability and a rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cell {
    pub(crate) world: char,
    pub(crate) p: f64,
    pub(crate) rule: Rule,
}

/// How a trial ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trial {
    pub(crate) cell: Cell,
    pub(crate) seed: usize,
    pub(crate) culprit: usize,
    /// The culprit shows at a quarter of its full power or more.
    pub(crate) shows: bool,
    pub(crate) verdict: Verdict,
    pub(crate) builds: u32,
    pub(crate) runs: u32,
    pub(crate) minutes: f64,
}

impl Trial {
    pub(crate) fn right(&self) -> bool {
        self.verdict.named == Some(self.culprit)
    }

    pub(crate) fn wrong(&self) -> bool {
        self.verdict.named.is_some() && !self.right()
    }

    /// The trial as a line of its file.
    pub(crate) fn line(&self) -> String {
        let named = self.verdict.named.map_or("-".into(), |named| named.to_string());
        format!(
            "{} {} {} {} {} {} {named} {:.6} {} {} {} {:.1}",
            self.cell.world,
            self.cell.p,
            self.cell.rule.name(),
            self.seed,
            self.culprit,
            u8::from(self.shows),
            self.verdict.stated,
            self.verdict.left,
            self.builds,
            self.runs,
            self.minutes
        )
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let mut word = || words.next();
        Some(Self {
            cell: Cell {
                world: word()?.chars().next()?,
                p: word()?.parse().ok()?,
                rule: Rule::from_name(word()?)?,
            },
            seed: word()?.parse().ok()?,
            culprit: word()?.parse().ok()?,
            shows: word()? == "1",
            verdict: Verdict {
                named: word()?.parse().ok(),
                stated: word()?.parse().ok()?,
                left: word()?.parse().ok()?,
            },
            builds: word()?.parse().ok()?,
            runs: word()?.parse().ok()?,
            minutes: word()?.parse().ok()?,
        })
    }
}

/// Makes one trial.
pub(crate) fn run(cell: Cell, seed: usize) -> Trial {
    let mut world = world(cell.world, seed as u64, cell.p);
    let verdict = match cell.rule {
        Rule::Ours => rules::ours(&mut world, Settings::default()),
        Rule::Suspects => rules::ours_ranked(&mut world, Settings::default(), seed as u64),
        Rule::Reference => rules::reference(&mut world),
        Rule::Git => rules::git_bisect(&mut world),
    };
    Trial {
        cell,
        seed,
        culprit: world.culprit,
        shows: world.strength(world.culprit) >= 0.25 * cell.p,
        verdict,
        builds: world.cost.builds,
        runs: world.cost.runs,
        minutes: world.cost.minutes(),
    }
}

/// All trials made, and the file that keeps them.
pub(crate) struct Results {
    trials: Vec<Trial>,
    file: Option<File>,
}

impl Results {
    pub(crate) fn open(path: Option<&str>) -> Self {
        let Some(path) = path else { return Self { trials: Vec::new(), file: None } };
        let text = fs::read_to_string(path).unwrap_or_default();
        // A last line that was cut off when the benchmark was killed is no trial; the trial is made again.
        let trials = text.lines().filter_map(Trial::parse).collect();
        let file =
            File::options().append(true).create(true).open(path).expect("the file of results");
        if !text.is_empty() && !text.ends_with('\n') {
            writeln!(&file).expect("the file of results");
        }
        Self { trials, file: Some(file) }
    }

    pub(crate) fn all(&self) -> Vec<Trial> {
        self.trials.clone()
    }

    pub(crate) fn of(&self, cell: Cell) -> Vec<Trial> {
        self.trials.iter().filter(|trial| trial.cell == cell).copied().collect()
    }

    /// Makes the trials of a cell that are missing.
    pub(crate) fn fill(&mut self, cell: Cell, trials: usize) {
        let made = self.of(cell);
        let missing: Vec<usize> =
            (0..trials).filter(|seed| made.iter().all(|trial| trial.seed != *seed)).collect();
        let next = AtomicUsize::new(0);
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let results = Mutex::new(&mut *self);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(&seed) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let trial = run(cell, seed);
                        results.lock().expect("no trial panics").add(trial);
                    }
                });
            }
        });
    }

    fn add(&mut self, trial: Trial) {
        if let Some(file) = &mut self.file {
            writeln!(file, "{}", trial.line()).expect("the file of results");
        }
        self.trials.push(trial);
    }
}
