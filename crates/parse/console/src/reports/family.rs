//! The types of the tables: a family of reports, its shapes, where a name is looked for.

use model::functions::Role;

/// All reports that share the literal start of their first line.
#[derive(Debug)]
pub struct Family {
    /// The literal text that opens a report, such as `BUG:`.
    pub header: &'static str,
    /// A line that holds the header is no report when one of these regular expressions matches it.
    pub except: &'static [&'static str],
    /// The kinds of report, tried in order; the first that fits names the crash.
    pub shapes: &'static [Shape],
    /// Who prints such reports.
    pub printer: Printer,
}

impl Family {
    /// A row of the kernel with nothing in it, for `..Family::EMPTY`.
    pub const EMPTY: Self = Self { header: "", except: &[], shapes: &[], printer: Printer::Kernel };
}

/// Who prints a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Printer {
    /// The kernel of the log.
    Kernel,
    /// Firmware, a boot loader, another kernel beside it, or a program.
    Other,
}

/// One kind of report and how it is named.
#[derive(Debug)]
pub struct Shape {
    /// Regular expression for the first line, matched from where the header begins. Groups give
    /// `{1}`, `{2}`, … to the templates.
    pub line: &'static str,
    /// Regular expressions that later lines must match, in this order. Their groups go on counting.
    pub then: &'static [&'static str],
    /// Title template: `{1}` for a group, `{f1}` for a group that names a function, `{F}` for the function.
    pub title: &'static str,
    /// Templates of alternative titles, under which the same bug may be filed.
    pub also: &'static [&'static str],
    /// Where the function of the title is looked for; empty when the title names none.
    pub function: &'static [Look],
    /// Which of the frames that are found is chosen.
    pub choice: Choice,
    /// Roles whose functions do not name this kind, beside those that name none.
    pub roles: &'static [Role],
    /// Further functions that do not name this kind (regular expressions).
    pub skip: &'static [&'static str],
    /// What may be said against the report.
    pub doubt: Doubt,
}

impl Shape {
    /// A row with nothing in it, for `..Shape::EMPTY`.
    pub const EMPTY: Self = Self {
        line: "",
        then: &[],
        title: "",
        also: &[],
        function: &[],
        choice: Choice::First,
        roles: &[],
        skip: &[],
        doubt: Doubt::NeedsTrace,
    };
}

/// One place where the function of a title may stand. Places are tried in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// The group of that number, which holds a function name.
    Group(usize),
    /// The same, even if the function is a helper.
    AnyGroup(usize),
    /// The frames that follow a line which matches the regular expression.
    After(&'static str),
    /// The first group of the first line that matches the regular expression.
    Line(&'static str),
    /// The frames that follow `Call Trace:` and its like, of any architecture.
    Trace,
    /// The instruction pointer that the registers show.
    InstructionPointer,
    /// All frames of the report from its first line on.
    Frames,
}

/// How one of several frames is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The first that is no helper.
    First,
    /// For stalls: the function just below the entry that ran it (a system call, an ioctl, a
    /// softirq), since the top frame moves from sample to sample.
    Entry,
    /// For hung tasks: the first that is no helper, with the well-known locks and grace periods
    /// taken together.
    Waiter,
    /// For warnings in `usb_submit_urb`: the caller before it.
    Caller(&'static str),
}

/// When a report of this kind counts as damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// When no stack trace follows.
    NeedsTrace,
    /// Never for want of a stack trace.
    TraceOptional,
    /// When no line matches the regular expression.
    Needs(&'static str),
    /// Always: the shape is one of a report cut short.
    Always,
}
