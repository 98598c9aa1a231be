//! The types found so far, and what a written type means.

use std::collections::HashMap;

use parse_syzlang::{Body as Written, Error, Expression, Kind as Declared, Position, Value};

use crate::constants::Constants;
use crate::descriptions::{Descriptions, arguments, instance, substitute, text};
use crate::types::{
    Body, BodyId, CallType, Direction, Format, Kind, Machine, Number, Resource, ResourceId, Type,
    TypeId,
};

/// Longest name of a type, in bytes: templates may grow without end.
const LONGEST: usize = 4096;
/// Most structs and unions.
const MOST: usize = 1 << 20;

/// Where a type stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Place {
    /// It is an argument: it has no base type.
    pub(super) argument: bool,
    /// It was reached through an alias, whose base type does not count for an argument.
    pub(super) alias: bool,
    /// It is a field of a struct, which may be a bitfield.
    pub(super) field: bool,
}

pub(super) struct Compiler<'a> {
    pub(super) all: &'a Descriptions,
    pub(super) constants: &'a Constants,
    pub(super) machine: Machine,
    pub(super) types: Vec<Type>,
    pub(super) bodies: Vec<Body>,
    /// Where each body is declared.
    pub(super) places: Vec<Position>,
    pub(super) resources: Vec<Resource>,
    pub(super) calls: Vec<CallType>,
    pub(super) errors: Vec<Error>,
    known: HashMap<(String, Place), TypeId>,
    known_bodies: HashMap<String, BodyId>,
    pub(super) known_resources: HashMap<String, ResourceId>,
    /// Bodies whose fields are not compiled yet.
    waiting: Vec<(BodyId, Written)>,
    /// Paths of lengths, checksums and conditions: where they stand.
    pub(super) paths: HashMap<TypeId, Position>,
    depth: usize,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(all: &'a Descriptions, constants: &'a Constants, architecture: &str) -> Self {
        Self {
            all,
            constants,
            machine: Machine::named(architecture),
            types: Vec::new(),
            bodies: Vec::new(),
            places: Vec::new(),
            resources: Vec::new(),
            calls: Vec::new(),
            errors: Vec::new(),
            known: HashMap::new(),
            known_bodies: HashMap::new(),
            known_resources: HashMap::new(),
            waiting: Vec::new(),
            paths: HashMap::new(),
            depth: 0,
        }
    }

    pub(super) fn wrong(&mut self, at: Position, message: impl Into<String>, help: &str) {
        self.errors.push(Error { at, message: message.into(), help: help.to_owned() });
    }

    /// Compiles the fields of all bodies that were named.
    pub(super) fn drain(&mut self) {
        while let Some((id, written)) = self.waiting.pop() {
            self.fill(id, &written);
        }
    }

    pub(super) fn add(&mut self, name: &str, size: Option<u64>, align: u64, kind: Kind) -> TypeId {
        let id = TypeId(u32::try_from(self.types.len()).unwrap_or(u32::MAX));
        self.types.push(Type { name: name.to_owned(), size, align, optional: false, kind });
        id
    }

    /// A type in place of one that is wrong.
    pub(super) fn dummy(&mut self) -> TypeId {
        self.number_type("int8", Number { bytes: 1, bits: 0, format: Format::Native }, |number| {
            Kind::Int(number, None)
        })
    }

    pub(super) fn number_type(
        &mut self,
        name: &str,
        number: Number,
        kind: impl FnOnce(Number) -> Kind,
    ) -> TypeId {
        let align = if number.bytes == 8 { self.machine.align8 } else { u64::from(number.bytes) };
        self.add(name, Some(u64::from(number.bytes)), align, kind(number))
    }

    /// The type that an expression means.
    pub(super) fn kind(&mut self, written: &Expression, place: Place) -> TypeId {
        let shown = text(written);
        let key = (shown, place);
        if let Some(id) = self.known.get(&key) {
            return *id;
        }
        if self.depth > 100 || key.0.len() > LONGEST || self.bodies.len() > MOST {
            self.wrong(
                written.at,
                "types nest without end",
                "a template must not make new types of itself for ever",
            );
            return self.dummy();
        }
        self.depth += 1;
        let id = self.new_kind(written, place, &key.0);
        self.depth -= 1;
        self.known.insert(key, id);
        id
    }

    fn new_kind(&mut self, written: &Expression, place: Place, shown: &str) -> TypeId {
        let moved;
        let written = match written.colon.as_slice() {
            // What stands behind a bitfield's width belongs to its type: `int8:3[VALUE]`.
            [width] if written.options.is_empty() && !width.options.is_empty() => {
                let bare = Expression { options: Vec::new(), ..width.clone() };
                let options = width.options.clone();
                moved = Expression { options, colon: vec![bare], ..written.clone() };
                &moved
            }
            _ => written,
        };
        let Some(name) = written.name() else {
            self.wrong(written.at, "a value where a type belongs", "write a type such as int32");
            return self.dummy();
        };
        let mut options = written.options.as_slice();
        let mut optional = false;
        if let Some((last, rest)) = options.split_last()
            && last.name() == Some("opt")
        {
            optional = true;
            options = rest;
        }
        let id = match name {
            "ptr" | "ptr64" => self.pointer(written, options, shown),
            "array" => self.array(written, options, shown),
            "string" | "stringnoz" => self.string(written, options, shown),
            "glob" | "text" | "compressed_image" | "void" => {
                self.plain_buffer(written, options, shown)
            }
            "fmt" => self.formatted(written, options, shown),
            "vma" | "vma64" => self.pages(written, options, shown),
            "const" | "flags" | "len" | "bytesize" | "bytesize2" | "bytesize4" | "bytesize8"
            | "bitsize" | "offsetof" | "proc" | "csum" => {
                self.number_of_kind(written, options, place, shown)
            }
            _ => match int_type(name, self.machine.pointer) {
                Some(number) => self.integer(written, options, place, number, shown),
                None => self.declared(written, options, place, shown, optional),
            },
        };
        if !optional || self.types[id.0 as usize].optional {
            return id;
        }
        let mut kind = self.types[id.0 as usize].clone();
        kind.optional = true;
        let copy = TypeId(u32::try_from(self.types.len()).unwrap_or(u32::MAX));
        if let Some(at) = self.paths.get(&id) {
            self.paths.insert(copy, *at);
        }
        self.types.push(kind);
        copy
    }

    fn declared(
        &mut self,
        written: &Expression,
        options: &[Expression],
        place: Place,
        shown: &str,
        optional: bool,
    ) -> TypeId {
        let name = written.name().unwrap_or_default();
        let all = self.all;
        let Some(declaration) = all.declared(name) else {
            self.wrong(
                written.at,
                format!("`{name}` is no type"),
                "write a type such as int32, or declare it",
            );
            return self.dummy();
        };
        match &declaration.kind {
            Declared::Resource(..) => {
                if !options.is_empty() || !written.colon.is_empty() {
                    self.wrong(
                        written.at,
                        format!("resource `{name}` with options"),
                        "a resource takes `opt` only",
                    );
                }
                match self.resource(name, written.at) {
                    Some(resource) => {
                        let number = self.resources[resource.0 as usize].number;
                        self.number_type(shown, number, |number| Kind::Resource(number, resource))
                    }
                    None => self.dummy(),
                }
            }
            Declared::Alias(parameters, aliased) => {
                let Some(filled) = self.fill_parameters(written, options, parameters, optional)
                else {
                    return self.dummy();
                };
                let mut kind = substitute(aliased, &arguments(parameters, &filled));
                kind.colon.extend(written.colon.iter().cloned());
                self.kind(&kind, Place { alias: true, ..place })
            }
            Declared::Template(parameters, body) => {
                let Some(filled) = self.fill_parameters(written, options, parameters, optional)
                else {
                    return self.dummy();
                };
                let filled_body = instance(body, &arguments(parameters, &filled));
                self.body_type(name, &text(&filled), filled_body, declaration.at)
            }
            Declared::Body(body) => {
                if !options.is_empty() {
                    self.wrong(
                        written.at,
                        format!("`{name}` takes no options"),
                        "it is no template",
                    );
                }
                self.body_type(name, name, body.clone(), declaration.at)
            }
            _ => {
                self.wrong(
                    written.at,
                    format!("`{name}` is no type"),
                    "write a type such as int32",
                );
                self.dummy()
            }
        }
    }

    /// The expression with as many options as the template has parameters.
    fn fill_parameters(
        &mut self,
        written: &Expression,
        options: &[Expression],
        parameters: &[String],
        optional: bool,
    ) -> Option<Expression> {
        let mut options = options.to_vec();
        if optional && options.len() < parameters.len() && written.options.len() == parameters.len()
        {
            // `opt` is what is given for the last parameter.
            options = written.options.clone();
        }
        if options.len() + 1 == parameters.len()
            && parameters.last().is_some_and(|last| last == "BASE")
        {
            options.push(Expression {
                at: written.at,
                value: Value::Name("intptr".to_owned()),
                options: Vec::new(),
                colon: Vec::new(),
            });
        }
        if options.len() != parameters.len() {
            let name = written.name().unwrap_or_default();
            self.wrong(
                written.at,
                format!("`{name}` takes {} options, not {}", parameters.len(), options.len()),
                "give one option for each parameter",
            );
            return None;
        }
        Some(Expression {
            at: written.at,
            value: written.value.clone(),
            options,
            colon: Vec::new(),
        })
    }

    /// The struct or union of an instance's name; its fields are compiled later.
    fn body_type(&mut self, name: &str, shown: &str, written: Written, at: Position) -> TypeId {
        let union = written.union;
        let id = match self.known_bodies.get(shown) {
            Some(id) => *id,
            None => {
                let id = self.new_body(name, at);
                self.known_bodies.insert(shown.to_owned(), id);
                self.waiting.push((id, written));
                id
            }
        };
        let kind = if union { Kind::Union(id) } else { Kind::Struct(id) };
        self.add(shown, None, 1, kind)
    }

    pub(super) fn new_body(&mut self, name: &str, at: Position) -> BodyId {
        let id = BodyId(u32::try_from(self.bodies.len()).unwrap_or(u32::MAX));
        self.bodies.push(Body {
            name: name.to_owned(),
            fields: Vec::new(),
            overlay: None,
            packed: false,
            align: None,
            fixed: None,
            varlen: false,
            size: None,
            conditional: false,
        });
        self.places.push(at);
        id
    }

    fn pointer(&mut self, written: &Expression, options: &[Expression], shown: &str) -> TypeId {
        let wide = written.name() == Some("ptr64");
        let [direction, pointee] = options else {
            self.wrong(
                written.at,
                "a pointer without direction or type",
                "write ptr[in, TYPE], ptr[out, TYPE] or ptr[inout, TYPE]",
            );
            return self.dummy();
        };
        let Some(direction_of) = direction_of(direction) else {
            self.wrong(
                direction.at,
                format!("`{}` is no direction", text(direction)),
                "write in, out or inout",
            );
            return self.dummy();
        };
        let to = self.kind(pointee, Place::default());
        let bytes = if wide { 8 } else { self.machine.pointer };
        let align = if bytes == 8 { self.machine.align8 } else { bytes };
        self.add(shown, Some(bytes), align, Kind::Pointer(to, direction_of))
    }

    /// The value of a number or constant.
    pub(super) fn value(&mut self, written: &Expression) -> Option<u64> {
        if !written.options.is_empty() {
            self.wrong(
                written.at,
                format!("`{}` is no value", text(written)),
                "write a number or a constant",
            );
            return None;
        }
        match &written.value {
            Value::Number(value) => Some(*value),
            Value::Name(name) => {
                if self.constants.knows(name) {
                    // A constant that this architecture lacks leaves its users there with 1.
                    return Some(self.constants.get(name, &self.machine.name).unwrap_or(1));
                }
                self.wrong(
                    written.at,
                    format!("`{name}` is no constant"),
                    "write a number or a constant of a .const file",
                );
                None
            }
            _ => {
                self.wrong(
                    written.at,
                    format!("`{}` is no number", text(written)),
                    "write a number or a constant",
                );
                None
            }
        }
    }
}

pub(super) fn direction_of(written: &Expression) -> Option<Direction> {
    match written.name()? {
        "in" => Some(Direction::In),
        "out" => Some(Direction::Out),
        "inout" => Some(Direction::InOut),
        _ => None,
    }
}

/// The shape of an integer type of the language.
pub(super) fn int_type(name: &str, pointer: u64) -> Option<Number> {
    let (bytes, format) = match name {
        "int8" => (1, Format::Native),
        "int16" => (2, Format::Native),
        "int32" => (4, Format::Native),
        "int64" => (8, Format::Native),
        "intptr" if pointer == 4 => (4, Format::Native),
        "intptr" => (8, Format::Native),
        "int16be" => (2, Format::Big),
        "int32be" => (4, Format::Big),
        "int64be" => (8, Format::Big),
        _ => return None,
    };
    Some(Number { bytes, bits: 0, format })
}
