//! A symbolised log as text.
//!
//! Frames have the form of [`annotated`]; instructions stand under the places they are of.

use analysis_symbolize::{Coded, Disassembly, Found, annotated, named};

use crate::escape::{Escaped, one_line};

/// The lines that stand for one line of a log, escaped, without newlines. `raw` is the whole line; what stands before a
/// frame in it stands before its inlined functions too.
pub fn lines(raw: &str, found: &[Found]) -> Vec<String> {
    annotated(raw, found).iter().map(|line| Escaped(line).to_string()).collect()
}

/// The instructions of a `Code:` line, each run of one place under it, the instruction of the trap marked.
pub fn code(code: &Disassembly) -> Vec<String> {
    let mut out = Vec::new();
    let mut before: Option<&Coded> = None;
    let width = code.instructions.iter().map(|coded| coded.bytes.len() * 3).max().unwrap_or(0);
    for coded in &code.instructions {
        if before.is_none_or(|before| before.places != coded.places) {
            if !coded.places.is_empty() {
                let chain: Vec<String> = coded.places.iter().map(named).collect();
                out.push(format!("    {}", one_line(&chain.join(" < "))));
            }
            if let Some(source) = coded.source.as_ref().filter(|source| !source.is_empty()) {
                out.push(format!("    | {}", one_line(source)));
            }
        }
        let bytes: Vec<String> = coded.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let (mark, trap) = match coded.marked {
            true => ("->", "  <- trapping instruction"),
            false => ("  ", ""),
        };
        let sign = if coded.offset < 0 { "-" } else { "+" };
        let offset = format!("{sign}{:#x}", coded.offset.unsigned_abs());
        let bytes = bytes.join(" ");
        let text = one_line(&coded.text);
        out.push(
            format!("    {mark} {offset:>7}  {bytes:<width$} {text}{trap}").trim_end().to_owned(),
        );
        before = Some(coded);
    }
    if let Some(differ) = code.differ.filter(|differ| *differ > 0) {
        let noun = if differ == 1 { "byte differs" } else { "bytes differ" };
        out.push(format!(
            "    ({differ} {noun} from the file's: patched while running, or overwritten)"
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use analysis_symbolize::{Points, Resolved};
    use model::SourcePlace;

    use super::*;

    fn place(function: &str, file: &str, line: u32) -> SourcePlace {
        SourcePlace { function: function.into(), file: Some(file.into()), line: Some(line) }
    }

    fn found(token: &str, places: Vec<SourcePlace>) -> Found {
        Found {
            range: 0..token.len(),
            token: token.into(),
            function: "f".into(),
            offset: 1,
            size: 2,
            module: None,
            points: Points::Behind,
            resolved: Arc::new(Resolved { places, ..Resolved::default() }),
        }
    }

    #[test]
    fn inlined_functions_stand_before_their_frame_behind_the_same_prefix() {
        let chain = vec![place("inner", "include/a.h", 3), place("f", "fs/a.c", 12)];
        let frame = found("f+0x1/0x2 [m]", chain.clone());
        assert_eq!(
            lines("[    1.0][  T1]  ? f+0x1/0x2 [m]", std::slice::from_ref(&frame)),
            [
                "[    1.0][  T1]  ? inner include/a.h:3 [inline]",
                "[    1.0][  T1]  ? f+0x1/0x2 [m] fs/a.c:12"
            ]
        );
        assert_eq!(
            lines("RIP: 0010:f+0x1/0x2 [m]", std::slice::from_ref(&frame)),
            ["RIP: 0010:inner include/a.h:3 [inline]", "RIP: 0010:f+0x1/0x2 [m] fs/a.c:12"]
        );
        assert_eq!(
            lines("#0: (&x){+}, at: f+0x1/0x2 [m]\u{1b}", &[frame]),
            ["#0: (&x){+}, at: f+0x1/0x2 [m] fs/a.c:12 (inlined: inner include/a.h:3)\\x1b"]
        );
    }

    #[test]
    fn what_has_no_place_stays_as_it_is() {
        assert_eq!(lines(" f+0x1/0x2", &[found("f+0x1/0x2", Vec::new())]), [" f+0x1/0x2"]);
        assert_eq!(lines("text", &[]), ["text"]);
    }

    #[test]
    fn functions_of_one_name_are_all_told() {
        let mut frame = found("f+0x1/0x2", vec![place("f", "a.c", 1)]);
        let others = vec![vec![place("f", "b.c", 2)]];
        frame.resolved = Arc::new(Resolved { others, ..(*frame.resolved).clone() });
        assert_eq!(lines(" f+0x1/0x2", &[frame]), [" f+0x1/0x2 a.c:1 or b.c:2"]);
    }
}
