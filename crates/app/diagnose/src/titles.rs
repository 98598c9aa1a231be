//! Which crash report an event is: the two engines read the same lines, so their lines tell.

use analysis_hang::event::{Detail, Event};
use analysis_identity::CrashReport;

/// Gives each event the titles of the crash reports that it stands for, in the order of the log.
///
/// A report belongs to the event that begins on the line which announces it, else to the event whose lines hold that
/// line, else to the first event inside of it. An event that another event's report covers (the panic at the end of
/// an oops) has no title of its own.
pub(crate) fn name(events: &mut [Event], reports: &[CrashReport]) {
    /// Lines between two forms of one headline.
    const SAME_HEADLINE: u64 = 3;
    let mut last = None;
    for report in reports {
        let line = report.header_line;
        // Events are in the order of their first lines; long ones may reach far.
        let before = events.partition_point(|event| event.lines.first <= line);
        let found = events[..before]
            .iter()
            .rposition(|event| begins_at(event, line))
            .or_else(|| events[..before].iter().rposition(|event| event.lines.contains(line)))
            .or_else(|| {
                events[..before]
                    .iter()
                    .rposition(|event| event.last_repeat.is_some_and(|lines| lines.contains(line)))
            })
            .or_else(|| {
                events.iter().position(|event| {
                    report.lines.contains(event.lines.first) && event.titles.is_empty()
                })
            });
        if let Some(at) = found {
            // A symbolised headline stands once for each inlined function, the one that is called last: one report.
            let again = last.is_some_and(|(event, before): (usize, u64)| {
                event == at && line <= before + SAME_HEADLINE
            });
            if again && !matches!(events[at].detail, Detail::Hung(_)) {
                events[at].titles.pop();
            }
            events[at].titles.push(report.title.clone());
            last = Some((at, line));
        }
    }
}

fn begins_at(event: &Event, line: u64) -> bool {
    event.lines.first == line
        || matches!(&event.detail, Detail::Hung(scan) if scan.members.iter().any(|member| member.line == line))
}

#[cfg(test)]
mod tests {
    fn titles(log: &str) -> Vec<Vec<String>> {
        let mut events = analysis_hang::diagnose(log.as_bytes()).seen.events;
        let reports = analysis_identity::read_log(log.as_bytes());
        super::name(&mut events, &reports.reports);
        events.into_iter().map(|event| event.titles).collect()
    }

    #[test]
    fn each_task_of_a_scan_has_the_title_of_its_own_report() {
        let task = |at: u64, name: &str, pid: u32, function: &str| {
            format!(
                "[  {at}.000000] INFO: task {name}:{pid} blocked for more than 120 seconds.\n[  {at}.000001]       Not tainted 6.1.0 #1\n[  {at}.000002] task:{name} state:D stack:0 pid:{pid} ppid:1 flags:0x4\n[  {at}.000003] Call Trace:\n[  {at}.000004]  __schedule+0x1/0x9\n[  {at}.000005]  schedule+0x1/0x9\n[  {at}.000006]  schedule_timeout+0x1/0x9\n[  {at}.000007]  wait_for_completion+0x1/0x9\n[  {at}.000008]  {function}+0x1/0x9\n[  {at}.000009]  ksys_write+0x1/0x9\n"
            )
        };
        let log = task(300, "a", 11, "shop_close") + &task(300, "b", 12, "shop_count");
        assert_eq!(
            titles(&log),
            [["INFO: task hung in shop_close", "INFO: task hung in shop_count"]]
        );
    }

    #[test]
    fn the_panic_that_ends_a_report_does_not_borrow_its_title() {
        let log = "[    5.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n[    5.000001] Oops: 0000 [#1] PREEMPT SMP\n[    5.000002] CPU: 0 PID: 9 Comm: w Not tainted 6.1.0 #1\n[    5.000003] RIP: 0010:shop_reset+0x1/0x9\n[    5.000004] Call Trace:\n[    5.000005]  ksys_write+0x1/0x9\n[    5.000006] Kernel panic - not syncing: Fatal exception\n";
        let titles = titles(log);
        let all: Vec<&String> = titles.iter().flatten().collect();
        assert_eq!(all, ["BUG: unable to handle kernel NULL pointer dereference in shop_reset"]);
        assert_eq!(titles[0].len(), 1);
    }
}
