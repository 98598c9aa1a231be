//! English stands in `render`. Code that reads and decides holds no sentence.
//!
//! What counts as one: a text of several words that ends like a sentence, or a text of several words
//! into which values are put. Texts of the kernel, which are matched and not said, are of neither kind.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::problem::{Kind, Problem};
use super::source::{File, Scope, is_test};

/// Where facts are read and decided.
const WATCHED: &[&str] = &["crates/parse/", "crates/analysis/"];
/// (file, why it may hold sentences). To be empty.
const ALLOWED: &[(&str, &str)] = &[];
/// Words from which on a text counts.
const LEAST_WORDS: usize = 4;
/// Macros that put values into a text which is said; those that panic say it to a developer.
const SAYING: &[&str] = &["format", "write", "writeln", "format_args"];
const PANICKING: &[&str] =
    &["assert", "assert_eq", "assert_ne", "debug_assert", "panic", "unreachable", "todo"];

pub(super) fn check(file: &File) -> Vec<Problem> {
    let watched = file.scope == Scope::Code
        && WATCHED.iter().any(|folder| file.place.starts_with(folder))
        && !ALLOWED.iter().any(|(place, _)| *place == file.place);
    if !watched {
        return Vec::new();
    }
    let mut found = Found::default();
    found.visit_file(&file.syntax);
    found
        .0
        .into_iter()
        .map(|(line, text)| {
            let place = format!("{}:{line}", file.place);
            Problem::new(Kind::Sentence, place, format!("a sentence: {text:?}"))
        })
        .collect()
}

/// Texts with their lines.
#[derive(Default)]
struct Found(Vec<(usize, String)>);

impl Found {
    fn take(&mut self, line: usize, text: String, said: bool) {
        if is_sentence(&text, said) {
            self.0.push((line, text));
        }
    }

    fn tokens(&mut self, tokens: TokenStream, mut said: bool) {
        let mut attribute = false;
        for token in tokens {
            let behind_mark = std::mem::replace(&mut attribute, is_mark(&token));
            match token {
                // Comments are attributes in a macro, too.
                TokenTree::Group(group)
                    if behind_mark && group.delimiter() == Delimiter::Bracket => {}
                TokenTree::Group(group) => self.tokens(group.stream(), said),
                TokenTree::Literal(literal) => {
                    let line = literal.span().start().line;
                    if let syn::Lit::Str(text) = syn::Lit::new(literal) {
                        self.take(line, text.value(), said);
                    }
                }
                TokenTree::Ident(word) => {
                    said |= SAYING.iter().any(|name| word == name);
                }
                TokenTree::Punct(_) => {}
            }
        }
    }
}

/// The mark that begins an attribute.
fn is_mark(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(mark) if mark.as_char() == '#')
}

impl<'ast> Visit<'ast> for Found {
    // Comments and the words of error types are attributes.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if call.method == "expect" {
            self.visit_expr(&call.receiver);
        } else {
            visit::visit_expr_method_call(self, call);
        }
    }

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.take(literal.span().start().line, literal.value(), false);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let name = call.path.segments.last().map(|part| part.ident.to_string());
        let is = |names: &[&str]| name.as_deref().is_some_and(|name| names.contains(&name));
        if !is(PANICKING) {
            self.tokens(call.tokens.clone(), is(SAYING));
        }
    }
}

/// Whether a text is said rather than matched. A regular expression ends in no full stop of this kind,
/// and the kernel's lines are not built with values.
fn is_sentence(text: &str, said: bool) -> bool {
    let words = text
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| c.is_ascii_punctuation()))
        .filter(|word| word.len() > 1 && word.chars().all(|c| c.is_alphabetic() || c == '-'))
        .count();
    let pattern = ["\\", "(?", "[^", ".*", "^"].iter().any(|mark| text.contains(mark));
    // A command for the shell is no English.
    let pattern = pattern || text.starts_with("git ");
    words >= LEAST_WORDS && !pattern && (said || text.ends_with('.') && !text.ends_with("..."))
}

#[cfg(test)]
mod tests {
    use super::super::problem::file;
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let place = "crates/analysis/x/src/lib.rs";
        check(&file(place, text)).into_iter().map(|problem| problem.place).collect()
    }

    #[test]
    fn sentences_are_found_where_they_stand() {
        assert_eq!(
            found("//! A.\nconst A: &str = \"The task waits for a lock.\";\n"),
            ["crates/analysis/x/src/lib.rs:2"]
        );
        let said =
            "//! A.\n\nfn f(n: u8) -> String {\n    format!(\"it waits for lock {n} here\")\n}\n";
        assert_eq!(found(said), ["crates/analysis/x/src/lib.rs:4"]);
    }

    #[test]
    fn what_is_matched_or_told_to_a_developer_is_no_sentence() {
        for text in [
            "const A: &str = \"INFO: task hung for more than\";",
            "const A: &str = r\"BUG: .* is not on list (?:x)\\.\";",
            "/// The task waits for a lock.\nconst A: u8 = 1;",
            "kinds! {\n    /// The task waits for a lock.\n    A = 1;\n}",
            "#[error(\"the task {0} waits for it.\")]\nstruct A(u8);",
            "fn f() { assert!(true, \"the task must wait for it.\"); }",
            "#[cfg(test)]\nmod tests { const A: &str = \"The task waits for a lock.\"; }",
        ] {
            assert!(found(&format!("//! A.\n{text}\n")).is_empty(), "{text}");
        }
    }
}
