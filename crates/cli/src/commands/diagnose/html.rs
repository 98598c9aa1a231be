//! One self-contained page: verdict, time line, wait graph, claims with links to the cited lines, and those
//! lines. No script, nothing from the network.
//!
//! Invariant: all foreign text passes [`escape`].

use std::fmt::Write as _;

use model::{Claim, LineSpan};

use super::{Diagnosed, picture};
use crate::output::Escaped;

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#1b1b1b;background:#fff}\
h1{font-size:1.4em}h2{font-size:1.1em;margin-top:1.8em;border-bottom:1px solid #ccc}\
.verdict{font-size:1.1em;background:#f3f6fa;border-left:4px solid #36c;padding:.6em 1em}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.25em .6em;border-bottom:1px solid #eee}\
.grade{font-size:.8em;white-space:nowrap}pre{font:12px/1.5 ui-monospace,monospace;overflow-x:auto;background:#fafafa;padding:.6em;unicode-bidi:plaintext}\
pre span{display:block}pre span:target{background:#ffef9e}pre b{color:#888;font-weight:normal;user-select:none}pre i{display:block;color:#aaa}\
svg text{font:13px system-ui,sans-serif;fill:#1b1b1b}.axis{stroke:#888;stroke-width:2}.drop{stroke:#ddd}.event{fill:#36c}.first{fill:#c22}\
.node{fill:#fff;stroke:#555}.task{fill:#e8f0fe}.cpu{fill:#e6f4ea}.lock{fill:#fef3e0}.unknown{fill:#fce8e6;stroke-dasharray:4 3}\
.edge{fill:none;stroke:#333;stroke-width:1.6}.inferred{stroke-dasharray:6 3}.guess,.unknown.edge{stroke:#999;stroke-dasharray:2 4}\
@media(prefers-color-scheme:dark){body{background:#181a1b;color:#e6e6e6}.verdict{background:#20262e}pre{background:#101214}svg text{fill:#e6e6e6}.node{fill:#222;stroke:#999}.edge{stroke:#ccc}}";

/// Foreign text for a page: markup characters replaced, control and direction characters made visible.
pub(super) fn escape(text: &str) -> String {
    let visible = Escaped(text).to_string();
    let mut out = String::with_capacity(visible.len());
    for character in visible.chars() {
        match character {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            '\n' | '\t' => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

/// The page of one log.
pub(super) fn page(name: &str, read: &Diagnosed) -> String {
    let Diagnosed { diagnosis, excerpt, registers, notices, .. } = read;
    let mut out = String::new();
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>Diagnosis of {0}</title><style>{STYLE}</style></head><body><h1>Diagnosis of {0}</h1>",
        escape(name)
    );
    let kernel = diagnosis.seen.kernel.release.as_ref().map_or_else(
        || "version not in the log".to_owned(),
        |(release, line)| format!("{} {}", escape(release), link(&LineSpan::line(*line))),
    );
    let _ = write!(
        out,
        "<p class=\"verdict\"><strong>{}</strong><br>{} <span class=\"grade\">{}</span></p><p>Kernel: {kernel}</p>",
        diagnosis.verdict.kind.name().replace('_', " "),
        escape(&diagnosis.verdict.statement),
        diagnosis.verdict.grade,
    );
    if let Some(cause) = &diagnosis.first_cause {
        let _ = write!(
            out,
            "<p>First: {} <span class=\"grade\">{} {}</span></p>",
            escape(&cause.statement),
            cause.grade,
            link(&LineSpan::line(cause.line))
        );
    }
    section(&mut out, "Time line", &picture::time_line(diagnosis));
    section(&mut out, "Wait graph", &picture::wait_graph(&diagnosis.graph));
    section(&mut out, "Why", &table(&diagnosis.claims));
    section(&mut out, "Hypotheses", &table(&diagnosis.hypotheses));
    section(&mut out, "Registers and code", &table(registers));
    if !diagnosis.missing.is_empty() {
        let items: String =
            diagnosis.missing.iter().map(|item| format!("<li>{}</li>", escape(item))).collect();
        section(&mut out, "Need", &format!("<ul>{items}</ul>"));
    }
    if !diagnosis.groups.is_empty() {
        let items: String = diagnosis
            .groups
            .iter()
            .map(|group| {
                format!(
                    "<li><code>{}</code> ({})</li>",
                    escape(&group.key),
                    group.events.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
                )
            })
            .collect();
        section(&mut out, "Grouping", &format!("<ul>{items}</ul>"));
    }
    if !notices.is_empty() {
        let items: String =
            notices.iter().map(|notice| format!("<li>{}</li>", escape(notice))).collect();
        section(&mut out, "Notices", &format!("<ul>{items}</ul>"));
    }
    let mut lines = String::from("<pre>");
    let mut last = 0;
    for (number, text) in excerpt.lines() {
        if last != 0 && number != last + 1 {
            lines += "<i>…</i>";
        }
        let _ = write!(lines, "<span id=\"L{number}\"><b>{number:>6}  </b>{}</span>", escape(text));
        last = number;
    }
    section(&mut out, "Cited lines", &(lines + "</pre>"));
    out + "</body></html>\n"
}

fn section(out: &mut String, title: &str, body: &str) {
    if !body.is_empty() {
        let _ = write!(out, "<h2>{title}</h2>{body}");
    }
}

fn link(span: &LineSpan) -> String {
    format!("<a href=\"#L{}\">{span}</a>", span.first)
}

fn table(claims: &[Claim]) -> String {
    if claims.is_empty() {
        return String::new();
    }
    let mut out = String::from("<table>");
    for claim in claims {
        let rules: Vec<&str> = claim.rules.iter().map(|rule| rule.0).collect();
        let lines: Vec<String> = claim.lines.iter().take(12).map(link).collect();
        let _ = write!(
            out,
            "<tr><td>{}</td><td class=\"grade\">{}</td><td class=\"grade\">{}</td><td class=\"grade\">{}</td></tr>",
            escape(&claim.statement),
            claim.grade,
            rules.join(" "),
            lines.join(" ")
        );
    }
    out + "</table>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_log_stays_text_and_every_link_has_its_line() {
        let evil = "<script>alert(1)</script>\u{1b}[31m\u{202e}";
        let log = format!(
            "[   50.0] watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [{evil}:77]\n[   50.1] CPU: 3 PID: 77 Comm: {evil} Not tainted 6.1.0{evil} #1\n[   50.2] RIP: 0010:spin_here+0x1/0x9\n"
        );
        let page = page(evil, &Diagnosed::of(&log));
        assert!(!page.contains("<script") && !page.contains(['\u{1b}', '\u{202e}']));
        assert!(page.contains("&lt;script&gt;"));
        for target in page
            .match_indices("href=\"#L")
            .map(|(at, head)| page[at + head.len()..].split('"').next().unwrap().to_owned())
        {
            assert!(page.contains(&format!("id=\"L{target}\"")), "L{target} has no line");
        }
    }
}
