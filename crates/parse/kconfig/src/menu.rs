//! `Kconfig` files: which symbols there are, and under which conditions.

use std::collections::{HashMap, HashSet};

use crate::config::Config;
use crate::expression::Expression;

/// The symbols of a tree of `Kconfig` files.
#[derive(Clone, Debug, Default)]
pub struct Menu {
    /// For each symbol, the conditions of each place that defines it.
    symbols: HashMap<String, Vec<Definition>>,
}

#[derive(Clone, Debug, Default)]
struct Definition {
    conditions: Vec<Expression>,
    /// Whether a user can set it; others are set by symbols that select them.
    has_prompt: bool,
}

/// What the lines belong to.
enum Block {
    /// `if`, `menu`, `choice`: its conditions hold for all in it.
    Around { conditions: Vec<Expression> },
}

/// `source` nests no deeper in any kernel.
const DEEPEST: u32 = 32;

impl Menu {
    /// Reads the file `path` and those that it names. `read` gives the text of a file, if there is
    /// one; `$(SRCARCH)` in names is replaced by `architecture`.
    pub fn read(
        path: &str,
        architecture: &str,
        read: &mut dyn FnMut(&str) -> Option<String>,
    ) -> Self {
        let mut menu = Self::default();
        let mut reader = Reader { menu: &mut menu, architecture, read, seen: HashSet::new() };
        let mut blocks = Vec::new();
        reader.file(path, &mut blocks, 0);
        menu
    }

    /// Why `symbol` cannot be set under `config`: the unmet parts of its conditions, for the place
    /// of its definition that lacks least. Empty if nothing is unmet, so something else decides.
    pub fn unmet(&self, symbol: &str, config: &Config) -> Vec<String> {
        let Some(places) = self.symbols.get(symbol) else {
            return vec!["there is no such symbol in this tree".to_owned()];
        };
        places
            .iter()
            .map(|place| {
                let mut unmet: Vec<String> =
                    place.conditions.iter().flat_map(|part| part.unmet(config)).collect();
                unmet.dedup();
                if unmet.is_empty() && !place.has_prompt {
                    unmet.push("it has no prompt: only a symbol that selects it sets it".into());
                }
                unmet
            })
            .min_by_key(Vec::len)
            .unwrap_or_default()
    }

    /// How many symbols there are.
    pub fn len(&self) -> usize {
        self.symbols.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }
}

struct Reader<'a> {
    menu: &'a mut Menu,
    architecture: &'a str,
    read: &'a mut dyn FnMut(&str) -> Option<String>,
    seen: HashSet<String>,
}

impl Reader<'_> {
    fn file(&mut self, path: &str, blocks: &mut Vec<Block>, depth: u32) {
        if depth > DEEPEST || !self.seen.insert(path.to_owned()) {
            return;
        }
        let Some(text) = (self.read)(path) else { return };
        let mut lines = logical_lines(&text).into_iter().peekable();
        // The symbol whose options the lines are.
        let mut current: Option<String> = None;
        // Whether `depends on` belongs to the innermost block: right after `menu` or `choice`.
        let mut in_head = false;
        while let Some(line) = lines.next() {
            let indent = indent_of(&line);
            let line = line.trim();
            let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
            let rest = rest.trim();
            match word {
                "config" | "menuconfig" => {
                    in_head = false;
                    current = Some(rest.to_owned());
                    let conditions = around(blocks);
                    self.menu
                        .symbols
                        .entry(rest.to_owned())
                        .or_default()
                        .push(Definition { conditions, has_prompt: false });
                }
                "if" => {
                    current = None;
                    in_head = false;
                    let conditions = Expression::parse(rest).into_iter().collect();
                    blocks.push(Block::Around { conditions });
                }
                "menu" | "choice" => {
                    current = None;
                    in_head = true;
                    blocks.push(Block::Around { conditions: Vec::new() });
                }
                "endif" | "endmenu" | "endchoice" => {
                    current = None;
                    in_head = false;
                    blocks.pop();
                }
                "comment" | "mainmenu" => {
                    current = None;
                    in_head = false;
                }
                "source" => {
                    current = None;
                    in_head = false;
                    let name = rest.trim_matches('"').replace("$(SRCARCH)", self.architecture);
                    self.file(&name, blocks, depth + 1);
                }
                "depends" => {
                    let condition = rest.strip_prefix("on").and_then(Expression::parse);
                    let Some(condition) = condition else { continue };
                    if let Some(definition) = self.current(current.as_ref()) {
                        definition.conditions.push(condition);
                    } else if in_head && let Some(Block::Around { conditions }) = blocks.last_mut()
                    {
                        conditions.push(condition);
                    }
                }
                "bool" | "tristate" | "string" | "int" | "hex" | "prompt" => {
                    if rest.starts_with('"')
                        && let Some(definition) = self.current(current.as_ref())
                    {
                        definition.has_prompt = true;
                        let after = rest[1..].split_once('"').map_or("", |(_, after)| after.trim());
                        if let Some(condition) =
                            after.strip_prefix("if ").and_then(Expression::parse)
                        {
                            definition.conditions.push(condition);
                        }
                    }
                }
                "help" | "---help---" => {
                    // Its text is indented deeper than the word; blank lines belong to it.
                    while lines
                        .peek()
                        .is_some_and(|next| next.trim().is_empty() || indent_of(next) > indent)
                    {
                        lines.next();
                    }
                }
                _ => {}
            }
        }
    }

    fn current(&mut self, symbol: Option<&String>) -> Option<&mut Definition> {
        self.menu.symbols.get_mut(symbol?)?.last_mut()
    }
}

fn around(blocks: &[Block]) -> Vec<Expression> {
    blocks.iter().flat_map(|Block::Around { conditions }| conditions.iter().cloned()).collect()
}

/// Lines with those that end in a backslash joined to the next, without comments.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        let (body, more) = match line.strip_suffix('\\') {
            Some(body) => (body, true),
            None => (line, false),
        };
        match lines.last_mut().filter(|_| goes_on) {
            Some(last) => {
                last.push(' ');
                last.push_str(body.trim());
            }
            None if line.trim_start().starts_with('#') => {}
            None => lines.push(body.to_owned()),
        }
        goes_on = more;
    }
    lines
}

/// The column of the first character that is no blank; a tab goes to the next multiple of 8.
fn indent_of(line: &str) -> usize {
    let mut column = 0;
    for character in line.chars() {
        match character {
            ' ' => column += 1,
            '\t' => column = (column / 8 + 1) * 8,
            _ => break,
        }
    }
    column
}
