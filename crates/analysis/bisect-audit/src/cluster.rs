//! The bugs that the start commit shows. A log rarely has one title there: some are one bug in several
//! names, some are several bugs. Titles that are near form a cluster; clusters are judged apart.

use model::LineSpan;
use parse_bisect_log::Phase;

use crate::tested::{Tally, Tested};
use crate::title::{Nearness, is_machine, nearest};

/// Most titles of the start commit that are looked at, the commonest first; real logs have up to 10.
const TITLES: usize = 16;
/// Most bugs that are told apart.
const MOST_CLUSTERS: usize = 8;

/// One bug of the start commit, by its titles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TitleCluster {
    /// Its titles at the start commit, the commonest first.
    pub titles: Vec<String>,
    /// Crashes with these titles at the start commit.
    pub hits: u32,
    /// Usable runs of the start commit.
    pub runs: u32,
    /// The lines of the start commit's test.
    pub lines: Vec<LineSpan>,
}

impl TitleCluster {
    /// The commonest title.
    pub fn title(&self) -> &str {
        self.titles.first().map_or("", String::as_str)
    }

    /// How near a title is to this cluster.
    pub(crate) fn nearness(&self, title: &str) -> Nearness {
        nearest(title, self.titles.iter().map(String::as_str))
    }

    /// Crashes of `tally` that belong to the cluster: the same title, or the same function.
    pub(crate) fn hits_in(&self, tally: &Tally) -> u32 {
        tally
            .crashes
            .iter()
            .filter(|(title, _)| self.nearness(title) >= Nearness::SameFunction)
            .map(|(_, count)| count)
            .sum()
    }

    /// How near the nearest crash of `tally` comes; `None` without a crash.
    pub(crate) fn nearest_in(&self, tally: &Tally) -> Option<Nearness> {
        tally.crashes.keys().map(|title| self.nearness(title)).max()
    }
}

/// The clusters of the start commit, the commonest first. Titles of the machine count only when there is
/// nothing else.
pub(crate) fn clusters(tests: &[Tested]) -> Vec<TitleCluster> {
    let starts: Vec<_> = tests.iter().filter(|test| test.phase == Phase::Original).collect();
    let mut tally = Tally::default();
    for test in &starts {
        tally.add(&test.tally);
    }
    let lines: Vec<_> = starts.iter().map(|test| test.span).collect();
    let mut titles: Vec<(&String, u32)> = tally.crashes.iter().map(|(t, n)| (t, *n)).collect();
    titles.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    titles.truncate(TITLES);
    let only_machine = titles.iter().all(|(title, _)| is_machine(title));
    let mut clusters: Vec<TitleCluster> = Vec::new();
    for (title, count) in titles {
        if is_machine(title) && !only_machine {
            continue;
        }
        let near = |cluster: &TitleCluster| cluster.nearness(title) >= Nearness::SameArea;
        let full = clusters.len() == MOST_CLUSTERS;
        match clusters.iter_mut().find(|cluster| near(cluster)) {
            Some(cluster) => {
                cluster.titles.push(title.clone());
                cluster.hits += count;
            }
            None if full => {}
            None => clusters.push(TitleCluster {
                titles: vec![title.clone()],
                hits: count,
                runs: tally.usable(),
                lines: lines.clone(),
            }),
        }
    }
    clusters.sort_by_key(|cluster| std::cmp::Reverse(cluster.hits));
    clusters
}
