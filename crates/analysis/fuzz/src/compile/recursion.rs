//! Types that hold themselves must do so where they can end.

use super::compiler::Compiler;
use crate::types::{Count, Kind, TypeId};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

impl Compiler<'_> {
    /// Tells types that hold themselves, or point to themselves, and cannot be left out.
    pub(super) fn check_recursion(&mut self) {
        let mut states = vec![State::New; self.bodies.len()];
        let mut circles = Vec::new();
        for root in 0..self.bodies.len() {
            if states[root] != State::New {
                continue;
            }
            states[root] = State::Open;
            let mut stack = vec![(root, self.inner(root), 0)];
            while let Some((body, inner, next)) = stack.last_mut() {
                let Some(child) = inner.get(*next).copied() else {
                    states[*body] = State::Done;
                    stack.pop();
                    continue;
                };
                *next += 1;
                match states[child] {
                    State::New => {
                        states[child] = State::Open;
                        let inner = self.inner(child);
                        stack.push((child, inner, 0));
                    }
                    State::Open => circles.push(child),
                    State::Done => {}
                }
            }
        }
        for body in circles {
            let name = self.bodies[body].name.clone();
            self.wrong(
                self.places[body],
                format!("`{name}` holds itself without end"),
                "make a pointer on the way `opt`, or an array without a fixed number",
            );
        }
    }

    /// The bodies that a value of a body must hold. Of a union it need hold none.
    fn inner(&self, body: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let body = &self.bodies[body];
        if body.name.is_empty() {
            return found;
        }
        for field in &body.fields {
            self.must(field.kind, &mut found);
        }
        found
    }

    fn must(&self, mut id: TypeId, found: &mut Vec<usize>) {
        loop {
            let kind = &self.types[id.0 as usize];
            match &kind.kind {
                Kind::Pointer(to, _) if !kind.optional => id = *to,
                Kind::Array(of, Count::Between(low, _)) if *low > 0 => id = *of,
                Kind::Struct(body) | Kind::Union(body) => {
                    found.push(body.0 as usize);
                    return;
                }
                _ => return,
            }
        }
    }
}
