//! Whether the paths of lengths, checksums and conditions lead anywhere.

use std::collections::HashSet;

use super::compiler::Compiler;
use crate::types::{BodyId, Condition, Field, Kind, Type, TypeId};

/// A struct, union or call around a field.
#[derive(Clone, Copy)]
enum Level {
    Body(BodyId, bool),
    Call(usize),
}

/// Where a path ends.
enum End {
    /// At a field of this type.
    Type(TypeId),
    /// At an enclosing struct or union.
    Body,
    /// Nowhere.
    Nothing,
}

/// Deepest nesting that is followed.
const DEPTH: usize = 300;

impl Compiler<'_> {
    /// Tells paths that lead nowhere.
    pub(super) fn check_paths(&mut self) {
        let mut wrong = Vec::new();
        let mut seen = HashSet::new();
        for index in 0..self.calls.len() {
            let mut walk = Walk {
                compiler: self,
                stack: vec![Level::Call(index)],
                seen: &mut seen,
                wrong: &mut wrong,
            };
            for argument in 0..self.calls[index].arguments.len() {
                walk.visit(self.calls[index].arguments[argument].kind);
            }
        }
        for (id, place, message) in wrong {
            let at = self.paths.get(&id).copied().or(place).unwrap_or_default();
            self.wrong(
                at,
                message,
                "name a field of the same struct, `parent`, `syscall`, or an enclosing type",
            );
        }
    }
}

struct Walk<'w, 'a> {
    compiler: &'w Compiler<'a>,
    stack: Vec<Level>,
    seen: &'w mut HashSet<TypeId>,
    wrong: &'w mut Vec<(TypeId, Option<parse_syzlang::Position>, String)>,
}

impl Walk<'_, '_> {
    fn get(&self, id: TypeId) -> &Type {
        &self.compiler.types[id.0 as usize]
    }

    fn visit(&mut self, id: TypeId) {
        if self.stack.len() > DEPTH || !self.seen.insert(id) {
            return;
        }
        match self.get(id).kind.clone() {
            Kind::Len { path, .. } => {
                if let End::Nothing = self.resolve(&path) {
                    self.tell(id, &path);
                }
            }
            Kind::Csum(_, _, of) => {
                let path = [of];
                if let End::Nothing = self.resolve(&path) {
                    self.tell(id, &path);
                }
            }
            Kind::Pointer(to, _) | Kind::Array(to, _) => self.visit(to),
            Kind::Struct(body) => self.body(body, false),
            Kind::Union(body) => self.body(body, true),
            _ => {}
        }
    }

    fn body(&mut self, id: BodyId, union: bool) {
        let body = &self.compiler.bodies[id.0 as usize];
        let hidden = body.name.is_empty();
        for field in &body.fields {
            if let Some(condition) = &field.condition {
                if !hidden {
                    self.stack.push(Level::Body(id, union));
                }
                self.condition(condition, id);
                if !hidden {
                    self.stack.pop();
                }
            }
        }
        if !hidden {
            self.stack.push(Level::Body(id, union));
        }
        for index in 0..self.compiler.bodies[id.0 as usize].fields.len() {
            self.visit(self.compiler.bodies[id.0 as usize].fields[index].kind);
        }
        if !hidden {
            self.stack.pop();
        }
    }

    fn condition(&mut self, condition: &Condition, body: BodyId) {
        match condition {
            Condition::Value(_) => {}
            Condition::Binary(_, sides) => {
                self.condition(&sides.0, body);
                self.condition(&sides.1, body);
            }
            Condition::Field(path) => {
                let right = match self.resolve(path) {
                    End::Type(id) => matches!(
                        self.get(id).kind,
                        Kind::Int(..) | Kind::Flags(..) | Kind::Const(..) | Kind::Len { .. }
                    ),
                    _ => false,
                };
                if !right {
                    let at = self.compiler.places[body.0 as usize];
                    let message =
                        format!("condition on `{}`, which is no number here", path.join(":"));
                    self.wrong.push((TypeId(u32::MAX), Some(at), message));
                }
            }
        }
    }

    fn tell(&mut self, id: TypeId, path: &[String]) {
        self.wrong.push((id, None, format!("`{}` leads to no field", path.join(":"))));
    }

    fn fields(&self, level: Level) -> &[Field] {
        match level {
            Level::Body(id, _) => &self.compiler.bodies[id.0 as usize].fields,
            Level::Call(index) => &self.compiler.calls[index].arguments,
        }
    }

    fn resolve(&self, path: &[String]) -> End {
        let Some((first, mut rest)) = path.split_first() else { return End::Nothing };
        let mut depth = self.stack.len();
        let Some(level) = self.stack.last() else { return End::Nothing };
        let siblings = !matches!(level, Level::Body(_, true));
        if siblings && self.fields(*level).iter().any(|field| field.name == *first) {
            return self.descend(*level, path);
        }
        if first == "syscall" {
            return self.descend(self.stack[0], rest);
        }
        if first == "parent" {
            while rest.first().is_some_and(|next| next == "parent") && depth > 1 {
                rest = &rest[1..];
                depth -= 1;
            }
            let level = self.stack[depth - 1];
            return match (level, rest) {
                (Level::Call(_), []) => End::Nothing,
                (_, []) => End::Body,
                _ => self.descend(level, rest),
            };
        }
        for level in self.stack.iter().rev() {
            if let Level::Body(id, _) = level
                && self.compiler.bodies[id.0 as usize].name == *first
            {
                return if rest.is_empty() { End::Body } else { self.descend(*level, rest) };
            }
        }
        End::Nothing
    }

    /// Follows names from a level down.
    fn descend(&self, level: Level, path: &[String]) -> End {
        let mut fields = self.fields(level);
        let mut end = End::Nothing;
        for (index, name) in path.iter().enumerate() {
            let Some(field) = fields.iter().find(|field| field.name == *name) else {
                return End::Nothing;
            };
            let mut id = field.kind;
            loop {
                match &self.get(id).kind {
                    Kind::Pointer(to, _) => id = *to,
                    Kind::Union(body) if self.compiler.bodies[body.0 as usize].name.is_empty() => {
                        id = self.compiler.bodies[body.0 as usize].fields[0].kind;
                    }
                    _ => break,
                }
            }
            end = End::Type(id);
            match &self.get(id).kind {
                Kind::Struct(body) | Kind::Union(body) => {
                    fields = &self.compiler.bodies[body.0 as usize].fields;
                }
                _ if index + 1 < path.len() => return End::Nothing,
                _ => {}
            }
        }
        end
    }
}
