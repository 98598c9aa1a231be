//! The form of symbolised text.
//!
//! Frames keep their offsets, and functions that were inlined stand before them on lines of their own, marked
//! `[inline]`: the form in which symbolised reports are mailed, and which is read again here.

use model::SourcePlace;

use crate::Found;

/// Places of other functions of the same name that are shown.
const OTHERS_SHOWN: usize = 3;

/// The lines that stand for one line of a log. What stands before a frame in it stands before its inlined functions too.
pub fn annotated(raw: &str, found: &[Found]) -> Vec<String> {
    let mut out = Vec::new();
    let mut line = String::new();
    let mut rest = raw;
    for found in found {
        let (before, token, behind) = match rest.find(&found.token) {
            Some(at) => {
                let (before, rest) = rest.split_at(at);
                let (token, behind) = rest.split_at(found.token.len());
                (before, token, behind)
            }
            // The line is written in another form, such as JSON: what is known stands behind it.
            None => (rest, "", ""),
        };
        line.push_str(before);
        let is_frame = out.is_empty() && is_before_frame(&line);
        let places = &found.resolved.places;
        if is_frame && let Some((_, inlined)) = places.split_last() {
            out.extend(inlined.iter().map(|place| format!("{line}{} [inline]", named(place))));
        }
        line.push_str(token);
        line.push_str(&behind_token(found, is_frame));
        rest = behind;
    }
    line.push_str(rest);
    out.push(line);
    out
}

/// Whether nothing but marks of a frame stands before a function: blanks, `? `, the name of an instruction pointer.
fn is_before_frame(before: &str) -> bool {
    let before = before.trim_end().trim_end_matches('?').trim_end();
    // An address in brackets, the stamp and the printer.
    let ends = before.is_empty()
        || before.ends_with([']', '>'])
        || before.bytes().last().is_some_and(|byte| byte == b'|');
    ends || ["RIP: 0010:", "pc :", "lr :", "IP:", "NIP", "epc :"]
        .iter()
        .any(|head| before.ends_with(head))
}

/// What is said behind a function.
fn behind_token(found: &Found, is_frame: bool) -> String {
    let resolved = &found.resolved;
    let mut text = String::new();
    if let Some((name, offset, size)) = &resolved.named {
        text.push_str(&format!(" {name}+{offset:#x}/{size:#x}"));
    }
    let Some((own, inlined)) = resolved.places.split_last() else { return text };
    text.push(' ');
    text.push_str(&source(own));
    let others = resolved.others.iter().filter_map(|places| places.last());
    for other in others.take(OTHERS_SHOWN) {
        text.push_str(&format!(" or {}", source(other)));
    }
    if !is_frame && !inlined.is_empty() {
        let inlined: Vec<String> = inlined.iter().map(named).collect();
        text.push_str(&format!(" (inlined: {})", inlined.join(", ")));
    }
    text
}

/// `function fs/inode.c:12`.
pub fn named(place: &SourcePlace) -> String {
    format!("{} {}", place.function, source(place))
}

/// `fs/inode.c:12`; `??:?` where it is not known, as addr2line prints.
fn source(place: &SourcePlace) -> String {
    match (&place.file, place.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => format!("{file}:?"),
        (None, _) => "??:?".to_owned(),
    }
}
