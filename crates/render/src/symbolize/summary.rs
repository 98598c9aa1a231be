//! By what a log was symbolised, and what has no place.

use analysis_symbolize::{BootKernel, Fit, Kaslr, Misfit, Summary, WhyNot};

use crate::escape::one_line;

/// Modules that are named one by one.
const MODULES_SHOWN: usize = 20;
/// Reasons that are named one by one.
const REASONS_SHOWN: usize = 20;

/// A few lines about a symbolised log.
pub fn summary(summary: &Summary) -> Vec<String> {
    let mut out = Vec::new();
    let id = summary.build_id.as_ref().map(|id| format!(" (build id {id})")).unwrap_or_default();
    out.push(format!("kernel: {}{id}", summary.vmlinux.display()));
    if let Some(path) = &summary.debug_file {
        out.push(format!("lines: {}", path.display()));
    }
    for (at, boot) in summary.boots.iter().enumerate() {
        let which = match summary.boots.len() {
            1 => String::new(),
            _ => format!("boot {}: ", at + 1),
        };
        out.push(format!("{which}{}", kernel(boot)));
        if let Some(kaslr) = boot.kaslr {
            out.push(format!("{which}{}", moved(kaslr)));
        }
    }
    for module in summary.modules.iter().take(MODULES_SHOWN) {
        out.push(format!("module {}: {}", module.name, module.path.display()));
    }
    if summary.modules.len() > MODULES_SHOWN {
        out.push(format!("and {} modules more", summary.modules.len() - MODULES_SHOWN));
    }
    let total =
        summary.resolved + summary.unresolved.values().map(|(count, _)| count).sum::<usize>();
    out.push(format!("{} of {total} addresses have a place", summary.resolved));
    for (why, (count, line)) in summary.unresolved.iter().take(REASONS_SHOWN) {
        out.push(format!("{count} have none (the first in L{line}): {}", why_not(why)));
    }
    if let Some(reason) = &summary.not_kept {
        out.push(format!(
            "the index was not kept, the next call takes as long as this one: {reason}"
        ));
    }
    out.iter().map(|line| one_line(line)).collect()
}

fn kernel(boot: &BootKernel) -> String {
    let sizes = |functions: &usize| match functions {
        0 => "no function was there to compare".to_owned(),
        1 => "1 function has the same size".to_owned(),
        functions => format!("{functions} functions were compared by size"),
    };
    match (&boot.fit, &boot.misfit) {
        (Some(Fit::BuildId { line }), _) => {
            format!("it is the log's kernel: the same build id (L{line})")
        }
        (Some(Fit::Banner { line, functions }), _) => {
            format!(
                "it is the log's kernel: the same words on its version (L{line}); {}",
                sizes(functions)
            )
        }
        (Some(Fit::Release { line, functions }), _) => {
            format!("it fits the log: the same release (L{line}); {}", sizes(functions))
        }
        (Some(Fit::Sizes { functions }), _) => {
            format!("it fits the log as far as that shows: {}", sizes(functions))
        }
        (Some(Fit::Nothing), _) => "the log has nothing to compare it with".to_owned(),
        (None, Some(misfit)) => {
            let what = match misfit {
                Misfit::BuildId { wanted, .. } => format!("the build id {wanted}"),
                Misfit::Version { wanted, .. } => format!("the version {wanted}"),
                Misfit::Sizes { .. } => "functions of other sizes".to_owned(),
            };
            match boot.usable {
                true => format!(
                    "ANOTHER KERNEL, used as asked: the log has {what}; places may be wrong"
                ),
                false => format!("another kernel, left alone: it has {what}"),
            }
        }
        (None, None) => String::new(),
    }
}

fn moved(kaslr: Kaslr) -> String {
    match kaslr {
        Kaslr::Stated { offset, line } => format!("the kernel was moved by {offset:#x} (L{line})"),
        Kaslr::Derived { offset, line, functions } => format!(
            "the kernel was moved by {offset:#x}, as {functions} addresses beside functions show (first in L{line})"
        ),
    }
}

/// Why something has no place.
pub(crate) fn why_not(why: &WhyNot) -> String {
    match why {
        WhyNot::OtherBoot => "they are of a boot of another kernel".to_owned(),
        WhyNot::NoModule { module } => {
            format!("the file of module {module} is not found; --modules names its folder")
        }
        WhyNot::Generated => "the code was made while the kernel ran".to_owned(),
        WhyNot::OtherModule { module } => {
            format!("the file of module {module} is of another build")
        }
        WhyNot::NoLines { module: Some(module) } => {
            format!("the file of module {module} has no debug information")
        }
        WhyNot::NoLines { module: None } => "the vmlinux has no debug information".to_owned(),
        WhyNot::NoFunction => "the file has no such function".to_owned(),
        WhyNot::OtherSize => "the function has another size in the file".to_owned(),
        WhyNot::Outside => "the offset is larger than the function: the line is damaged".to_owned(),
        WhyNot::NotCovered => "the debug information does not know the address".to_owned(),
        WhyNot::NotMoved => "how far the kernel was moved is not known".to_owned(),
    }
}
