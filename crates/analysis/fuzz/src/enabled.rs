//! Which calls an architecture has, and which of them can get the resources that they need.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use parse_syzlang::{Body, Call, Expression, Field, File, Kind, Value};

use crate::constants::Constants;
use crate::descriptions::{Descriptions, arguments, instance, substitute, text};

/// Deepest nesting of types that is followed; the stack is bounded by it.
const DEPTH: usize = 200;
/// Bytes of printed types that are kept for one call: templates may grow without end.
const BUDGET: usize = 16 << 20;

/// The resources that a call cannot do without, and those that it makes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Kinds that it takes.
    pub required: BTreeSet<String>,
    /// Kinds that it makes, with all their ancestors.
    pub created: BTreeSet<String>,
    /// Its types nest without end or nearly so: there may be more in them.
    pub endless: bool,
}

/// The calls that an architecture has, by name: those whose number and constants are defined there.
#[must_use]
pub fn live<'a>(
    all: &'a Descriptions,
    constants: &Constants,
    architecture: &str,
) -> BTreeMap<&'a str, &'a Call> {
    let defined = |call: &Call| {
        let mut names = Vec::new();
        for expression in call.arguments.iter().map(|argument| &argument.kind).chain(&call.result) {
            all.references(expression, &mut names);
        }
        for attribute in &call.attributes {
            for option in &attribute.options {
                all.references(option, &mut names);
            }
        }
        names
            .iter()
            .all(|(name, _)| all.is_name(name) || constants.get(name, architecture).is_some())
    };
    let numbered = |name: &str| {
        let kernel = Call::kernel_name(name);
        kernel.starts_with("syz_")
            || constants.get(&format!("__NR_{kernel}"), architecture).is_some()
    };
    all.calls()
        .filter(|(file, name, call)| has(file, architecture) && numbered(name) && defined(call))
        .map(|(_, name, call)| (name, call))
        .collect()
}

/// Whether a file is for an architecture.
fn has(file: &File, architecture: &str) -> bool {
    file.declarations.iter().all(|declaration| match &declaration.kind {
        Kind::Meta(meta) if meta.name() == Some("arches") => meta
            .options
            .iter()
            .any(|option| matches!(&option.value, Value::Text(name) if name == architecture)),
        _ => true,
    })
}

/// What each call needs and makes.
#[must_use]
pub fn needs<'a>(
    all: &Descriptions,
    calls: &BTreeMap<&'a str, &'a Call>,
) -> BTreeMap<&'a str, Needs> {
    calls.iter().map(|(name, call)| (*name, needs_of(all, call))).collect()
}

fn needs_of(all: &Descriptions, call: &Call) -> Needs {
    let mut walk = Walk { all, seen: HashSet::new(), needs: Needs::default(), depth: 0, spent: 0 };
    let top = Place { input: true, output: false, optional: false, union: false };
    for argument in &call.arguments {
        walk.visit(&argument.kind, top);
    }
    if let Some(result) = &call.result {
        walk.visit(result, Place { input: false, output: true, ..top });
    }
    let never =
        |attribute: &Expression| matches!(attribute.name(), Some("disabled" | "no_generate"));
    if call.attributes.iter().any(never) {
        walk.needs.created.clear();
    }
    walk.needs
}

/// The calls that can get what they need: one is added when all that it requires is made by those added before. A call
/// whose types do not end is never one.
#[must_use]
pub fn enabled<'a>(calls: &BTreeMap<&'a str, Needs>) -> BTreeSet<&'a str> {
    let mut enabled = BTreeSet::new();
    let mut made: HashSet<&str> = HashSet::new();
    loop {
        let before = enabled.len();
        for (name, needs) in calls {
            if !enabled.contains(name)
                && !needs.endless
                && needs.required.iter().all(|kind| made.contains(kind.as_str()))
            {
                enabled.insert(*name);
                made.extend(needs.created.iter().map(String::as_str));
            }
        }
        if enabled.len() == before {
            return enabled;
        }
    }
}

/// Which way data goes at a place, and whether it must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    input: bool,
    output: bool,
    optional: bool,
    union: bool,
}

impl Place {
    fn directed(self, direction: Option<&str>) -> Self {
        match direction {
            Some("in") => Self { input: true, output: false, ..self },
            Some("out") => Self { input: false, output: true, ..self },
            Some("inout") => Self { input: true, output: true, ..self },
            _ => self,
        }
    }
}

struct Walk<'a> {
    all: &'a Descriptions,
    seen: HashSet<(String, Place)>,
    needs: Needs,
    depth: usize,
    spent: usize,
}

impl Walk<'_> {
    fn visit(&mut self, kind: &Expression, place: Place) {
        if self.depth == DEPTH {
            self.needs.endless = true;
            return;
        }
        self.depth += 1;
        self.step(kind, place);
        self.depth -= 1;
    }

    fn step(&mut self, kind: &Expression, mut place: Place) {
        let Some(name) = kind.name() else { return };
        place.optional |= kind.options.last().and_then(Expression::name) == Some("opt");
        match (name, kind.options.as_slice()) {
            ("ptr" | "ptr64", [direction, pointee, ..]) => {
                self.visit(pointee, place.directed(direction.name()));
            }
            ("array", [element, ..]) => self.visit(element, place),
            ("fmt", [_, printed, ..]) => self.visit(printed, place),
            _ => self.declared(name, kind, place),
        }
    }

    fn declared(&mut self, name: &str, kind: &Expression, place: Place) {
        let all = self.all;
        let Some(declaration) = all.declared(name) else { return };
        let key = text(kind);
        self.spent += key.len();
        if self.spent > BUDGET {
            self.needs.endless = true;
            return;
        }
        if !self.seen.insert((key, place)) {
            return;
        }
        match &declaration.kind {
            Kind::Resource(..) => self.resource(name, place),
            Kind::Alias(parameters, aliased) => {
                let filled = substitute(aliased, &arguments(parameters, kind));
                self.visit(&filled, place);
            }
            Kind::Template(parameters, body) => {
                self.body(&instance(body, &arguments(parameters, kind)), place);
            }
            Kind::Body(body) => self.body(body, place),
            _ => {}
        }
    }

    fn resource(&mut self, name: &str, place: Place) {
        if place.optional {
            return;
        }
        if place.input {
            self.needs.required.insert(name.to_owned());
        }
        if place.output && !place.union {
            self.needs.created.extend(self.all.ancestry(name));
        }
    }

    fn body(&mut self, body: &Body, place: Place) {
        let is = |field: &Field, name: &str| {
            field.attributes.iter().any(|attribute| attribute.name() == Some(name))
        };
        let overlay = body.fields.iter().position(|field| is(field, "out_overlay"));
        for (index, field) in body.fields.iter().enumerate() {
            let mut inner = match overlay {
                Some(begin) => place.directed(Some(if index < begin { "in" } else { "out" })),
                None => place,
            };
            for attribute in &field.attributes {
                inner = inner.directed(attribute.name());
            }
            inner.union |= body.union || is(field, "if");
            self.visit(&field.kind, inner);
        }
    }
}
