//! `ktriage bugs`: the bugs of the record.

use std::io::{self, Write as _};
use std::process::ExitCode;

use model::tracker::{Filter, Order, ReproducerLevel, State as BugState};

use super::{State, failure, now};
use crate::failure::Failure;

/// List the bugs of the record: the open ones, unless asked otherwise; the one seen last comes first.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    ktriage bugs                          what is open\n  \
    ktriage bugs rtnl_lock hung           what holds these words\n  \
    ktriage bugs --is obsolete,invalid    what was closed so\n  \
    ktriage bugs --machine rack7 --since 7 --sort crashes")]
pub(crate) struct Arguments {
    /// Words that title, other names, notes or report must hold, each as the beginning of a word.
    #[arg(value_name = "WORD")]
    words: Vec<String>,
    /// In these states: new, reported, fix_proposed, fix_known, fixed, duplicate, invalid, obsolete.
    #[arg(long = "is", value_name = "STATE", value_delimiter = ',', value_parser = a_state)]
    states: Vec<BugState>,
    /// The closed ones too.
    #[arg(long)]
    all: bool,
    /// Of this kind, as `ktriage report` names it, such as KASAN-READ.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Seen on this machine.
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,
    /// Seen with this kernel's release.
    #[arg(long, value_name = "RELEASE")]
    kernel: Option<String>,
    /// With this label, NAME or NAME:VALUE.
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,
    /// With a reproducer.
    #[arg(long)]
    reproducer: bool,
    /// Seen in the last so many days.
    #[arg(long, value_name = "DAYS")]
    since: Option<u32>,
    /// By what they are sorted.
    #[arg(long, value_name = "ORDER", default_value = "last", value_parser = ["last", "created", "crashes"])]
    sort: String,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    state: State,
}

fn a_state(name: &str) -> Result<BugState, String> {
    BugState::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = BugState::ALL.iter().map(|state| state.name()).collect();
        format!("states are {}", names.join(", "))
    })
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let tracker = arguments.state.open()?;
    let now = now();
    let order = Order::ALL.iter().find(|(_, name)| *name == arguments.sort);
    let filter = Filter {
        text: arguments.words.join(" "),
        states: arguments.states.clone(),
        all: arguments.all,
        kind: arguments.kind.clone(),
        machine: arguments.machine.clone(),
        kernel: arguments.kernel.clone(),
        label: arguments.label.clone(),
        reproducer: if arguments.reproducer { ReproducerLevel::Syz } else { ReproducerLevel::None },
        since: arguments.since.map(|days| now - i64::from(days) * 86_400),
        public_only: false,
        order: order.map_or_else(Order::default, |(order, _)| *order),
        offset: 0,
        limit: arguments.limit.max(1),
    };
    let page = tracker.read().bugs(&filter).map_err(|error| failure(error.into()))?;
    let mut out = io::stdout().lock();
    if arguments.json {
        serde_json::to_writer(&mut out, &render::tracker::json::list(&page))
            .map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        out.write_all(render::tracker::text::list(&page, now).as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}
