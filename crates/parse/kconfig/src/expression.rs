//! Conditions such as `PCI && (X86 || !SMP) && HZ != 100`.

use std::fmt;

use crate::config::{Config, Value};

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// A symbol, or `y`, `m`, `n`.
    Symbol(String),
    /// `!a`
    Not(Box<Self>),
    /// `a && b && …`
    All(Vec<Self>),
    /// `a || b || …`
    Any(Vec<Self>),
    /// A comparison; it is kept as text.
    Compare {
        /// Left side.
        left: String,
        /// `=`, `!=`, `<`, …
        operator: String,
        /// Right side.
        right: String,
    },
}

/// Parentheses nest no deeper in any kernel.
const DEEPEST: u32 = 64;

impl Expression {
    /// Reads a condition; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let tokens = tokens(text);
        let mut rest = &tokens[..];
        let expression = any(&mut rest, 0)?;
        rest.is_empty().then_some(expression)
    }

    /// Whether the condition allows a symbol to be set. A comparison that cannot be decided does.
    pub fn holds(&self, config: &Config) -> bool {
        match self {
            Self::Symbol(name) => match name.as_str() {
                "y" | "m" => true,
                "n" => false,
                name => *config.value(name) != Value::No,
            },
            Self::Not(inner) => match &**inner {
                // `!m` of a module is `m`: it allows a module.
                Self::Symbol(name) => *config.value(name) != Value::Yes && name != "y",
                inner => !inner.holds(config),
            },
            Self::All(parts) => parts.iter().all(|part| part.holds(config)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(config)),
            Self::Compare { left, operator, right } => {
                let value = |name: &str| match config.value(name) {
                    Value::Other(text) => text.trim_matches('"').to_owned(),
                    Value::No if !config.mentions(name) => name.trim_matches('"').to_owned(),
                    value => value.to_string(),
                };
                match operator.as_str() {
                    "=" => value(left) == value(right),
                    "!=" => value(left) != value(right),
                    _ => true,
                }
            }
        }
    }

    /// The smallest parts of the condition that do not hold and make it fail.
    pub fn unmet(&self, config: &Config) -> Vec<String> {
        match self {
            _ if self.holds(config) => Vec::new(),
            Self::All(parts) => parts.iter().flat_map(|part| part.unmet(config)).collect(),
            whole => vec![whole.to_string()],
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, parts: &[Self], between: &str| {
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    f.write_str(between)?;
                }
                match part {
                    Self::All(_) | Self::Any(_) => write!(f, "({part})")?,
                    part => write!(f, "{part}")?,
                }
            }
            Ok(())
        };
        match self {
            Self::Symbol(name) => f.write_str(name),
            Self::Not(inner) => match &**inner {
                Self::Symbol(name) => write!(f, "!{name}"),
                inner => write!(f, "!({inner})"),
            },
            Self::All(parts) => list(f, parts, " && "),
            Self::Any(parts) => list(f, parts, " || "),
            Self::Compare { left, operator, right } => write!(f, "{left} {operator} {right}"),
        }
    }
}

fn tokens(text: &str) -> Vec<&str> {
    const OPERATORS: &[&str] = &["&&", "||", "!=", "<=", ">=", "!", "(", ")", "=", "<", ">"];
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let length = if let Some(operator) = OPERATORS.iter().find(|o| rest.starts_with(**o)) {
            operator.len()
        } else if let Some(inside) = rest.strip_prefix('"') {
            inside.find('"').map_or(rest.len(), |end| end + 2)
        } else {
            rest.find(|c: char| c.is_whitespace() || "&|!()=<>\"".contains(c))
                .unwrap_or(rest.len())
                .max(rest.chars().next().map_or(1, char::len_utf8))
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}

fn any(rest: &mut &[&str], depth: u32) -> Option<Expression> {
    list(rest, depth, "||", all, Expression::Any)
}

fn all(rest: &mut &[&str], depth: u32) -> Option<Expression> {
    list(rest, depth, "&&", one, Expression::All)
}

fn list(
    rest: &mut &[&str],
    depth: u32,
    operator: &str,
    part: impl Fn(&mut &[&str], u32) -> Option<Expression>,
    join: impl Fn(Vec<Expression>) -> Expression,
) -> Option<Expression> {
    let first = part(rest, depth)?;
    let mut parts = vec![first];
    while rest.first() == Some(&operator) {
        *rest = &rest[1..];
        parts.push(part(rest, depth)?);
    }
    if parts.len() == 1 { parts.pop() } else { Some(join(parts)) }
}

fn one(rest: &mut &[&str], depth: u32) -> Option<Expression> {
    if depth > DEEPEST {
        return None;
    }
    let (token, after) = rest.split_first()?;
    *rest = after;
    match *token {
        "!" => Some(Expression::Not(Box::new(one(rest, depth + 1)?))),
        "(" => {
            let inner = any(rest, depth + 1)?;
            let (closing, after) = rest.split_first()?;
            *rest = after;
            (*closing == ")").then_some(inner)
        }
        "\"" | ")" | "&&" | "||" | "=" | "!=" | "<" | ">" | "<=" | ">=" => None,
        left => match rest {
            [operator @ ("=" | "!=" | "<" | ">" | "<=" | ">="), right, after @ ..] => {
                let compare = Expression::Compare {
                    left: left.to_owned(),
                    operator: (*operator).to_owned(),
                    right: (*right).to_owned(),
                };
                *rest = after;
                Some(compare)
            }
            _ => Some(Expression::Symbol(left.to_owned())),
        },
    }
}
