//! Files of a crate that need each other: none of them can be read alone.
//!
//! A file needs another when a path in it (`crate::…`, `super::…`, or one that starts with a module
//! below it) leads into that file's module. A name that a module only hands on (`pub use`) leads to where
//! it comes from.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::problem::{Kind, Problem};
use super::source::{File, Scope, is_test};

/// Modules of a crate by their path, such as `["events", "rcu"]`; the root is empty.
type Module = Vec<String>;

pub(super) fn check(files: &[File]) -> Vec<Problem> {
    let mut crates: BTreeMap<&str, BTreeMap<Module, &File>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.scope == Scope::Code) {
        if let Some((folder, path)) = file.in_crate() {
            crates.entry(folder).or_default().insert(module_of(path), file);
        }
    }
    crates.values().flat_map(circles).collect()
}

/// The module of a file below `src`.
fn module_of(path: &str) -> Module {
    let path = path.trim_end_matches(".rs");
    let mut parts: Module = path.split('/').map(str::to_owned).collect();
    let root = parts.len() == 1 && matches!(parts[0].as_str(), "lib" | "main");
    if root || parts.last().is_some_and(|name| name == "mod") {
        parts.pop();
    }
    parts
}

/// The circles of one crate.
fn circles(modules: &BTreeMap<Module, &File>) -> Vec<Problem> {
    let uses: BTreeMap<&Module, Uses> =
        modules.iter().map(|(module, file)| (module, Uses::of(module, file))).collect();
    let edges: BTreeMap<&Module, BTreeSet<&Module>> = uses
        .iter()
        .map(|(from, found)| {
            let to = found.paths.iter().filter_map(|path| target(path, modules, &uses, 0));
            (*from, to.filter(|to| to != from).collect())
        })
        .collect();
    let reach: BTreeMap<&Module, BTreeSet<&Module>> =
        edges.keys().map(|from| (*from, reached(from, &edges))).collect();
    let mut problems = Vec::new();
    let mut done: BTreeSet<&Module> = BTreeSet::new();
    for from in edges.keys().filter(|from| reach[*from].contains(*from)) {
        if done.contains(from) {
            continue;
        }
        let circle: Vec<&Module> =
            reach[from].iter().copied().filter(|to| reach[*to].contains(from)).collect();
        done.extend(&circle);
        let names: Vec<&str> = circle
            .iter()
            .filter_map(|module| modules[*module].in_crate())
            .map(|(_, path)| path)
            .collect();
        let what = format!("{} files need each other: {}", names.len(), names.join(", "));
        problems.push(Problem::new(Kind::Circle, modules[*from].place.clone(), what));
    }
    problems
}

fn reached<'a>(
    from: &'a Module,
    edges: &BTreeMap<&'a Module, BTreeSet<&'a Module>>,
) -> BTreeSet<&'a Module> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        open.extend(edges[module].iter().copied().filter(|to| seen.insert(*to)));
    }
    seen
}

/// The module that holds what a path names.
fn target<'a>(
    path: &[String],
    modules: &'a BTreeMap<Module, &File>,
    uses: &BTreeMap<&'a Module, Uses>,
    depth: u8,
) -> Option<&'a Module> {
    let length = (0..=path.len()).rev().find(|length| modules.contains_key(&path[..*length]))?;
    let (module, _) = modules.get_key_value(&path[..length])?;
    let handed_on = path.get(length).and_then(|name| uses.get(module)?.handed_on.get(name));
    match handed_on {
        // A name may be handed on many times, but not for ever.
        Some(source) if depth < 16 => target(source, modules, uses, depth + 1),
        _ => Some(module),
    }
}

/// The paths of a file that may lead into other modules of the crate, from its root.
struct Uses {
    paths: BTreeSet<Module>,
    /// What the module hands on: a name, and where it comes from.
    handed_on: BTreeMap<String, Module>,
    module: Module,
    children: BTreeSet<String>,
}

impl Uses {
    fn of(module: &Module, file: &File) -> Self {
        let children = file.syntax.items.iter().filter_map(|item| match item {
            syn::Item::Mod(child) if child.content.is_none() => Some(child.ident.to_string()),
            _ => None,
        });
        let mut uses = Self {
            paths: BTreeSet::new(),
            handed_on: BTreeMap::new(),
            module: module.clone(),
            children: children.collect(),
        };
        uses.visit_file(&file.syntax);
        uses
    }

    /// The path from the crate's root; `None` for one that leads elsewhere.
    fn resolve(&self, path: &[String]) -> Option<Module> {
        let first = path.first()?;
        let mut place = match first.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => self.module.clone(),
            child if self.children.contains(child) => self.module.clone(),
            _ => return None,
        };
        for part in path {
            match part.as_str() {
                "crate" | "self" => {}
                "super" => {
                    place.pop()?;
                }
                name => place.push(name.to_owned()),
            }
        }
        Some(place)
    }

    fn tree(&mut self, tree: &syn::UseTree, before: &[String], public: bool) {
        let with = |name: &syn::Ident| {
            let mut path = before.to_vec();
            path.push(name.to_string());
            path
        };
        let (path, name) = match tree {
            syn::UseTree::Path(step) => return self.tree(&step.tree, &with(&step.ident), public),
            syn::UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.tree(tree, before, public));
            }
            syn::UseTree::Name(name) => (with(&name.ident), Some(name.ident.to_string())),
            syn::UseTree::Rename(name) => (with(&name.ident), Some(name.rename.to_string())),
            syn::UseTree::Glob(_) => (before.to_vec(), None),
        };
        let Some(path) = self.resolve(&path) else { return };
        match name {
            // Handing on is not needing.
            Some(name) if public => {
                self.handed_on.insert(name, path);
            }
            _ => {
                self.paths.insert(path);
            }
        }
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(word) if colons == 2 || path.is_empty() => {
                    path.push(word.to_string());
                    colons = 0;
                    continue;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                _ => {}
            }
            self.paths.extend(self.resolve(&path));
            path.clear();
            colons = 0;
        }
        self.paths.extend(self.resolve(&path));
    }
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test(&item.attrs) {
            let public = !matches!(item.vis, syn::Visibility::Inherited);
            self.tree(&item.tree, &[], public);
        }
    }

    // `pub(in super::…)` says who may see, not what is needed.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        // A single word is a name of this file, or was brought in by a `use`.
        if parts.len() > 1 {
            self.paths.extend(self.resolve(&parts));
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::file;
    use super::*;

    fn found(sources: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<File> = sources
            .iter()
            .map(|(path, text)| file(&format!("crates/x/src/{path}"), text))
            .collect();
        check(&files).into_iter().map(|problem| problem.what).collect()
    }

    #[test]
    fn two_files_that_use_each_other_are_a_circle() {
        let circle = found(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::g; fn f() { g(); }"),
            ("b.rs", "fn g() { super::a::f(); }"),
        ]);
        assert_eq!(circle, ["2 files need each other: a.rs, b.rs"]);
    }

    #[test]
    fn a_path_in_a_macro_counts() {
        let circle = found(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::g;"),
            ("b.rs", "fn g() { println!(\"{}\", crate::a::f(1)); }"),
        ]);
        assert_eq!(circle.len(), 1);
    }

    #[test]
    fn what_a_module_hands_on_leads_to_where_it_comes_from() {
        let clean = found(&[
            ("lib.rs", "mod a; mod b; pub use a::f; pub use b::G;"),
            ("a.rs", "use crate::G;"),
            ("b.rs", "pub struct G;"),
        ]);
        assert!(clean.is_empty(), "{clean:?}");
    }

    #[test]
    fn a_parent_and_its_child_that_use_each_other_are_a_circle() {
        let sources = [
            ("lib.rs", "mod a;"),
            ("a/mod.rs", "mod b; use b::g; fn f() {}"),
            ("a/b.rs", "use super::f;"),
        ];
        assert_eq!(found(&sources), ["2 files need each other: a/mod.rs, a/b.rs"]);
    }

    #[test]
    fn tests_may_use_what_they_like() {
        let clean = found(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::g;"),
            ("b.rs", "#[cfg(test)]\nmod tests { use crate::a::f; }"),
        ]);
        assert!(clean.is_empty(), "{clean:?}");
    }
}
