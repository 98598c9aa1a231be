//! Structs and unions: their fields, conditions and attributes.

use parse_syzlang::{Body as Written, Expression, Field as WrittenField, Position, Value};

use super::compiler::{Compiler, Place, direction_of};
use crate::descriptions::text;
use crate::layout::Problem;
use crate::types::{BodyId, Condition, Content, Count, Field, Kind, TypeId};

/// Largest size that an attribute may give.
const LARGEST: u64 = 1_000_000;

impl Compiler<'_> {
    /// Compiles the fields of a body.
    pub(super) fn fill(&mut self, id: BodyId, written: &Written) {
        let mut fields = Vec::new();
        let mut overlay = None;
        for (index, field) in written.fields.iter().enumerate() {
            if field.attributes.iter().any(|attribute| attribute.name() == Some("out_overlay")) {
                if written.union || index == 0 || overlay.is_some() {
                    self.wrong(
                        field.at,
                        "`out_overlay` in a wrong place",
                        "it stands once in a struct, not on the first field",
                    );
                }
                overlay = Some(index);
            }
            fields.push(self.field(field, written.union));
        }
        let conditions = fields.iter().filter(|field| field.condition.is_some()).count();
        if written.union && conditions > 0 {
            let last = fields.last().is_some_and(|field| field.condition.is_some());
            if last || conditions + 1 != fields.len() {
                let at = written.fields[0].at;
                self.wrong(
                    at,
                    "a union where some options have conditions",
                    "give all options but the last one a condition",
                );
            }
        }
        if overlay.is_some() && fields.iter().any(|field| field.direction.is_some()) {
            self.wrong(
                self.places[id.0 as usize],
                "directions of fields beside `out_overlay`",
                "remove them: fields before it are in, the others out",
            );
        }
        let body = &mut self.bodies[id.0 as usize];
        body.fields = fields;
        body.overlay = overlay;
        body.conditional = written.union && conditions > 0;
        for attribute in &written.attributes {
            self.body_attribute(id, written.union, attribute);
        }
    }

    fn body_attribute(&mut self, id: BodyId, union: bool, attribute: &Expression) {
        let value = match attribute.options.as_slice() {
            [] => None,
            [value] => self.value(value),
            _ => {
                self.wrong(attribute.at, "an attribute with several values", "write one");
                return;
            }
        };
        let name = attribute.name().unwrap_or_default();
        let body = &mut self.bodies[id.0 as usize];
        match (name, value) {
            ("packed", None) if !union => body.packed = true,
            ("varlen", None) if union => body.varlen = true,
            ("size", Some(size)) if (1..=LARGEST).contains(&size) => body.fixed = Some(size),
            ("align", Some(align)) if !union && align.is_power_of_two() && align <= 1 << 20 => {
                body.align = Some(align);
            }
            _ => {
                let (what, help) = if union {
                    ("union", "a union takes varlen and size[n]")
                } else {
                    ("struct", "a struct takes packed, align[n] with a power of two, and size[n]")
                };
                self.wrong(
                    attribute.at,
                    format!("`{}` is no attribute of a {what}", text(attribute)),
                    help,
                );
            }
        }
    }

    fn field(&mut self, written: &WrittenField, union: bool) -> Field {
        let mut direction = None;
        let mut condition = None;
        for attribute in &written.attributes {
            match (attribute.name().unwrap_or_default(), attribute.options.as_slice()) {
                ("in" | "out" | "inout", []) if direction.is_none() => {
                    direction = direction_of(attribute);
                }
                ("out_overlay", []) if !union => {}
                ("if", [expression]) if condition.is_none() => {
                    condition = self.condition(expression);
                }
                _ => {
                    let what = text(attribute);
                    self.wrong(
                        attribute.at,
                        format!("`{what}` is no attribute of a field"),
                        "a field takes one of in, out, inout, and if[condition], out_overlay",
                    );
                }
            }
        }
        let place = Place { field: !union, ..Place::default() };
        let mut kind = self.kind(&written.kind, place);
        if !union && let Some(condition) = condition.take() {
            if self.types[kind.0 as usize].number().is_some_and(|number| number.bits > 0) {
                self.wrong(
                    written.at,
                    "a bitfield with a condition",
                    "put it into a struct of its own",
                );
            }
            kind = self.hidden(kind, condition, written.at);
        }
        plain_field(&written.name, kind, direction, condition)
    }

    /// The union that a field with a condition is: its value, or nothing.
    fn hidden(&mut self, value: TypeId, condition: Condition, at: Position) -> TypeId {
        let id = self.new_body("", at);
        let nothing =
            self.add("void", Some(0), 1, Kind::Buffer(Content::Blob(Count::Between(0, 0))));
        let body = &mut self.bodies[id.0 as usize];
        body.fields = vec![
            plain_field("value", value, None, Some(condition)),
            plain_field("void", nothing, None, None),
        ];
        body.varlen = true;
        body.conditional = true;
        self.add("", None, 1, Kind::Union(id))
    }

    fn condition(&mut self, written: &Expression) -> Option<Condition> {
        if let Value::Binary(operator, sides) = &written.value {
            let pair = (self.condition(&sides.0)?, self.condition(&sides.1)?);
            return Some(Condition::Binary(operator, Box::new(pair)));
        }
        match (written.name(), written.options.as_slice()) {
            (Some("value"), [path]) => self.path(path).map(Condition::Field),
            _ => self.value(written).map(Condition::Value),
        }
    }

    /// Tells what the layout found.
    pub(super) fn misplaced(&mut self, id: BodyId, problem: Problem) {
        let name = self.bodies[id.0 as usize].name.clone();
        let (message, help) = match problem {
            Problem::VaryingInside(field) => (
                format!("field `{field}` of `{name}` has no fixed size and is not the last one"),
                "move it to the end, or make the struct packed",
            ),
            Problem::VaryingOption(field) => {
                (format!("option `{field}` of `{name}` has no fixed size"), "make the union varlen")
            }
            Problem::SizeOfVarying => {
                (format!("`{name}` has a size attribute and no fixed size"), "remove the attribute")
            }
            Problem::TooSmall(size) => (
                format!("`{name}` has {size} bytes, more than its size attribute says"),
                "make the size larger",
            ),
            Problem::TooLarge => {
                (format!("`{name}` has more than {LARGEST} bytes"), "make it smaller")
            }
        };
        self.wrong(self.places[id.0 as usize], message, help);
    }
}

pub(super) fn plain_field(
    name: &str,
    kind: TypeId,
    direction: Option<crate::types::Direction>,
    condition: Option<Condition>,
) -> Field {
    Field { name: name.to_owned(), kind, direction, condition, gap: 0, advance: None, bits: None }
}
