//! What calls take and make, and which of them can be used.

use std::collections::{BTreeSet, HashSet};

use crate::types::{CallId, Direction, Kind, ResourceId, Target, TypeId};

/// Resources that a call takes and makes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Relation {
    /// Kinds that it cannot do without.
    pub required: BTreeSet<ResourceId>,
    /// Kinds that it takes, needed or not.
    pub taken: BTreeSet<ResourceId>,
    /// Kinds that it makes for sure, without their ancestors.
    pub made: BTreeSet<ResourceId>,
}

/// The relation of each call, in their order.
#[must_use]
pub fn relations(target: &Target) -> Vec<Relation> {
    target
        .calls()
        .iter()
        .map(|call| {
            let mut walk = Walk { target, seen: HashSet::new(), found: Relation::default() };
            for argument in &call.arguments {
                let direction = argument.direction.unwrap_or(Direction::In);
                walk.visit(argument.kind, direction, false, false);
            }
            if let Some(result) = call.result {
                walk.visit(result, Direction::Out, false, false);
            }
            walk.found
        })
        .collect()
}

/// The calls of a set that can get what they need, and the others with what nobody makes.
#[must_use]
pub fn usable(
    target: &Target,
    relations: &[Relation],
    wanted: &BTreeSet<CallId>,
) -> (BTreeSet<CallId>, Vec<(CallId, Vec<ResourceId>)>) {
    let mut usable = BTreeSet::new();
    let mut made: HashSet<ResourceId> = HashSet::new();
    let candidates: Vec<CallId> = wanted
        .iter()
        .copied()
        .filter(|id| {
            let attributes = &target.call(*id).attributes;
            !attributes.disabled
        })
        .collect();
    loop {
        let before = usable.len();
        for id in &candidates {
            let relation = &relations[id.0 as usize];
            if usable.contains(id) || !relation.required.iter().all(|kind| made.contains(kind)) {
                continue;
            }
            usable.insert(*id);
            if !target.call(*id).attributes.no_generate {
                let kinds = relation.made.iter();
                made.extend(kinds.flat_map(|kind| target.resource(*kind).chain.iter().copied()));
            }
        }
        if usable.len() == before {
            break;
        }
    }
    let lacking = candidates
        .iter()
        .filter(|id| !usable.contains(*id))
        .map(|id| {
            let required = relations[id.0 as usize].required.iter();
            (*id, required.filter(|kind| !made.contains(kind)).copied().collect())
        })
        .collect();
    (usable, lacking)
}

struct Walk<'a> {
    target: &'a Target,
    seen: HashSet<(TypeId, Direction, bool, bool)>,
    found: Relation,
}

impl Walk<'_> {
    fn visit(&mut self, id: TypeId, direction: Direction, optional: bool, union: bool) {
        if !self.seen.insert((id, direction, optional, union)) {
            return;
        }
        let target = self.target;
        let kind = target.get(id);
        let optional = optional || kind.optional;
        match &kind.kind {
            Kind::Resource(_, resource) => {
                if direction != Direction::Out {
                    self.found.taken.insert(*resource);
                    if !optional {
                        self.found.required.insert(*resource);
                    }
                }
                if direction != Direction::In && !optional && !union {
                    self.found.made.insert(*resource);
                }
            }
            Kind::Pointer(to, inner) => self.visit(*to, *inner, optional, union),
            Kind::Array(of, _) => self.visit(*of, direction, optional, union),
            Kind::Struct(body) | Kind::Union(body) => {
                let any = union || matches!(kind.kind, Kind::Union(_));
                let body = target.body(*body);
                for (index, field) in body.fields.iter().enumerate() {
                    let inner = super::default::field_direction(body, index, direction);
                    self.visit(field.kind, inner, optional, any);
                }
            }
            _ => {}
        }
    }
}
