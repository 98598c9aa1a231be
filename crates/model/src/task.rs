//! Tasks, CPUs, events and stack frames as a log names them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Number of a CPU.
pub type CpuId = u32;

/// A task as the log names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// The command name; may hold blanks and brackets. Empty where the log gives the pid only.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The process id, where stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

impl Task {
    /// A task with a known pid.
    pub fn new(name: impl Into<String>, pid: u32) -> Self {
        Self { name: name.into(), pid: Some(pid) }
    }
}

/// `name[pid]`.
impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name.is_empty(), self.pid) {
            (false, Some(pid)) => write!(f, "{}[{pid}]", self.name),
            (true, Some(pid)) => write!(f, "pid {pid}"),
            (true, None) => f.write_str("a task whose name is lost"),
            (false, None) => f.write_str(&self.name),
        }
    }
}

/// Number of an event of a log, counted from 0; printed as `E1`, `E2`, ….
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub usize);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{}", self.0 + 1)
    }
}

impl Serialize for EventId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.strip_prefix('E').and_then(|digits| digits.parse::<usize>().ok());
        match number.and_then(|number| number.checked_sub(1)) {
            Some(number) => Ok(Self(number)),
            None => {
                Err(serde::de::Error::custom(format_args!("`{text}` is no event: write E1, E2, …")))
            }
        }
    }
}

impl JsonSchema for EventId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EventId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^E[1-9][0-9]*$" })
    }
}
