//! Why a log cannot be symbolised.

use std::path::PathBuf;

use analysis_symbolize::Misfit;
use io_symbols::SymbolError;

/// Why a log cannot be symbolised.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No kernel was named, and none is found for the log.
    #[error("no vmlinux is found for {}", wanted(.release, .build_id))]
    NoKernel {
        /// The release in the log.
        release: Option<String>,
        /// The build id in the log.
        build_id: Option<String>,
    },
    /// The file is another kernel.
    #[error("{path} is not the kernel of this log: {}", differs(.misfit))]
    OtherKernel {
        /// The file.
        path: PathBuf,
        /// What shows it.
        misfit: Misfit,
    },
    /// A file cannot be read.
    #[error(transparent)]
    Symbols(#[from] SymbolError),
}

fn wanted(release: &Option<String>, build_id: &Option<String>) -> String {
    match (release, build_id) {
        (Some(release), Some(id)) => format!("{release} (build id {id})"),
        (Some(release), None) => release.clone(),
        (None, Some(id)) => format!("the build id {id}"),
        (None, None) => "this log, which does not say its kernel".to_owned(),
    }
}

fn differs(misfit: &Misfit) -> String {
    match misfit {
        Misfit::BuildId { wanted, found: Some(found), line } => {
            format!("the log has build id {wanted} (L{line}), the file {found}")
        }
        Misfit::BuildId { wanted, found: None, line } => {
            format!("the log has build id {wanted} (L{line}), the file none")
        }
        Misfit::Version { wanted, found, line } => {
            format!("the log says \"{wanted}\" (L{line}), the file \"{found}\"")
        }
        Misfit::Sizes { wrong, different, functions } => {
            let told: Vec<String> = wrong
                .iter()
                .map(|wrong| match &wrong.found[..] {
                    [] => format!("{} is not in the file (L{})", wrong.function, wrong.line),
                    [found, ..] => format!(
                        "{} has {:#x} bytes in the log (L{}) and {found:#x} in the file",
                        wrong.function, wrong.wanted, wrong.line
                    ),
                })
                .collect();
            format!("{different} of {functions} functions differ in size: {}", told.join(", "))
        }
    }
}
