//! Calls: arguments, results, attributes, and sizes that variants share.

use std::collections::HashMap;

use parse_syzlang::{Call, Expression, Field as WrittenField, Position};

use super::bodies::plain_field;
use super::compiler::{Compiler, Place, direction_of};
use crate::descriptions::text;
use crate::types::{Attributes, CallType, Content, Count, Format, Kind, Number, TypeId};

/// Longest time that an attribute may give, in milliseconds.
const LONGEST: u64 = 3_600_000;

impl Compiler<'_> {
    pub(super) fn call(&mut self, name: &str, written: &Call) {
        let number =
            self.constants.get(&format!("__NR_{}", Call::kernel_name(name)), &self.machine.name);
        let mut arguments = Vec::new();
        for (index, argument) in written.arguments.iter().enumerate() {
            if written.arguments[..index].iter().any(|other| other.name == argument.name) {
                self.wrong(
                    argument.at,
                    format!("argument `{}` stands twice", argument.name),
                    "give each argument its own name",
                );
            }
            arguments.push(self.argument(argument));
        }
        let result = written.result.as_ref().and_then(|result| {
            let id = self.kind(result, Place { argument: true, ..Place::default() });
            if matches!(self.types[id.0 as usize].kind, Kind::Resource(..)) {
                return Some(id);
            }
            self.wrong(
                result.at,
                format!("result `{}` is no resource", text(result)),
                "a call returns a resource or nothing",
            );
            None
        });
        let attributes = self.attributes(&written.attributes);
        let image = arguments.iter().any(|argument| self.holds_image(argument.kind));
        if image && !(attributes.no_generate && attributes.no_minimize) {
            let at = written.arguments.first().map(|argument| argument.at).unwrap_or_default();
            self.wrong(
                at,
                "a compressed image in a call that is generated and made smaller",
                "add the attributes no_generate and no_minimize to the call",
            );
        }
        self.calls.push(CallType { name: name.to_owned(), number, arguments, result, attributes });
    }

    fn holds_image(&self, id: TypeId) -> bool {
        match &self.types[id.0 as usize].kind {
            Kind::Buffer(Content::Image) => true,
            Kind::Pointer(to, _) => self.holds_image(*to),
            _ => false,
        }
    }

    fn argument(&mut self, written: &WrittenField) -> crate::types::Field {
        let mut direction = None;
        for attribute in &written.attributes {
            match (direction_of(attribute), attribute.options.as_slice()) {
                (Some(found), []) if direction.is_none() => direction = Some(found),
                _ => {
                    let what = text(attribute);
                    self.wrong(
                        attribute.at,
                        format!("`{what}` is no attribute of an argument"),
                        "an argument takes in, out or inout",
                    );
                }
            }
        }
        let kind = self.kind(&written.kind, Place { argument: true, ..Place::default() });
        let right = match &self.types[kind.0 as usize].kind {
            Kind::Struct(_) | Kind::Array(..) | Kind::Csum(..) => false,
            Kind::Buffer(content) => *content == Content::Image,
            _ => self.types[kind.0 as usize]
                .number()
                .is_none_or(|number| matches!(number.format, Format::Native | Format::Big)),
        };
        if !right {
            self.wrong(
                written.kind.at,
                format!("`{}` cannot be an argument", text(&written.kind)),
                "pass a pointer to it: ptr[in, TYPE]",
            );
            let kind = self.dummy();
            return plain_field(&written.name, kind, direction, None);
        }
        plain_field(&written.name, kind, direction, None)
    }

    fn attributes(&mut self, written: &[Expression]) -> Attributes {
        let mut found = Attributes::default();
        for attribute in written {
            let name = attribute.name().unwrap_or_default();
            let flag = match name {
                "disabled" => &mut found.disabled,
                "no_generate" => &mut found.no_generate,
                "no_minimize" => &mut found.no_minimize,
                "no_squash" => &mut found.no_squash,
                "ignore_return" => &mut found.ignore_return,
                "breaks_returns" => &mut found.breaks_returns,
                "remote_cover" => &mut found.remote_cover,
                "snapshot" => &mut found.snapshot,
                "timeout" | "prog_timeout" => {
                    let value = match attribute.options.as_slice() {
                        [value] => self.value(value).filter(|value| (1..=LONGEST).contains(value)),
                        _ => None,
                    };
                    match value {
                        Some(value) if name == "timeout" => found.timeout = value,
                        Some(value) => found.program_timeout = value,
                        None => self.wrong(
                            attribute.at,
                            format!("`{}` is no time", text(attribute)),
                            "write timeout[milliseconds], at most an hour",
                        ),
                    }
                    continue;
                }
                "kfuzz_test" | "automatic" | "automatic_helper" | "fsck" | "filesystem" => continue,
                _ => {
                    self.wrong(
                        attribute.at,
                        format!("`{}` is no attribute of a call", text(attribute)),
                        "a call takes disabled, no_generate, no_minimize, no_squash, ignore_return, breaks_returns, remote_cover, snapshot, \
                         kfuzz_test, automatic, automatic_helper, timeout[ms], prog_timeout[ms], fsck[\"command\"], filesystem[\"name\"]",
                    );
                    continue;
                }
            };
            if !attribute.options.is_empty() || *flag {
                self.wrong(
                    attribute.at,
                    format!("`{}` stands twice or has a value", text(attribute)),
                    "write its name once",
                );
                continue;
            }
            *flag = true;
        }
        found
    }

    /// An integer of some variant sets the size of that argument in all variants of the call.
    pub(super) fn share_argument_sizes(&mut self) {
        let mut sizes: HashMap<(String, usize), u8> = HashMap::new();
        for call in &self.calls {
            for (index, argument) in call.arguments.iter().enumerate() {
                let kind = &self.types[argument.kind.0 as usize];
                if let Kind::Int(number, _) = &kind.kind
                    && !kind.name.starts_with("intptr")
                {
                    let size =
                        sizes.entry((call.kernel_name().to_owned(), index)).or_insert(number.bytes);
                    *size = (*size).max(number.bytes);
                }
            }
        }
        let mut copies: HashMap<(TypeId, u8), TypeId> = HashMap::new();
        for call in &mut self.calls {
            let kernel = Call::kernel_name(&call.name).to_owned();
            for (index, argument) in call.arguments.iter_mut().enumerate() {
                let Some(bytes) = sizes.get(&(kernel.clone(), index)) else { continue };
                let kind = &self.types[argument.kind.0 as usize];
                let mut copy = kind.clone();
                let number = match &mut copy.kind {
                    Kind::Const(number, _)
                    | Kind::Flags(number, ..)
                    | Kind::Len { number, .. }
                    | Kind::Proc(number, ..) => number,
                    _ => continue,
                };
                number.bytes = *bytes;
                copy.size = Some(u64::from(*bytes));
                let id = *copies.entry((argument.kind, *bytes)).or_insert_with(|| {
                    let id = TypeId(u32::try_from(self.types.len()).unwrap_or(u32::MAX));
                    if let Some(at) = self.paths.get(&argument.kind) {
                        self.paths.insert(id, *at);
                    }
                    self.types.push(copy);
                    id
                });
                argument.kind = id;
            }
        }
    }

    /// The type of a squashed value: an array of blobs and resources of any kind.
    pub(super) fn pieces(&mut self) -> TypeId {
        let at = Position::default();
        let union = self.new_body("ANYUNION", at);
        let blob = self.add("array[int8]", None, 1, Kind::Buffer(Content::Blob(Count::Any)));
        let mut fields = vec![plain_field("ANYBLOB", blob, None, None)];
        for (name, bytes, format) in [
            ("ANYRES8", 1, Format::Native),
            ("ANYRES16", 2, Format::Native),
            ("ANYRES32", 4, Format::Native),
            ("ANYRES64", 8, Format::Native),
            ("ANYRESDEC", 8, Format::Decimal),
            ("ANYRESHEX", 8, Format::Hexadecimal),
            ("ANYRESOCT", 8, Format::Octal),
        ] {
            let number = Number { bytes, bits: 0, format };
            let id =
                crate::types::ResourceId(u32::try_from(self.resources.len()).unwrap_or(u32::MAX));
            self.resources.push(crate::types::Resource {
                name: name.to_owned(),
                chain: vec![id],
                special: vec![u64::MAX, 0],
                number,
            });
            let size = match format {
                Format::Decimal => 20,
                Format::Hexadecimal => 18,
                Format::Octal => 23,
                Format::Native | Format::Big => u64::from(bytes),
            };
            let kind = self.add(name, Some(size), 1, Kind::Resource(number, id));
            fields.push(plain_field(name, kind, None, None));
        }
        let body = &mut self.bodies[union.0 as usize];
        body.fields = fields;
        body.varlen = true;
        let union = self.add("ANYUNION", None, 1, Kind::Union(union));
        self.add("array[ANYUNION]", None, 1, Kind::Array(union, Count::Any))
    }
}
