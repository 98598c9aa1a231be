//! A configuration: symbols and their values.

use std::collections::BTreeMap;
use std::fmt;

/// The value of a symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Built in.
    Yes,
    /// Built as a module.
    Module,
    /// Not set.
    No,
    /// A number or text, as written (text with its quotes).
    Other(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yes => "y",
            Self::Module => "m",
            Self::No => "n",
            Self::Other(text) => text,
        })
    }
}

/// Symbols without their `CONFIG_` and their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    symbols: BTreeMap<String, Value>,
}

/// A symbol that is not as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The symbol, without `CONFIG_`.
    pub symbol: String,
    /// What was asked for.
    pub wanted: Value,
    /// What it is.
    pub kept: Value,
}

impl Config {
    /// Reads a `.config` or a fragment. Lines that say nothing about a symbol are passed over.
    pub fn parse(text: &str) -> Self {
        let mut config = Self::default();
        for line in text.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("CONFIG_") {
                if let Some((symbol, value)) = rest.split_once('=') {
                    let value = match value.trim() {
                        "y" => Value::Yes,
                        "m" => Value::Module,
                        "n" => Value::No,
                        other => Value::Other(other.to_owned()),
                    };
                    config.symbols.insert(symbol.trim().to_owned(), value);
                }
            } else if let Some(symbol) =
                line.strip_prefix("# CONFIG_").and_then(|rest| rest.strip_suffix(" is not set"))
            {
                config.symbols.insert(symbol.to_owned(), Value::No);
            }
        }
        config
    }

    /// The value of a symbol; one that is not mentioned is not set.
    pub fn value(&self, symbol: &str) -> &Value {
        self.symbols.get(symbol).unwrap_or(&Value::No)
    }

    /// Whether the symbol is mentioned, set or not.
    pub fn mentions(&self, symbol: &str) -> bool {
        self.symbols.contains_key(symbol)
    }

    /// Takes over all that `other` says.
    pub fn merge(&mut self, other: &Self) {
        self.symbols.extend(other.symbols.iter().map(|(s, v)| (s.clone(), v.clone())));
    }

    /// What this configuration asks for and `kept` does not have. Built in instead of as a module is
    /// not lost.
    pub fn lost_in(&self, kept: &Self) -> Vec<Lost> {
        self.symbols
            .iter()
            .filter_map(|(symbol, wanted)| {
                let is = kept.value(symbol);
                let fine = is == wanted || (*wanted == Value::Module && *is == Value::Yes);
                (!fine).then(|| Lost {
                    symbol: symbol.clone(),
                    wanted: wanted.clone(),
                    kept: is.clone(),
                })
            })
            .collect()
    }
}

/// The form that `make olddefconfig` reads.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (symbol, value) in &self.symbols {
            match value {
                Value::No => writeln!(f, "# CONFIG_{symbol} is not set")?,
                value => writeln!(f, "CONFIG_{symbol}={value}")?,
            }
        }
        Ok(())
    }
}
