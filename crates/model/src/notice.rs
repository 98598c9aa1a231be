//! What a use case did not read or keep, so that a reader knows the limits of an answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One limit that an input ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// A part of a raw mail is base64: numbers of lines inside of it are those of its text.
    Renumbered,
    /// Registers and code were read at the start of the log only.
    RegistersCut {
        /// Bytes that were read.
        bytes: u64,
    },
    /// Events beyond a limit were only counted.
    EventsCounted {
        /// Events that were kept.
        kept: u64,
        /// Events behind them.
        counted: u64,
    },
}
