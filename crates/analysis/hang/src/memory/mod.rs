//! Reports of the page allocator: what was asked for, what the zones had, and why it was not enough.
//!
//! Invariants: a block is read word by word, so that lines which a mailer has wrapped read as they were printed; a
//! zone or free list that is not there in full takes part in no check.

mod block;
mod check;
mod request;

use model::AllocationCause;

use crate::event::{Event, EventKind, MemoryReport};

pub(crate) use self::block::shared_out;
pub use self::block::{FreeList, MemInfo, Zone, mem_info};
pub use self::check::{Check, Outcome, outcome};
pub use self::request::{Request, ZoneKind};

impl MemoryReport {
    /// Whether a line is one of the Mem-Info block, which ends with the page cache.
    pub(crate) fn takes(&mut self, text: &str) -> bool {
        if self.block.is_empty() && (text == "Mem-Info:" || text.starts_with("active_anon:")) {
            self.in_block = true;
        }
        if self.in_block
            && ["total pagecache", "Tasks state", "[  pid"].iter().any(|end| text.contains(end))
        {
            self.in_block = false;
            return true;
        }
        self.in_block
    }

    /// What was asked for, as far as the headline tells.
    pub fn request(&self) -> Option<Request> {
        Request::read(self.order?, &self.mode)
    }

    /// Its Mem-Info block.
    pub fn info(&self) -> MemInfo {
        mem_info(&self.block)
    }

    /// The checks of its zones; `None` when the request is not told.
    pub fn outcome(&self, info: &MemInfo) -> Option<Outcome> {
        let request = self.request()?;
        let nodes = match (self.nodemask.as_deref(), self.mems_allowed.as_deref()) {
            (Some(mask), _) if mask != "(null)" => Some(numbers(mask)?),
            (_, Some(allowed)) if request.hardwall => Some(numbers(allowed)?),
            (_, Some(allowed)) => {
                // A request of the kernel may leave its cpuset when it has to: then it is open which nodes count.
                let allowed = numbers(allowed)?;
                let all = info.zones.iter().all(|z| z.node.is_none_or(|n| allowed.contains(&n)));
                all.then_some(())?;
                None
            }
            _ => None,
        };
        Some(outcome(info, &request, nodes.as_deref()))
    }
}

/// Why the request of an event was not served, as far as its report shows.
pub fn failed_by(event: &Event, report: &MemoryReport) -> Option<AllocationCause> {
    let constraint = report.constraint.as_ref().map(|(_, constraint)| constraint.as_str());
    if constraint == Some("CONSTRAINT_MEMCG") || event.headline.contains("Memory cgroup") {
        return Some(AllocationCause::CgroupLimit);
    }
    // Which nodes a cpuset or a policy leaves is not printed with an OOM kill.
    if !matches!(constraint, None | Some("CONSTRAINT_NONE")) {
        return None;
    }
    let info = report.info();
    let nodes = info.zones.iter().filter_map(|zone| zone.node).max().unwrap_or(0);
    let bounded = event.kind == EventKind::OutOfMemory && constraint.is_none() && nodes > 0;
    report.outcome(&info).filter(|_| !bounded)?.cause
}

/// `0-1,3` as numbers.
fn numbers(list: &str) -> Option<Vec<u32>> {
    let mut all = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if last < first || last - first > 1024 {
            return None;
        }
        all.extend(first..=last);
    }
    Some(all)
}
