//! What was found in descriptions of system calls, as text and as JSON.

use std::fmt::Write as _;

use analysis_fuzz::{Architecture, Counts, Mistake, Wanting, Wrong};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Escaped;

/// Grows when a field changes its meaning or goes; new fields do not change it.
const FORMAT: u32 = 1;
/// Calls that are not enabled and are shown as text.
const MOST: usize = 20;

/// What is wrong, and what to do.
#[must_use]
pub fn mistake(mistake: &Mistake) -> (String, &'static str) {
    let name = &mistake.name;
    match mistake.wrong {
        Wrong::Twice => (format!("`{name}` is declared twice"), "rename or remove one of them"),
        Wrong::Unknown => (
            format!("`{name}` is no type, no flags and no constant of any architecture"),
            "declare it, or add its value to a .const file",
        ),
        Wrong::Parameters => (
            format!("`{name}` is given another number of options than it has parameters"),
            "give one option for each parameter",
        ),
        Wrong::UnusedParameter => {
            (format!("parameter `{name}` is not used by its template"), "use it or remove it")
        }
        Wrong::Unused => (format!("nothing uses `{name}`"), "use it or remove it"),
        Wrong::TwoValues => (
            format!("constant `{name}` has another value in an earlier file"),
            "extract the constants of both files from the same kernel",
        ),
        Wrong::NoArchitecture => (
            format!("constant `{name}` is of no known architecture"),
            "begin the file with `arches = NAME, NAME`, or end its name in _NAME.const",
        ),
        Wrong::LikeFlags => {
            (format!("flags `{name}` are named like a constant"), "rename the flags")
        }
    }
}

/// Counts of descriptions without mistakes, for a terminal.
#[must_use]
pub fn text(counts: &Counts, architectures: &[Architecture]) -> String {
    let mut out = format!(
        "Declared  {} calls of {} names\n          {} structs, {} unions, {} templates, {} aliases\n          \
         {} resources, {} flags, {} string flags, {} lists that only ask for constants\n",
        counts.calls,
        counts.names,
        counts.structs,
        counts.unions,
        counts.templates,
        counts.aliases,
        counts.resources,
        counts.flags,
        counts.strings,
        counts.requests
    );
    for found in architectures {
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{:<8}  {} calls, {} kernel numbers: {} enabled, {} not enabled, {} switched off by their attribute",
            Escaped(&found.name).to_string(),
            found.calls,
            found.numbers,
            found.enabled,
            found.wanting.len(),
            found.disabled
        );
        for wanting in found.wanting.iter().take(MOST) {
            let call = Escaped(&wanting.call);
            let _ = if wanting.resources.is_empty() {
                writeln!(out, "          {call}: its types nest too deep to be followed")
            } else {
                let resources = wanting.resources.join(", ");
                writeln!(out, "          {call}: no enabled call makes {}", Escaped(&resources))
            };
        }
        if found.wanting.len() > MOST {
            let _ = writeln!(out, "          and {} more", found.wanting.len() - MOST);
        }
    }
    out
}

/// What was found in a folder of descriptions.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Number of this format.
    format: u32,
    /// What is wrong, in order of files and lines.
    mistakes: Vec<Place>,
    /// What is declared; null where something is wrong.
    declared: Option<Declared>,
    /// The architectures asked for; none where something is wrong.
    architectures: Vec<Calls>,
}

/// A mistake at its place.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Place {
    /// Path of the file.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// In bytes, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Numbers of declarations.
#[derive(Debug, Serialize, JsonSchema)]
struct Declared {
    /// Calls, each variant.
    calls: usize,
    /// Their names without what follows `$`.
    names: usize,
    /// Structs that are no templates.
    structs: usize,
    /// Unions that are no templates.
    unions: usize,
    templates: usize,
    /// Aliases without parameters.
    aliases: usize,
    resources: usize,
    /// Flags of numbers.
    flags: usize,
    string_flags: usize,
    /// Lists named `_`, which only ask for constants.
    constant_requests: usize,
}

/// The calls of an architecture.
#[derive(Debug, Serialize, JsonSchema)]
struct Calls {
    name: String,
    /// Calls whose number and constants are defined.
    calls: usize,
    /// Different numbers of kernel calls among them.
    kernel_numbers: usize,
    /// Calls that can get all resources that they take.
    enabled: usize,
    /// Calls with the attribute `disabled`.
    switched_off: usize,
    not_enabled: Vec<NotEnabled>,
}

/// A call that cannot get what it takes.
#[derive(Debug, Serialize, JsonSchema)]
struct NotEnabled {
    call: String,
    /// Resources that it takes and no enabled call makes; none if its types nest too deep to be followed.
    missing: Vec<String>,
}

/// Mistakes, as JSON.
#[must_use]
pub fn wrong(mistakes: Vec<Place>) -> Document {
    Document { format: FORMAT, mistakes, declared: None, architectures: Vec::new() }
}

/// Counts of descriptions without mistakes, as JSON.
#[must_use]
pub fn right(counts: &Counts, architectures: Vec<Architecture>) -> Document {
    Document {
        format: FORMAT,
        mistakes: Vec::new(),
        declared: Some(Declared {
            calls: counts.calls,
            names: counts.names,
            structs: counts.structs,
            unions: counts.unions,
            templates: counts.templates,
            aliases: counts.aliases,
            resources: counts.resources,
            flags: counts.flags,
            string_flags: counts.strings,
            constant_requests: counts.requests,
        }),
        architectures: architectures.into_iter().map(calls).collect(),
    }
}

fn calls(found: Architecture) -> Calls {
    Calls {
        name: found.name,
        calls: found.calls,
        kernel_numbers: found.numbers,
        enabled: found.enabled,
        switched_off: found.disabled,
        not_enabled: found
            .wanting
            .into_iter()
            .map(|Wanting { call, resources }| NotEnabled { call, missing: resources })
            .collect(),
    }
}
