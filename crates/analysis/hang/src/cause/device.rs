//! Ties of hung tasks to a device that failed before.

use model::{Grade, Link, LinkReason, RuleId};

use super::pair::Pair;
use crate::event::{Detail, Event, EventKind};
use crate::graph::NodeKind;
use crate::stack;

/// A device that failed this long before tasks hang, in microseconds, may be why they hang.
pub(super) const DEVICE_FIRST: i64 = 900_000_000;

/// What ties hung tasks to a device that failed before: they wait for a device or for I/O, for a server, or
/// inside the driver that reported.
pub(super) fn failed(pair: &Pair<'_>) -> Option<Link> {
    let Pair { seen, earlier: device, later: hung, .. } = *pair;
    if device.kind != EventKind::Device || !hung.kind.is_hang() || !pair.close(DEVICE_FIRST) {
        return None;
    }
    let (Some(graph), Detail::Hung(scan)) = (pair.graph, &hung.detail) else { return None };
    let sinks = |kind: NodeKind| {
        scan.members.iter().filter_map(|member| graph.task(member.task.pid?)).any(|node| {
            let sinks = graph.sinks(node, Grade::Inferred);
            sinks.iter().any(|(sink, _)| graph.nodes[*sink].kind == kind)
        })
    };
    let link = |reason| pair.link(reason, RuleId::R85, Grade::Inferred);
    if device.headline.contains("not responding") {
        return sinks(NodeKind::UserSpace).then(|| link(LinkReason::ServerSilent))?;
    }
    let frames = || {
        let stacks = scan.members.iter().filter_map(|member| member.snapshot);
        stacks.flat_map(|id| stack::task_frames(seen.snapshot(id)))
    };
    if let Some(driver) = driver(&device.headline)
        && frames().any(|frame| {
            frame.function.starts_with(driver)
                || frame.module.as_deref().is_some_and(|module| module.starts_with(driver))
        })
    {
        return link(LinkReason::InsideDriver { driver: driver.to_owned() });
    }
    if !is_storage(device) {
        return None;
    }
    if sinks(NodeKind::Device) {
        return link(LinkReason::DeviceFailed);
    }
    let io = frames().any(|frame| {
        frame.function.starts_with("io_schedule") || frame.function.starts_with("bit_wait_io")
    });
    io.then(|| link(LinkReason::StorageFailed))?
}

/// Whether the trouble is one of storage, not of a network card or a GPU.
pub(super) fn is_storage(device: &Event) -> bool {
    const OTHERS: &[&str] = &[
        "NETDEV WATCHDOG",
        "transmit queue",
        "Tx Unit Hang",
        "tx timeout",
        "GPU HANG",
        "Link Down",
    ];
    !OTHERS.iter().any(|other| device.headline.contains(other))
}

/// The driver that a message names first, `nvme` of `nvme nvme0: …`, without number and bus.
fn driver(headline: &str) -> Option<&str> {
    let word = headline.split([' ', ':']).next()?;
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let word = word.strip_suffix("_core").unwrap_or(word);
    (word.len() >= 4 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        .then_some(word)
}
