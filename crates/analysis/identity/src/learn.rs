//! What reports tell about helpers, for `cargo xtask learn-helpers`: which functions stood before the one that a
//! title names.

use parse_console::reports::Choice;

use crate::CrashReport;
use crate::compiled;
use crate::functions;
use crate::helpers;
use crate::names;
use crate::report::{shape_groups, symbolised_head};

/// The functions that might have named a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates {
    /// The family: the template of its title.
    pub family: &'static str,
    /// All functions in the order in which they are tried, helpers too.
    pub functions: Vec<String>,
}

/// The candidates of a report; `None` where the function is not the first of a list (stalls, data races).
pub fn candidates(report: &CrashReport) -> Option<Candidates> {
    let row = report.row?;
    let lines: Vec<&str> = report.text.lines().collect();
    let (first, at, family) = lines.iter().enumerate().find_map(|(index, text)| {
        let (at, family) = compiled::find_header(text)?;
        (family.family.header == row.header && !family.excepts(text)).then_some((index, at, family))
    })?;
    let shape = family.shapes.get(row.shape)?;
    if shape.shape.choice == Choice::Entry || shape.shape.title.contains("{f") {
        return None;
    }
    let body = &lines[first..];
    let head = symbolised_head(body, at, row.header);
    let groups = shape_groups(shape, head, body)??;
    let functions = functions::candidates(shape, body, &groups);
    Some(Candidates { family: shape.shape.title, functions })
}

/// The name of a function in a title.
pub fn title_name(function: &str) -> String {
    names::forms(function).0
}

/// Whether the table of roles alone says that the function never names a bug.
pub fn is_helper_by_role(function: &str) -> bool {
    helpers::is_helper_by_role(function)
}
