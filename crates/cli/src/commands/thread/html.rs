//! A thread as one page that can be read in a minute. Nothing foreign reaches it unescaped, and it
//! loads nothing.

use std::fmt::Write as _;

use analysis_thread::{QuestionState, Thread};

use super::{Read, text};

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:72em;margin:1.5em auto;padding:0 1em;color:#1b1f24;background:#fff}\
h1{font-size:1.35em}h2{font-size:1.1em;margin-top:1.6em}table{border-collapse:collapse;width:100%}\
td,th{text-align:left;vertical-align:top;padding:.25em .6em;border-bottom:1px solid #d8dee4}\
.state{background:#f3f6f9;padding:.7em 1em;border-left:4px solid #4573a6}.open{color:#a1260d;font-weight:600}\
.partly{color:#8a5a00;font-weight:600}.changed{color:#5a4f9c}.closed{color:#1a7f37}.dim{color:#59636e}\
pre{background:#f6f8fa;padding:.6em;overflow-x:auto;font-size:13px}.a{color:#1a7f37}.r{color:#a1260d}\
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}td,th{border-color:#30363d}\
.state,pre{background:#161b22}.dim{color:#9198a1}.open,.r{color:#ff7b72}.partly{color:#e3b341}.changed{color:#b9adf5}.closed,.a{color:#56d364}}";

/// Text as it may stand in a page.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in crate::output::Escaped(text).to_string().chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The page for all inputs.
pub(super) fn page(inputs: &[Read]) -> String {
    let mut out = String::from("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width\"><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">");
    let title = inputs
        .iter()
        .flat_map(|r| &r.threads)
        .find_map(|t| t.state.newest.map(|v| t.title(v).to_owned()))
        .unwrap_or_else(|| "Thread".to_owned());
    put(
        &mut out,
        format_args!("<title>{}</title><style>{STYLE}</style></head><body>", safe(&title)),
    );
    for read in inputs {
        for thread in &read.threads {
            one(&mut out, read, thread);
        }
    }
    out.push_str("</body></html>\n");
    out
}

fn put(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(line);
    out.push('\n');
}

fn one(out: &mut String, read: &Read, thread: &Thread) {
    let title = read.title(thread);
    put(
        out,
        format_args!("<h1>{}</h1><p class=state>{}</p>", safe(title), safe(&thread.state.line)),
    );
    if !thread.questions.is_empty() {
        put(
            out,
            format_args!(
                "<h2>Questions</h2><table><tr><th>#<th>State<th>Who asks<th>What<th>Where<th>Waits for</tr>"
            ),
        );
    }
    for (number, question) in thread.questions.iter().enumerate() {
        let class = match question.state {
            QuestionState::Open => "open",
            QuestionState::Partly => "partly",
            QuestionState::Changed(_) | QuestionState::Answered => "changed",
            _ => "closed",
        };
        let asked: Vec<String> =
            question.asked.iter().map(|(e, l)| format!("M{} {l}", e + 1)).collect();
        put(
            out,
            format_args!(
                "<tr><td>Q{}<td class={class}>{}<td>{}<td>{}<br><span class=dim>{}</span><td>{}<td>{}</tr>",
                number + 1,
                safe(&text::state(question, thread)),
                safe(question.asker.shown()),
                safe(&question.text),
                safe(&question.reason),
                asked.join("<br>"),
                safe(&question.waits_for.join(", ")),
            ),
        );
    }
    if !thread.questions.is_empty() {
        out.push_str("</table>\n");
    }
    findings(out, thread);
    put(
        out,
        format_args!("<h2>Messages</h2><table><tr><th>#<th>When (UTC)<th>Who<th>Line<th>What</tr>"),
    );
    for (at, entry) in thread.entries.iter().enumerate() {
        let message = &read.messages[entry.message];
        let kind = text::kind(thread, at);
        put(
            out,
            format_args!(
                "<tr><td>M{}<td>{}<td>{}<td>L{}<td>{}{}</tr>",
                at + 1,
                text::time(entry.when),
                safe(message.from.shown()),
                message.from_line,
                safe(&kind),
                entry.parent.map_or(String::new(), |p| format!(", answers M{}", p + 1)),
            ),
        );
    }
    out.push_str("</table>\n");
    versions(out, thread);
}

fn findings(out: &mut String, thread: &Thread) {
    if thread.findings.is_empty() {
        return;
    }
    out.push_str("<h2>Seen in the newest version, raised by nobody (machine findings)</h2><ul>\n");
    for finding in &thread.findings {
        let lines: Vec<String> = finding.lines.iter().map(ToString::to_string).collect();
        put(
            out,
            format_args!(
                "<li>{} <span class=dim>{}</span>",
                safe(&finding.statement),
                lines.join(" ")
            ),
        );
    }
    out.push_str("</ul>\n");
}

fn versions(out: &mut String, thread: &Thread) {
    if thread.versions.is_empty() {
        return;
    }
    out.push_str("<h2>Versions</h2><table><tr><th>Version<th>Title<th>Files<th>+/-</tr>\n");
    for version in &thread.versions {
        let diffs: Vec<_> = version.patches.iter().filter_map(|p| p.diff.as_ref()).collect();
        let files: Vec<String> =
            diffs.iter().flat_map(|d| &d.files).take(40).map(|f| safe(f.path())).collect();
        let added: usize = diffs.iter().map(|d| d.added()).sum();
        let removed: usize = diffs.iter().map(|d| d.removed()).sum();
        put(
            out,
            format_args!(
                "<tr><td>{}<td>{}<td>{}<td>+{added} -{removed}</tr>",
                version.name(),
                safe(&version.title),
                files.join("<br>")
            ),
        );
    }
    out.push_str("</table>\n");
    for comparison in &thread.comparisons {
        let name = |side| match side {
            analysis_thread::Side::Version(v) => thread.versions[v].name(),
            analysis_thread::Side::Draft(d) => format!("D{}", d + 1),
        };
        put(
            out,
            format_args!(
                "<details><summary>What changed, {} to {}</summary><pre>",
                name(comparison.from),
                name(comparison.to)
            ),
        );
        for change in comparison.changes.iter().take(200) {
            put(out, format_args!("{} {}", safe(&change.path), safe(&change.function)));
            for (class, mark, lines) in [("r", '<', &change.gone), ("a", '>', &change.new)] {
                for line in lines.iter().take(100) {
                    put(
                        out,
                        format_args!(
                            "<span class={class}>{} {}{}</span>",
                            if mark == '<' { "&lt;" } else { "&gt;" },
                            line.kind.mark(),
                            safe(&line.text)
                        ),
                    );
                }
            }
        }
        out.push_str("</pre></details>\n");
    }
}

#[cfg(test)]
mod tests {
    use super::safe;

    #[test]
    fn nothing_foreign_acts_in_a_page() {
        assert_eq!(safe("<script>'\"&\x1b[m"), "&lt;script&gt;&#39;&quot;&amp;\\x1b[m");
    }
}
