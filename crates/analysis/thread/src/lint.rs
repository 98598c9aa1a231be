//! A look at the newest diff (rule T10), for what nobody raised. Each rule reads one hunk at a time
//! and says nothing when the hunk does not show enough.

use model::{Grade, LineSpan};
use parse_mail::{FileDiff, Hunk, HunkLine, LineKind, Message, Person};

use crate::model::{Finding, Place, Tag, Thread, Version};
use crate::questions::last_lines;
use crate::replies::Quotes;
use crate::series;
use crate::text::has_phrase;

/// Functions that return memory or an object, or nothing.
const ALLOCATORS: &[&str] = &[
    "kmalloc",
    "kzalloc",
    "kcalloc",
    "kmalloc_array",
    "kmalloc_node",
    "kzalloc_node",
    "krealloc",
    "kvmalloc",
    "kvzalloc",
    "kvcalloc",
    "kvmalloc_array",
    "vmalloc",
    "vzalloc",
    "vmalloc_node",
    "vzalloc_node",
    "vmalloc_user",
    "kmemdup",
    "kstrdup",
    "kstrndup",
    "kasprintf",
    "kmem_cache_alloc",
    "kmem_cache_zalloc",
    "kmem_cache_create",
    "alloc_percpu",
    "alloc_page",
    "alloc_pages",
    "__get_free_page",
    "__get_free_pages",
    "get_zeroed_page",
    "devm_kzalloc",
    "devm_kmalloc",
    "devm_kcalloc",
    "devm_kmemdup",
    "mempool_create",
    "alloc_workqueue",
    "dma_alloc_coherent",
    "alloc_skb",
    "skb_clone",
    "skb_copy",
    "bio_alloc",
    "kobject_create_and_add",
    "of_get_child_by_name",
];

/// Pairs of lock calls of which one replaces the other.
const LOCKS: &[&str] = &[
    "spin_lock",
    "spin_lock_irq",
    "spin_lock_irqsave",
    "spin_lock_bh",
    "raw_spin_lock",
    "raw_spin_lock_irq",
    "raw_spin_lock_irqsave",
    "mutex_lock",
    "mutex_lock_interruptible",
    "read_lock",
    "write_lock",
    "down_read",
    "down_write",
    "rcu_read_lock",
    "local_lock",
    "local_lock_irqsave",
];

/// A finding with the words by which somebody would have raised it.
struct Raw {
    finding: Finding,
    words: Vec<String>,
}

pub(crate) fn newest(all: &[&Message], quotes: &Quotes, thread: &mut Thread) {
    let Some(newest) = series::newest(thread) else { return };
    let mut raw = Vec::new();
    let version = &thread.versions[newest];
    sign_offs(all, version, thread, &mut raw);
    for file in version.patches.iter().filter_map(|p| p.diff.as_ref()).flat_map(|d| &d.files) {
        if !is_c(file.path()) {
            continue;
        }
        let mut braces = Vec::new();
        for hunk in &file.hunks {
            allocations(hunk, version, &mut raw);
            conditionals(file, hunk, &mut raw);
            locks(hunk, &mut raw);
            lone_braces(hunk, &mut braces);
        }
        if !braces.is_empty() {
            raw.push(Raw {
                finding: Finding {
                    statement: format!(
                        "{}: {} `if` with a body of one line keep{} braces",
                        file.path(),
                        braces.len(),
                        if braces.len() == 1 { "s" } else { "" }
                    ),
                    lines: braces,
                    is_style: true,
                    grade: Grade::Derived,
                },
                words: vec!["brace".to_owned(), "braces".to_owned()],
            });
        }
    }
    // What was raised: quoted right above a remark on this version, or named in words anywhere.
    let mut quoted: Vec<u64> = Vec::new();
    for (entry, message) in all.iter().enumerate() {
        if thread.entries[entry].about == Some(newest) && !is_part_of(entry, version) {
            quoted.extend(last_lines(message, entry, quotes, all, thread));
        }
    }
    let said: Vec<String> = thread
        .questions
        .iter()
        .flat_map(|q| {
            q.asked.iter().map(|(entry, lines)| {
                all[*entry]
                    .body
                    .lines()
                    .filter(|l| lines.contains(l.number))
                    .map(|l| l.text.to_lowercase())
                    .collect::<Vec<_>>()
                    .join(" ")
            })
        })
        .collect();
    thread.findings = raw
        .into_iter()
        .filter(|r| {
            let shown = r.finding.lines.iter().any(|span| quoted.iter().any(|l| span.contains(*l)));
            let named =
                r.words.iter().any(|w| said.iter().any(|s| has_phrase(s, &w.to_lowercase())));
            !shown && !named
        })
        .map(|r| r.finding)
        .take(200)
        .collect();
}

/// What the kernel's rules ask of the trailers of a patch: who sends it signs it off, and who wrote it
/// with others does so right below his `Co-developed-by`.
fn sign_offs(all: &[&Message], version: &Version, thread: &Thread, raw: &mut Vec<Raw>) {
    for patch in &version.patches {
        let tags: Vec<&Tag> = thread
            .tags
            .iter()
            .filter(|t| t.entry == patch.entry && t.place == Place::Message)
            .collect();
        let is = |tag: &Tag, name: &str| tag.trailer.tag == name;
        let mut say = |statement: String, lines: Vec<LineSpan>| {
            raw.push(Raw {
                finding: Finding { statement, lines, is_style: false, grade: Grade::Seen },
                words: ["signed-off-by", "signed off", "sign-off", "signoff", "sob"]
                    .map(str::to_owned)
                    .to_vec(),
            });
        };
        let (message, title) = (all[patch.entry], &patch.title);
        let Some(last) = tags.iter().rfind(|t| is(t, "Signed-off-by")) else {
            if !version.is_rfc {
                let line = LineSpan::line(message.from_line);
                say(format!("\"{title}\" has no Signed-off-by in its message"), vec![line]);
            }
            continue;
        };
        let sender = &message.from;
        let is_sender = |person: &Person| {
            person.is(sender)
                || !person.name.is_empty() && person.name.eq_ignore_ascii_case(&sender.name)
        };
        let signed = tags.iter().any(|t| is(t, "Signed-off-by") && is_sender(&t.trailer.person));
        if !version.is_rfc && !signed && sender.shown() != "" {
            say(
                format!("\"{title}\" has no Signed-off-by of {}, who sends it", sender.shown()),
                vec![last.lines, LineSpan::line(message.from_line)],
            );
        }
        for (at, tag) in tags.iter().enumerate().filter(|(_, t)| is(t, "Co-developed-by")) {
            let next = tags.get(at + 1);
            let person = &tag.trailer.person;
            if next.is_none_or(|n| !is(n, "Signed-off-by") || !n.trailer.person.is(person)) {
                say(
                    format!(
                        "\"{title}\": the Co-developed-by of {} is not followed by a Signed-off-by of the same",
                        person.shown()
                    ),
                    vec![tag.lines],
                );
            }
        }
    }
}

fn is_part_of(entry: usize, version: &Version) -> bool {
    version.cover == Some(entry) || version.patches.iter().any(|p| p.entry == entry)
}

fn is_c(path: &str) -> bool {
    path.ends_with(".c") || path.ends_with(".h")
}

/// An assignment from an allocator: the variable, the function and the lines of the statement.
struct Allocation<'a> {
    variable: &'a str,
    function: &'static str,
    at: usize,
    end: usize,
}

fn allocation<'a>(lines: &[&'a HunkLine], at: usize) -> Option<Allocation<'a>> {
    let text = lines[at].text.as_str();
    let (left, right) = split_assignment(text)?;
    let variable = left.trim().rsplit([' ', '\t', '*']).next()?.trim();
    if variable.is_empty() {
        return None;
    }
    // The call may stand on the next line.
    let next = lines.get(at + 1).map_or("", |l| l.text.as_str());
    let call = if right.trim().is_empty() { next } else { right };
    let function = ALLOCATORS.iter().find(|f| {
        call.match_indices(*f).any(|(i, _)| {
            call[i + f.len()..].starts_with('(')
                && !call[..i].ends_with(|c: char| c.is_alphanumeric() || c == '_')
        })
    })?;
    let end = (at..lines.len().min(at + 8))
        .find(|i| lines[*i].text.trim_end().ends_with(';'))
        .unwrap_or(at);
    Some(Allocation { variable, function, at, end })
}

fn split_assignment(text: &str) -> Option<(&str, &str)> {
    let at = text.find(" = ").or_else(|| text.ends_with(" =").then(|| text.len() - 2))?;
    Some((&text[..at], text.get(at + 3..).unwrap_or("")))
}

/// The lines after and before the change.
fn image(hunk: &Hunk, not: LineKind) -> Vec<&HunkLine> {
    hunk.body.iter().filter(|l| l.kind != not).collect()
}

fn is_check(text: &str, variable: &str) -> bool {
    let negated = text.match_indices(variable).any(|(i, _)| {
        let head = text[..i].trim_end();
        let tail = &text[i + variable.len()..];
        let whole = !tail.starts_with(|c: char| c.is_alphanumeric() || c == '_')
            && !text[..i].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        whole
            && (head.ends_with('!')
                || tail.trim_start().starts_with("== NULL")
                || tail.trim_start().starts_with("!= NULL")
                || head.ends_with("IS_ERR(")
                || head.ends_with("IS_ERR_OR_NULL(")
                || head.ends_with("if (") && tail.starts_with([')', ' ', '-', '&'])
                || head.ends_with("&&") && tail.trim_start().starts_with([')', '&'])
                || head.ends_with("likely(")
                || tail.trim_start().starts_with('?'))
    });
    negated || text.trim_start().starts_with("return ") && has_phrase(text, variable)
}

/// Whether a line uses what the variable points to: `v->`, `*v`, or hands it to a function.
fn use_of<'a>(text: &'a str, variable: &str) -> Option<Option<&'a str>> {
    for (i, _) in text.match_indices(variable) {
        let tail = &text[i + variable.len()..];
        let head = &text[..i];
        if tail.starts_with(|c: char| c.is_alphanumeric() || c == '_')
            || head.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.' || c == '>')
        {
            continue;
        }
        if tail.starts_with("->") || tail.starts_with('[') {
            return Some(None);
        }
        if tail.starts_with([',', ')']) {
            let open = head.rfind('(')?;
            let callee =
                head[..open].rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next()?;
            if !callee.is_empty()
                && !callee.contains("free")
                && callee != "sizeof"
                && callee != "put_page"
            {
                return Some(Some(callee));
            }
        }
    }
    None
}

fn allocations(hunk: &Hunk, version: &Version, raw: &mut Vec<Raw>) {
    let after = image(hunk, LineKind::Removed);
    let before = image(hunk, LineKind::Added);
    for at in 0..after.len() {
        if after[at].kind != LineKind::Added {
            continue;
        }
        let Some(new) = allocation(&after, at) else { continue };
        // A check that this patch takes away, with the allocation it belonged to.
        let dropped = (0..before.len()).find_map(|i| {
            let old = allocation(&before, i)?;
            let check = (old.end + 1..before.len().min(old.end + 6)).find(|c| {
                before[*c].kind == LineKind::Removed && is_check(&before[*c].text, old.variable)
            })?;
            let gone = before[check].text.trim();
            let again = after.iter().any(|l| l.kind == LineKind::Added && l.text.trim() == gone);
            (!again && before[i].kind == LineKind::Removed).then_some((old, check))
        });
        if let Some((old, _)) = &dropped
            && old.function != new.function
        {
            raw.push(Raw {
                finding: Finding {
                    statement: format!("{}() became {}()", old.function, new.function),
                    lines: vec![
                        LineSpan::line(before[old.at].number),
                        LineSpan::line(after[new.at].number),
                    ],
                    is_style: true,
                    grade: Grade::Derived,
                },
                words: vec![old.function.to_owned(), new.function.to_owned()],
            });
        }
        let mut used = None;
        for line in after.iter().skip(new.end + 1).take(25) {
            if is_check(&line.text, new.variable) {
                break;
            }
            if split_assignment(&line.text).is_some_and(|(left, _)| left.trim() == new.variable) {
                break;
            }
            if let Some(callee) = use_of(&line.text, new.variable) {
                used = Some((line.number, callee));
                break;
            }
        }
        let Some((use_line, callee)) = used else { continue };
        let mut lines = Vec::new();
        let mut statement = String::new();
        if let Some((old, check)) = &dropped {
            let end = before
                .get(check + 1)
                .filter(|l| {
                    l.kind == LineKind::Removed && l.text.trim_start().starts_with(['r', 'g'])
                })
                .map_or(before[*check].number, |l| l.number);
            lines.push(LineSpan::new(before[*check].number, end));
            statement =
                format!("drops the check of {}() (L{}) and ", old.function, before[*check].number);
        }
        lines.push(LineSpan::line(after[new.at].number));
        lines.push(LineSpan::line(use_line));
        let how = match callee {
            Some(callee) => {
                let writes = callee_writes(callee, version);
                lines.extend(writes.map(LineSpan::line));
                format!(
                    "hands the result of {}() (L{}) unchecked to {callee}() (L{use_line}){}",
                    new.function,
                    after[new.at].number,
                    writes.map_or(String::new(), |l| format!(", which writes through it (L{l})")),
                )
            }
            None => format!(
                "uses the result of {}() (L{}) unchecked (L{use_line})",
                new.function, after[new.at].number
            ),
        };
        statement.push_str(&how);
        let function = crate::compare::name_of(&hunk.heading);
        let place = after[..at]
            .iter()
            .rev()
            .find(|l| crate::compare::begins_function(&l.text))
            .map_or(function, |l| crate::compare::name_of(&l.text));
        raw.push(Raw {
            finding: Finding {
                statement: format!("{} {place}() {statement}", version.name()),
                lines,
                is_style: false,
                grade: if callee.is_some() { Grade::Inferred } else { Grade::Derived },
            },
            words: vec![
                format!("check {}", new.variable),
                format!("{} can fail", new.function),
                format!("{}() can fail", new.function),
                format!("{}() may fail", new.function),
                "enomem".to_owned(),
                "null check".to_owned(),
            ],
        });
    }
}

/// A line of this version's diff in which `callee` writes through its first parameter.
fn callee_writes(callee: &str, version: &Version) -> Option<u64> {
    let hunks = version
        .patches
        .iter()
        .filter_map(|p| p.diff.as_ref())
        .flat_map(|d| &d.files)
        .flat_map(|f| &f.hunks);
    for hunk in hunks {
        let mut parameter = parameter_of(&hunk.heading, callee);
        for line in hunk.body.iter().filter(|l| l.kind != LineKind::Removed) {
            if crate::compare::begins_function(&line.text) {
                parameter = parameter_of(&line.text, callee);
            }
            if let Some(parameter) = parameter {
                let through = format!("{parameter}->");
                let assigns =
                    line.text.trim_start().starts_with(&through) && line.text.contains(" = ");
                let initialises = line.text.contains(&format!("INIT_LIST_HEAD(&{through}"));
                if assigns || initialises {
                    return Some(line.number);
                }
            }
        }
    }
    None
}

fn parameter_of<'a>(heading: &'a str, callee: &str) -> Option<&'a str> {
    let at = heading.find(&format!("{callee}("))?;
    let inside = &heading[at + callee.len() + 1..];
    let first = inside.split([',', ')']).next()?;
    let name = first.rsplit([' ', '*']).next()?;
    (!name.is_empty()).then_some(name)
}

fn conditionals(file: &FileDiff, hunk: &Hunk, raw: &mut Vec<Raw>) {
    if !file.path().ends_with(".c") || file.old_path.is_none() {
        return;
    }
    for line in &hunk.body {
        let text = line.text.trim();
        let new = line.kind == LineKind::Added
            && (text.starts_with("#ifdef CONFIG_")
                || text.starts_with("#ifndef CONFIG_")
                || text.starts_with("#if ") && text.contains("CONFIG_"));
        let moved = hunk.body.iter().any(|l| l.kind == LineKind::Removed && l.text.trim() == text);
        if new && !moved {
            raw.push(Raw {
                finding: Finding {
                    statement: format!("{}: new `{text}` in a .c file", file.path()),
                    lines: vec![LineSpan::line(line.number)],
                    is_style: true,
                    grade: Grade::Seen,
                },
                words: vec!["ifdef".to_owned(), "#ifdef".to_owned(), "is_enabled".to_owned()],
            });
        }
    }
}

fn locks(hunk: &Hunk, raw: &mut Vec<Raw>) {
    let call = |line: &HunkLine| -> Option<(&'static str, String)> {
        let text = line.text.trim();
        let lock =
            LOCKS.iter().filter(|l| text.starts_with(&format!("{l}("))).max_by_key(|l| l.len())?;
        let argument = text[lock.len() + 1..].split([',', ')']).next()?.trim().to_owned();
        Some((lock, argument))
    };
    for (at, line) in hunk.body.iter().enumerate() {
        if line.kind != LineKind::Removed {
            continue;
        }
        let Some((old, argument)) = call(line) else { continue };
        let Some((added, new)) = hunk.body[at + 1..]
            .iter()
            .take(4)
            .filter(|l| l.kind == LineKind::Added)
            .find_map(|l| call(l).filter(|c| c.1 == argument && c.0 != old).map(|c| (l, c.0)))
        else {
            continue;
        };
        let name = argument.trim_start_matches('&').to_owned();
        raw.push(Raw {
            finding: Finding {
                statement: format!("{old}() of {name} became {new}()"),
                lines: vec![LineSpan::line(line.number), LineSpan::line(added.number)],
                is_style: false,
                grade: Grade::Derived,
            },
            words: vec![name.rsplit(['>', '.']).next().unwrap_or(&name).to_owned(), new.to_owned()],
        });
    }
}

/// `if (…) {`, one statement, `}` after a change inside.
fn lone_braces(hunk: &Hunk, found: &mut Vec<LineSpan>) {
    let after: Vec<(usize, &HunkLine)> =
        hunk.body.iter().enumerate().filter(|(_, l)| l.kind != LineKind::Removed).collect();
    for window in after.windows(3) {
        let [(first, open), (_, body), (last, close)] = window else { continue };
        let text = open.text.trim();
        let lone = text.starts_with("if (")
            && text.ends_with(") {")
            && close.text.trim() == "}"
            && body.text.trim().ends_with(';')
            && !body.text.trim().starts_with("/*");
        let touched = hunk.body[*first..=*last].iter().any(|l| l.kind != LineKind::Context);
        if lone && touched {
            found.push(LineSpan::new(open.number, close.number));
        }
    }
}
