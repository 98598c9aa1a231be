//! Patterns: each one compiles. In sources a raw text in plain quotes (`r"…"`) is one.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::problem::{Kind, Problem};
use super::source::{File, Scope, is_test};

/// Macros that put values into a text; what comes out is no pattern yet.
const BUILDING: &[&str] = &["format", "write", "writeln", "concat"];

pub(super) fn check(file: &File) -> Vec<Problem> {
    // A text that is no pattern may look like one in a test, and in what talks about sources.
    if file.scope != Scope::Code || file.place.starts_with("xtask/") {
        return Vec::new();
    }
    let mut found = Found::default();
    found.visit_file(&file.syntax);
    let wrong = |(line, pattern): (usize, String)| {
        let error = regex::bytes::Regex::new(&pattern).err()?;
        let words = error.to_string();
        let last = words.lines().last().unwrap_or_default();
        let what = format!("{pattern:?} does not compile: {last}");
        Some(Problem::new(Kind::Pattern, format!("{}:{line}", file.place), what))
    };
    found.0.into_iter().filter_map(wrong).collect()
}

/// Raw texts with their lines.
#[derive(Default)]
struct Found(Vec<(usize, String)>);

impl Found {
    fn take(&mut self, literal: proc_macro2::Literal) {
        if literal.to_string().starts_with("r\"") {
            let line = literal.span().start().line;
            if let syn::Lit::Str(text) = syn::Lit::new(literal) {
                self.0.push((line, text.value()));
            }
        }
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let mut building = false;
        for token in tokens {
            match token {
                TokenTree::Group(group) if !building => self.tokens(group.stream()),
                TokenTree::Literal(literal) => self.take(literal),
                TokenTree::Ident(word) => building = BUILDING.iter().any(|name| word == name),
                TokenTree::Punct(mark) if mark.as_char() == '!' => {}
                _ => building = false,
            }
        }
    }
}

impl<'ast> Visit<'ast> for Found {
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.take(literal.token());
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let name = call.path.segments.last().map(|part| part.ident.to_string());
        if !name.is_some_and(|name| BUILDING.contains(&name.as_str())) {
            self.tokens(call.tokens.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::file;
    use super::*;

    #[test]
    fn a_pattern_that_does_not_compile_is_found_wherever_it_stands() {
        let text = "//! A.\nconst A: &str = r\"(open\";\nconst B: &[&str] = &[r\"fine\\d+\", r\"[z-a]\"];\n\
                    static C: X = make!(r\"(also\");\n";
        let places: Vec<String> = check(&file("crates/analysis/x/src/lib.rs", text))
            .into_iter()
            .map(|problem| problem.place)
            .collect();
        let at = |line: u32| format!("crates/analysis/x/src/lib.rs:{line}");
        assert_eq!(places, [at(2), at(3), at(4)]);
    }

    #[test]
    fn a_text_that_becomes_a_pattern_only_with_values_is_passed_over() {
        let text = "//! A.\nfn f(x: &str) { new(&format!(r\"({x}{{2}\")); }\n\
                    static C: X = lazy!(new(&format!(r\"({x}\")));\n";
        assert!(check(&file("crates/analysis/x/src/lib.rs", text)).is_empty());
    }
}
