//! Where functions and locks are in the source, read from symbolised text: frames with a file and a line behind them,
//! inlined functions before them on lines of their own, marked `[inline]`.

use model::{LockRef, Predicate, SourcePlace};

use super::{Judgement, Log};

/// Judges a claim about the source; `None` for another one, and where the text is not symbolised.
pub(super) fn judge(log: &Log, claim: &Predicate) -> Option<Judgement> {
    let mut otherwise = None;
    let mut inlined: Vec<SourcePlace> = Vec::new();
    for message in log.messages.iter() {
        let text = message.text.trim();
        if let Some(place) = inline(text) {
            inlined.push(place);
            continue;
        }
        let before = std::mem::take(&mut inlined);
        let Some(places) = said(claim, text, before) else { continue };
        let wanted = places_of(claim)?;
        if places == *wanted {
            return Some(Judgement::Shown { lines: vec![message.span] });
        }
        otherwise.get_or_insert_with(|| {
            let found = with_places(claim, places);
            Judgement::Contradicted { lines: vec![message.span], found }
        });
    }
    otherwise
}

fn places_of(claim: &Predicate) -> Option<&Vec<SourcePlace>> {
    match claim {
        Predicate::FrameSource { places, .. } | Predicate::LockSource { places, .. } => {
            Some(places)
        }
        _ => None,
    }
}

fn with_places(claim: &Predicate, found: Vec<SourcePlace>) -> Predicate {
    let mut claim = claim.clone();
    if let Predicate::FrameSource { places, .. } | Predicate::LockSource { places, .. } = &mut claim
    {
        *places = found;
    }
    claim
}

/// The places that a line gives the thing that is claimed about.
fn said(claim: &Predicate, text: &str, mut inlined: Vec<SourcePlace>) -> Option<Vec<SourcePlace>> {
    match claim {
        Predicate::FrameSource { function, offset, module, .. } => {
            let token = format!("{function}+{offset:#x}/");
            let rest = &text[text.find(&token)? + token.len()..];
            let (file, line) = source(rest, module.as_deref())?;
            inlined.push(SourcePlace {
                function: function.clone(),
                file: Some(file),
                line: Some(line),
            });
            Some(inlined)
        }
        Predicate::LockSource { lock, .. } => {
            let (before, at) = text.split_once(", at: ")?;
            if !is_lock(lock, before) {
                return None;
            }
            let (name, rest) = at.split_once("+0x")?;
            let module = rest.split_once(" [").and_then(|(_, rest)| rest.split([']', ' ']).next());
            let (file, line) = source(rest, module)?;
            let mut places = listed(rest);
            places.push(SourcePlace {
                function: name.to_owned(),
                file: Some(file),
                line: Some(line),
            });
            Some(places)
        }
        _ => None,
    }
}

fn is_lock(lock: &LockRef, before: &str) -> bool {
    let class = lock.class.as_ref().is_none_or(|class| before.contains(&format!("({class})")));
    class && lock.address.as_ref().is_none_or(|address| before.contains(address.as_str()))
}

/// `0x2b0 [mod] fs/a.c:12` behind an offset.
fn source(rest: &str, module: Option<&str>) -> Option<(String, u32)> {
    let mut words = rest.split(' ').skip_while(|word| word.is_empty());
    words.next()?;
    let mut word = words.next()?;
    if word.starts_with('[') {
        module.filter(|module| word.trim_matches(['[', ']']).starts_with(module))?;
        // `[mod build-id]`
        while !word.ends_with(']') {
            word = words.next()?;
        }
        word = words.next()?;
    }
    place(word)
}

fn place(word: &str) -> Option<(String, u32)> {
    let (file, line) = word.rsplit_once(':')?;
    Some((file.to_owned(), line.parse().ok()?))
}

/// `(inlined: f fs/a.h:3, g fs/b.h:4)` at the end of a line.
fn listed(text: &str) -> Vec<SourcePlace> {
    let Some((_, list)) = text.split_once("(inlined: ") else { return Vec::new() };
    list.trim_end_matches(')').split(", ").filter_map(one).collect()
}

fn one(text: &str) -> Option<SourcePlace> {
    let (before, word) = text.rsplit_once(' ')?;
    let function = before.rsplit([' ', ':', ']']).next()?;
    let (file, line) = place(word)?;
    Some(SourcePlace { function: function.to_owned(), file: Some(file), line: Some(line) })
}

/// ` f fs/a.h:3 [inline]`.
fn inline(text: &str) -> Option<SourcePlace> {
    one(text.strip_suffix("[inline]")?.trim_end())
}

#[cfg(test)]
mod tests {
    use model::{Predicate, SourcePlace};

    use super::*;

    fn at(function: &str, file: &str, line: u32) -> SourcePlace {
        SourcePlace { function: function.into(), file: Some(file.into()), line: Some(line) }
    }

    fn log(text: &str) -> Log {
        Log::read(text.as_bytes())
    }

    #[test]
    fn x11_places_of_frames_and_locks_are_judged_by_symbolised_text() {
        let text = "[    5.000003] RIP: 0010:peek include/a.h:3 [inline]\n\
                    [    5.000003] RIP: 0010:f+0x5/0x10 [m] fs/a.c:12\n\
                    [    5.000004]  g+0x1/0x20 fs/b.c:7\n\
                    [    5.000005]  #0: ffff888003a1b2c8 (&x->lock){+.+.}-{3:3}, at: h+0x1/0x2 fs/c.c:9 (inlined: take fs/c.h:1)\n";
        let log = log(text);
        let frame = |function: &str, offset, module: Option<&str>, places: Vec<SourcePlace>| {
            let (function, module) = (function.to_owned(), module.map(str::to_owned));
            Predicate::FrameSource { function, offset, module, places }
        };
        let right =
            frame("f", 5, Some("m"), vec![at("peek", "include/a.h", 3), at("f", "fs/a.c", 12)]);
        assert!(matches!(judge(&log, &right), Some(Judgement::Shown { .. })));
        let wrong = frame("g", 1, None, vec![at("g", "fs/b.c", 8)]);
        let Some(Judgement::Contradicted { found, .. }) = judge(&log, &wrong) else {
            panic!("not contradicted")
        };
        assert_eq!(found, frame("g", 1, None, vec![at("g", "fs/b.c", 7)]));
        assert_eq!(judge(&log, &frame("other", 1, None, Vec::new())), None);
        let lock = |class: &str, line| Predicate::LockSource {
            lock: LockRef { class: Some(class.to_owned()), address: None },
            wanted: false,
            places: vec![at("take", "fs/c.h", 1), at("h", "fs/c.c", line)],
        };
        assert!(matches!(judge(&log, &lock("&x->lock", 9)), Some(Judgement::Shown { .. })));
        assert!(matches!(judge(&log, &lock("&x->lock", 8)), Some(Judgement::Contradicted { .. })));
        assert_eq!(judge(&log, &lock("&y->lock", 9)), None);
        assert_eq!(judge(&super::Log::read(b" g+0x1/0x20\n"), &wrong), None);
    }
}
