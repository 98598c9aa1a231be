//! The line that begins an event.

use crate::clock::Moment;
use crate::event::EventKind;

/// A line with an anchor of a row of the table of events.
#[derive(Clone, Copy)]
pub(in crate::collect) struct Head<'a> {
    pub(in crate::collect) kind: EventKind,
    /// The row's anchors.
    pub(in crate::collect) anchors: &'static [&'static str],
    pub(in crate::collect) text: &'a str,
    pub(in crate::collect) number: u64,
    pub(in crate::collect) at: Option<Moment>,
}

impl Head<'_> {
    /// The anchor that the line has.
    pub(in crate::collect) fn anchor(&self) -> &'static str {
        let found = self.anchors.iter().find(|anchor| self.text.contains(**anchor));
        found.copied().unwrap_or_default()
    }
}

/// A line inside an open report.
#[derive(Clone, Copy)]
pub(in crate::collect) struct Inner<'a> {
    /// The number of the open event.
    pub(in crate::collect) event: usize,
    pub(in crate::collect) text: &'a str,
    pub(in crate::collect) number: u64,
    pub(in crate::collect) at: Option<Moment>,
}
