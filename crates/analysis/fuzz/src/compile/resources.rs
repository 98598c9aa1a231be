//! Resources: their chains and special values, and whether calls make and take them.

use parse_syzlang::{Position, Value};

use super::compiler::{Compiler, int_type};
use crate::types::{Format, Number, Resource, ResourceId};

impl Compiler<'_> {
    /// The resource of a name, with all that it stands on.
    pub(super) fn resource(&mut self, name: &str, at: Position) -> Option<ResourceId> {
        if let Some(id) = self.known_resources.get(name) {
            return Some(*id);
        }
        let all = self.all;
        let mut chain: Vec<ResourceId> = Vec::new();
        let mut special: Vec<u64> = Vec::new();
        let names = all.ancestry(name);
        let mut number = None;
        for kind in names.iter().rev() {
            let declared = all.declared(kind)?;
            let (base, values) = self.resource_base(&declared.kind)?;
            if chain.is_empty() {
                let found = base.name().and_then(|name| int_type(name, self.machine.pointer));
                match found {
                    Some(found) if base.options.is_empty() && base.colon.is_empty() => {
                        if found.format == Format::Big {
                            self.wrong(
                                base.at,
                                "a resource of big-endian numbers",
                                "take the type without `be`; `be` is for fields",
                            );
                        }
                        number = Some(found);
                    }
                    _ => {
                        self.wrong(
                            base.at,
                            format!("resource `{kind}` stands on no integer type and no resource"),
                            "write resource NAME[int32]; resources must not name themselves",
                        );
                        number = Some(Number { bytes: 4, bits: 0, format: Format::Native });
                    }
                }
            }
            for value in values {
                if matches!(value.value, Value::Number(_) | Value::Name(_)) {
                    special.extend(self.value(value));
                } else {
                    self.wrong(
                        value.at,
                        "a special value that is no number",
                        "write a number or a constant",
                    );
                }
            }
            if let Some(id) = self.known_resources.get(kind) {
                chain.push(*id);
                continue;
            }
            let id = ResourceId(u32::try_from(self.resources.len()).unwrap_or(u32::MAX));
            chain.push(id);
            self.known_resources.insert(kind.clone(), id);
            let special = if special.is_empty() { vec![0] } else { special.clone() };
            self.resources.push(Resource {
                name: kind.clone(),
                chain: chain.clone(),
                special,
                number: number?,
            });
        }
        if chain.is_empty() {
            self.wrong(at, format!("`{name}` is no resource"), "declare it: resource NAME[int32]");
        }
        chain.last().copied()
    }
}
