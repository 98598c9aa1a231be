//! Register rows of LoongArch, SPARC, PA-RISC and m68k. Source: `show_regs` of each architecture.
//!
//! Invariant: a row is taken only for a shape that no other architecture prints, or inside a dump of its own.

use crate::Architecture;
use crate::dump::{hex, values};

/// What a row holds.
pub(crate) struct Row {
    /// Whose it is.
    pub(crate) architecture: Architecture,
    /// Names and values.
    pub(crate) registers: Vec<(String, u64)>,
    /// The row can only be the first of a dump.
    pub(crate) starts: bool,
}

/// Reads a row; `open` is the architecture of the dump that the line may continue.
pub(crate) fn row(text: &str, open: Option<Architecture>) -> Option<Row> {
    loongarch(text, open)
        .or_else(|| sparc(text, open))
        .or_else(|| parisc(text, open))
        .or_else(|| m68k(text, open))
}

fn made(architecture: Architecture, registers: Vec<(String, u64)>, starts: bool) -> Option<Row> {
    (!registers.is_empty()).then_some(Row { architecture, registers, starts })
}

/// `pc V ra V tp V sp V`, `a0 V a1 V …`, and ` CRMD: V (…)`, one to a line.
fn loongarch(text: &str, open: Option<Architecture>) -> Option<Row> {
    const STATES: [&str; 9] =
        ["ra", "ERA", "CRMD", "PRMD", "EUEN", "ECFG", "ESTAT", "BADV", "PRID"];
    let one = Architecture::LoongArch;
    if let Some((name, rest)) = text.split_once(": ")
        && let Some(state) = STATES.iter().find(|state| **state == name)
        && (open == Some(one) || matches!(*state, "ERA" | "CRMD" | "PRMD" | "ESTAT" | "BADV"))
    {
        // The return address stands among the general registers too.
        let name = if *state == "ra" {
            return made(one, vec![("ra (again)".into(), values(rest).next()?)], false);
        } else {
            state
        };
        return made(one, vec![((*name).to_owned(), values(rest).next()?)], false);
    }
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let starts = words.first() == Some(&"pc");
    if !words.len().is_multiple_of(2) || words.len() > 8 || !(starts || open == Some(one)) {
        return None;
    }
    let registers: Option<Vec<(String, u64)>> = words
        .chunks_exact(2)
        .map(|pair| {
            let name = pair[0];
            let known = matches!(name, "pc" | "ra" | "tp" | "sp" | "fp" | "u0")
                || name.len() == 2
                    && matches!(name.as_bytes()[0], b'a' | b't' | b's')
                    && name.as_bytes()[1].is_ascii_digit();
            (known && pair[1].len() == 16)
                .then(|| hex(pair[1]))
                .flatten()
                .map(|v| (name.to_owned(), v))
        })
        .collect();
    made(one, registers?, starts)
}

/// `TSTATE: V TPC: V TNPC: V Y: V`, then `g0: V g1: V …` to `i7`.
fn sparc(text: &str, open: Option<Architecture>) -> Option<Row> {
    let one = Architecture::Sparc64;
    let starts = text.starts_with("TSTATE: ");
    if !(starts || open == Some(one)) {
        return None;
    }
    let known = |name: &str| {
        matches!(name, "TSTATE" | "TPC" | "TNPC" | "Y" | "sp" | "ret_pc")
            || name.len() == 2
                && matches!(name.as_bytes()[0], b'g' | b'o' | b'l' | b'i')
                && matches!(name.as_bytes()[1], b'0'..=b'7')
    };
    made(one, pairs(text, known), starts)
}

/// `PSW: <32 bits>`, `r00-03  V V V V`, `IASQ: V V IAOQ: V V`, ` IIR: V ISR: V IOR: V`.
fn parisc(text: &str, open: Option<Architecture>) -> Option<Row> {
    let one = Architecture::Parisc;
    if let Some(rest) = text.strip_prefix("PSW: ") {
        let bits = rest.split(' ').next().filter(|bits| bits.len() == 32)?;
        let value = u64::from_str_radix(bits, 2).ok()?;
        return made(one, vec![("PSW".to_owned(), value)], true);
    }
    if open != Some(one) {
        return None;
    }
    if let Some(rest) = text.strip_prefix('r')
        && let Some((first, rest)) = rest.split_once('-')
        && let Ok(first @ 0..32) = first.parse::<u32>()
    {
        let words = rest.get(2..)?;
        let registers = values(words).take(4).zip(first..);
        return made(one, registers.map(|(value, n)| (format!("r{n}"), value)).collect(), false);
    }
    if let Some((_, queue)) = text.split_once("IAOQ: ") {
        return made(one, vec![("IAOQ".to_owned(), values(queue).next()?)], false);
    }
    made(one, pairs(text, |name| matches!(name, "IIR" | "ISR" | "IOR")), false)
}

/// `PC: [<V>] f+…`, `SR: V  SP: V  a2: V`, `d0: V    d1: V …`.
fn m68k(text: &str, open: Option<Architecture>) -> Option<Row> {
    let one = Architecture::M68k;
    let starts = text.starts_with("SR: ") && text.contains("SP: ");
    if !(starts || open == Some(one)) {
        return None;
    }
    let known = |name: &str| {
        matches!(name, "SR" | "SP")
            || name.len() == 2
                && matches!(name.as_bytes()[0], b'a' | b'd')
                && matches!(name.as_bytes()[1], b'0'..=b'7')
    };
    made(one, pairs(text, known), starts)
}

/// `name: value` pairs whose names are known; a value has four digits or more.
fn pairs(text: &str, known: impl Fn(&str) -> bool) -> Vec<(String, u64)> {
    let mut words = text.split_ascii_whitespace();
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        let Some(name) = word.strip_suffix(':').filter(|name| known(name)) else { continue };
        let Some(value) = words.next().filter(|word| word.len() >= 4).and_then(hex) else {
            continue;
        };
        found.push((name.to_owned(), value));
    }
    found
}
