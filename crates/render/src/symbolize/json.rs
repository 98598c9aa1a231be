//! What `ktriage symbolize --json` prints: one [`Log`] a line.

use analysis_symbolize::{
    BootKernel, Disassembly, Fit, Found, Kaslr, Misfit, Points, Summary, WhyNot,
};
use model::{LineSpan, SourcePlace};
use schemars::JsonSchema;
use serde::Serialize;

use super::summary::why_not;

/// Grows when a field changes its meaning or goes; new fields do not change it.
const FORMAT: u32 = 1;

/// A symbolised log.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Log<'a> {
    /// Number of this format.
    format: u32,
    /// The log as it was named on the command line; `-` is standard input.
    file: &'a str,
    /// The kernel's file.
    vmlinux: String,
    /// The file that lines come from, where it is another one.
    debug_file: Option<String>,
    /// Build id of the kernel's file, in hexadecimal digits.
    build_id: Option<&'a str>,
    /// What the kernel's file says of itself, `Linux version …`.
    banner: Option<&'a str>,
    /// How the kernel of each boot of the log compares with the file.
    boots: Vec<Boot>,
    /// Modules that were used.
    modules: Vec<Module<'a>>,
    /// Everything in the log that is an address of the kernel, in order.
    frames: Vec<Frame<'a>>,
    /// The `Code:` lines of the kernel.
    code: Vec<Code<'a>>,
    /// Why some have no place.
    unresolved: Vec<Unresolved>,
}

/// The kernel of a boot.
#[derive(Debug, Serialize, JsonSchema)]
struct Boot {
    /// What shows that it is the file: `build_id`, `banner`, `release`, `sizes`, `nothing`; null when it is another kernel.
    fits_by: Option<&'static str>,
    /// What shows that it is another kernel: `build_id`, `version`, `sizes`.
    differs_by: Option<&'static str>,
    /// Functions whose sizes were compared.
    functions: Option<usize>,
    /// How far the kernel was moved in memory, in bytes; null where the log does not show it.
    kaslr_offset: Option<u64>,
    /// `stated` by the log or `derived` from addresses.
    kaslr_from: Option<&'static str>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Module<'a> {
    name: &'a str,
    path: String,
    build_id: Option<&'a str>,
}

/// A function with an offset.
#[derive(Debug, Serialize, JsonSchema)]
struct Frame<'a> {
    /// The line of the log, counted from 1.
    line: u64,
    /// The function as printed; empty for an address without a name.
    function: &'a str,
    /// Bytes from its start.
    offset: u64,
    /// Its size in bytes.
    size: u64,
    /// The module, if it is of one.
    module: Option<&'a str>,
    /// `instruction`: the place is that of the address; `call`: that of the call before the return address.
    points: &'static str,
    /// The functions with file and line, the innermost inlined one first. Paths are relative to the source.
    places: Vec<SourcePlace>,
    /// Places of the return address itself, where they differ; `decode_stacktrace.sh` printed these up to Linux 6.17.
    return_places: Vec<SourcePlace>,
    /// Places of other functions of the same name and size: the log does not tell which it was.
    others: Vec<Vec<SourcePlace>>,
    /// Why there is no place.
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not: Option<&'static str>,
}

/// A `Code:` line.
#[derive(Debug, Serialize, JsonSchema)]
struct Code<'a> {
    /// The line of the log.
    line: u64,
    function: Option<&'a str>,
    module: Option<&'a str>,
    instructions: Vec<Instruction<'a>>,
    /// Bytes that differ from those of the file; null where the file holds no instructions.
    differ: Option<usize>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Instruction<'a> {
    /// Bytes from the start of the function; from the marked instruction where the function is not known.
    offset: i64,
    /// Hexadecimal digits.
    bytes: String,
    text: &'a str,
    /// The instruction at the instruction pointer.
    marked: bool,
    places: &'a [SourcePlace],
    /// The text of the innermost place's line, from the tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Unresolved {
    why_not: &'static str,
    /// In words.
    reason: String,
    /// How many.
    count: usize,
    /// The first line.
    first_line: u64,
}

/// The object of one log. `found` are the functions of each line, `code` its `Code:` lines.
pub fn log<'a>(
    file: &'a str,
    found: &'a [(u64, Vec<Found>)],
    code: &'a [Disassembly],
    summary: &'a Summary,
) -> Log<'a> {
    let frames = found.iter().flat_map(|(line, found)| found.iter().map(|one| frame(*line, one)));
    Log {
        format: FORMAT,
        file,
        vmlinux: summary.vmlinux.display().to_string(),
        debug_file: summary.debug_file.as_ref().map(|path| path.display().to_string()),
        build_id: summary.build_id.as_deref(),
        banner: summary.banner.as_deref(),
        boots: summary.boots.iter().map(boot).collect(),
        modules: summary
            .modules
            .iter()
            .map(|module| Module {
                name: &module.name,
                path: module.path.display().to_string(),
                build_id: module.build_id.as_deref(),
            })
            .collect(),
        frames: frames.collect(),
        code: code.iter().map(one_code).collect(),
        unresolved: summary
            .unresolved
            .iter()
            .map(|(why, (count, first_line))| Unresolved {
                why_not: name(why),
                reason: why_not(why),
                count: *count,
                first_line: *first_line,
            })
            .collect(),
    }
}

fn frame(line: u64, found: &Found) -> Frame<'_> {
    let resolved = &found.resolved;
    let (function, offset, size) = match &resolved.named {
        Some((name, offset, size)) => (name.as_str(), *offset, *size),
        None => (found.function.as_str(), found.offset, found.size),
    };
    Frame {
        line,
        function,
        offset,
        size,
        module: found.module.as_deref(),
        points: match found.points {
            Points::At => "instruction",
            Points::Behind => "call",
        },
        places: resolved.places.clone(),
        return_places: resolved.behind.clone(),
        others: resolved.others.clone(),
        why_not: resolved.why_not.as_ref().map(name),
    }
}

fn one_code(code: &Disassembly) -> Code<'_> {
    let LineSpan { first, .. } = code.lines;
    let instructions = code.instructions.iter().map(|coded| Instruction {
        offset: coded.offset,
        bytes: coded.bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        text: &coded.text,
        marked: coded.marked,
        places: &coded.places,
        source: coded.source.as_deref(),
    });
    Code {
        line: first,
        function: code.function.as_deref(),
        module: code.module.as_deref(),
        instructions: instructions.collect(),
        differ: code.differ,
    }
}

fn boot(boot: &BootKernel) -> Boot {
    let (fits_by, functions) = match &boot.fit {
        Some(Fit::BuildId { .. }) => (Some("build_id"), None),
        Some(Fit::Banner { functions, .. }) => (Some("banner"), Some(*functions)),
        Some(Fit::Release { functions, .. }) => (Some("release"), Some(*functions)),
        Some(Fit::Sizes { functions }) => (Some("sizes"), Some(*functions)),
        Some(Fit::Nothing) => (Some("nothing"), None),
        None => (None, None),
    };
    let differs_by = boot.misfit.as_ref().map(|misfit| match misfit {
        Misfit::BuildId { .. } => "build_id",
        Misfit::Version { .. } => "version",
        Misfit::Sizes { .. } => "sizes",
    });
    Boot {
        fits_by,
        differs_by,
        functions,
        kaslr_offset: boot.kaslr.map(Kaslr::offset),
        kaslr_from: boot.kaslr.map(|kaslr| match kaslr {
            Kaslr::Stated { .. } => "stated",
            Kaslr::Derived { .. } => "derived",
        }),
    }
}

fn name(why: &WhyNot) -> &'static str {
    match why {
        WhyNot::OtherBoot => "other_boot",
        WhyNot::NoModule { .. } => "no_module",
        WhyNot::Generated => "generated",
        WhyNot::OtherModule { .. } => "other_module",
        WhyNot::NoLines { .. } => "no_debug_information",
        WhyNot::NoFunction => "no_function",
        WhyNot::OtherSize => "other_size",
        WhyNot::Outside => "outside",
        WhyNot::NotCovered => "not_covered",
        WhyNot::NotMoved => "not_moved",
    }
}
