//! What an architecture has of the descriptions.

use std::collections::BTreeSet;

use parse_syzlang::Call;

use crate::constants::Constants;
use crate::descriptions::Descriptions;
use crate::enabled::{enabled, live, needs};

/// The calls of an architecture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Architecture {
    /// Its name, as constants write it.
    pub name: String,
    /// Calls, each variant, whose number and constants are defined.
    pub calls: usize,
    /// Numbers of kernel calls among them; two names may have the same one.
    pub numbers: usize,
    /// Calls switched off by their attribute.
    pub disabled: usize,
    /// Other calls that can get all resources that they take.
    pub enabled: usize,
    /// Other calls that cannot, in order of their names.
    pub wanting: Vec<Wanting>,
}

/// A call that is not enabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanting {
    /// The call.
    pub call: String,
    /// Resources that it takes and that no enabled call makes; none if its types nest without end.
    pub resources: Vec<String>,
}

/// What an architecture has.
#[must_use]
pub fn architecture(all: &Descriptions, constants: &Constants, name: &str) -> Architecture {
    let mut live = live(all, constants, name);
    let calls = live.len();
    let numbers: BTreeSet<u64> = live
        .keys()
        .filter_map(|call| constants.get(&format!("__NR_{}", Call::kernel_name(call)), name))
        .collect();
    live.retain(|_, call| {
        call.attributes.iter().all(|attribute| attribute.name() != Some("disabled"))
    });
    let needs = needs(all, &live);
    let enabled = enabled(&needs);
    let made: BTreeSet<&String> = enabled
        .iter()
        .filter_map(|call| needs.get(call))
        .flat_map(|needs| &needs.created)
        .collect();
    let wanting: Vec<Wanting> = needs
        .iter()
        .filter(|(call, _)| !enabled.contains(*call))
        .map(|(call, needs)| Wanting {
            call: (*call).to_owned(),
            resources: if needs.endless {
                Vec::new()
            } else {
                needs.required.iter().filter(|kind| !made.contains(kind)).cloned().collect()
            },
        })
        .collect();
    Architecture {
        name: name.to_owned(),
        calls,
        numbers: numbers.len(),
        disabled: calls - live.len(),
        enabled: enabled.len(),
        wanting,
    }
}
