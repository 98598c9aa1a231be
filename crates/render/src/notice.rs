//! Notices in words.

use model::Notice;

/// The notice as one sentence without a full stop.
pub fn notice(notice: &Notice) -> String {
    let mebibytes = |bytes: &u64| bytes >> 20;
    match notice {
        Notice::Renumbered => {
            "a part of the mail is base64; numbers of lines inside of it are those of its text"
                .into()
        }
        Notice::RegistersCut { bytes } => format!(
            "registers and code were read in the first {} MiB of the log only",
            mebibytes(bytes)
        ),
        Notice::EventsCounted { kept, counted } => {
            format!("{counted} events behind the first {kept} were counted only")
        }
    }
}
