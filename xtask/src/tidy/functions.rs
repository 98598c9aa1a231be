//! The length of functions.

use syn::visit::{self, Visit};

use super::problem::{Kind, Problem};
use super::source::{File, Scope, is_test};

/// The most lines of a function, from `fn` to its last brace.
const MOST: usize = 100;

/// A function and its length in lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) length: usize,
}

pub(super) fn check(file: &File) -> Vec<Problem> {
    functions(file)
        .into_iter()
        .filter(|function| function.length > MOST)
        .map(|function| {
            let place = format!("{}:{}", file.place, function.line);
            let what = format!("`{}` has {} lines, {MOST} at most", function.name, function.length);
            Problem::new(Kind::LongFunction, place, what)
        })
        .collect()
}

/// The functions of a file that are no tests.
pub(super) fn functions(file: &File) -> Vec<Function> {
    let mut found = Found::default();
    if file.scope == Scope::Code {
        found.visit_file(&file.syntax);
    }
    found.0
}

#[derive(Default)]
struct Found(Vec<Function>);

impl Found {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let line = signature.fn_token.span.start().line;
        let length = block.brace_token.span.close().end().line + 1 - line;
        self.0.push(Function { name: signature.ident.to_string(), line, length });
    }
}

impl<'ast> Visit<'ast> for Found {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_test(&function.attrs) {
            self.add(&function.sig, &function.block);
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.add(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::file;
    use super::*;

    #[test]
    fn a_long_function_is_told_and_a_long_test_is_not() {
        let body = "    let _ = 1;\n".repeat(99);
        let long = format!("//! A.\nfn f() {{\n{body}}}\n");
        let problems = check(&file("crates/x/src/lib.rs", &long));
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].place, "crates/x/src/lib.rs:2");
        let fits = long.replacen("    let _ = 1;\n", "", 1);
        assert!(check(&file("crates/x/src/lib.rs", &fits)).is_empty());
        let test = format!("#[cfg(test)]\nmod tests {{\nfn f() {{\n{body}}}\n}}\n");
        assert!(check(&file("crates/x/src/lib.rs", &test)).is_empty());
        assert!(check(&file("crates/x/tests/long.rs", &long)).is_empty());
    }
}
