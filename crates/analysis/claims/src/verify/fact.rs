//! What a log says, as predicates with the messages that say it.

use model::Predicate;

use super::log::Log;
use super::{
    address, cpus, crash, kernel, kind, lockdep, memory, object, rcu, registers, state, tasks,
    waits, workqueue,
};

/// One thing that a log says.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    /// The messages that say it.
    pub(crate) at: Vec<usize>,
    /// What they say.
    pub(crate) says: Predicate,
    /// It shows a claim, but does not speak against another one.
    pub(crate) weak: bool,
}

/// Collects facts.
pub(crate) struct Facts<'a> {
    log: &'a Log,
    list: Vec<Fact>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(log: &'a Log) -> Self {
        Self { log, list: Vec::new() }
    }

    pub(super) fn into_vec(self) -> Vec<Fact> {
        self.list
    }

    /// These messages say so.
    pub(super) fn say(&mut self, at: &[usize], says: Predicate) {
        self.put(at, says, false);
    }

    /// These messages say so; something else may be true as well.
    pub(super) fn hint(&mut self, at: &[usize], says: Predicate) {
        self.put(at, says, true);
    }

    /// These messages show it to somebody who looks at the whole log; it is too little for a statement that cites them.
    pub(super) fn below(&mut self, at: &[usize], says: Predicate) {
        if !self.log.only_cited {
            self.put(at, says, true);
        }
    }

    fn put(&mut self, at: &[usize], says: Predicate, weak: bool) {
        // What rests on a line that may not be cited shows nothing.
        if self.log.may_cite(at) {
            self.list.push(Fact { at: at.to_vec(), says, weak });
        }
    }
}

/// Groups of predicates that one reader knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Kernel,
    Kind,
    Crash,
    Object,
    Address,
    Registers,
    Tasks,
    Waits,
    Cpus,
    Rcu,
    Workqueue,
    Lockdep,
    Memory,
    State,
}

impl Family {
    pub(crate) const COUNT: usize = Self::State as usize + 1;

    pub(super) fn read(self, log: &Log, facts: &mut Facts<'_>) {
        match self {
            Self::Kernel => kernel::read(log, facts),
            Self::Kind => kind::read(log, facts),
            Self::Crash => crash::read(log, facts),
            Self::Object => object::read(log, facts),
            Self::Address => address::read(log, facts),
            Self::Registers => registers::read(log, facts),
            Self::Tasks => tasks::read(log, facts),
            Self::Waits => waits::read(log, facts),
            Self::Cpus => cpus::read(log, facts),
            Self::Rcu => rcu::read(log, facts),
            Self::Workqueue => workqueue::read(log, facts),
            Self::Lockdep => lockdep::read(log, facts),
            Self::Memory => memory::read(log, facts),
            Self::State => state::read(log, facts),
        }
    }
}
