//! HTML to plain text for replies that have nothing else: blocks become lines, `<blockquote>`
//! becomes `>`, scripts and styles vanish. Nothing is interpreted beyond that.

use std::borrow::Cow;

/// A line of text with the line of the HTML, counted from 0, on which it begins.
pub(crate) type HtmlLine = (usize, String);

/// How deep quotes are followed.
const MAX_DEPTH: usize = 64;

/// The text of `html`.
pub(crate) fn to_text(html: &str) -> Vec<HtmlLine> {
    let mut out =
        Writer { lines: Vec::new(), line: String::new(), began: 0, depth: 0, keeps_blanks: false };
    let mut line = 0usize;
    let mut preformatted = 0usize;
    let mut rest = html;
    while let Some(c) = rest.chars().next() {
        if c == '<' {
            if let Some(comment) = rest.strip_prefix("<!--") {
                let end = comment.find("-->").map_or(rest.len(), |at| at + 7);
                line += newlines(&rest[..end]);
                rest = &rest[end..];
                continue;
            }
            let end = rest.find('>').map_or(rest.len(), |at| at + 1);
            let inside = rest[1..end].trim_end_matches('>').trim_end_matches('/');
            let closing = inside.starts_with('/');
            let name: String = inside
                .trim_start_matches('/')
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .take(16)
                .collect::<String>()
                .to_ascii_lowercase();
            line += newlines(&rest[..end]);
            rest = &rest[end..];
            match name.as_str() {
                "script" | "style" | "head" | "title" if !closing => {
                    let close = find_closing(rest, &name);
                    line += newlines(&rest[..close]);
                    rest = &rest[close..];
                }
                "br" => out.end(line),
                "blockquote" => {
                    out.end_block(line);
                    out.depth = if closing {
                        out.depth.saturating_sub(1)
                    } else {
                        (out.depth + 1).min(MAX_DEPTH)
                    };
                }
                "p" => {
                    out.end_block(line);
                    if !closing && !out.lines.is_empty() {
                        out.end(line);
                    }
                }
                "pre" => {
                    out.end_block(line);
                    preformatted =
                        if closing { preformatted.saturating_sub(1) } else { preformatted + 1 };
                    out.keeps_blanks = preformatted > 0;
                }
                "div" | "tr" | "li" | "ul" | "ol" | "table" | "h1" | "h2" | "h3" | "hr" => {
                    out.end_block(line);
                }
                _ => {}
            }
        } else if c == '&' {
            let (text, used) = entity(rest);
            out.push_str(&text, line);
            rest = &rest[used..];
        } else {
            if c == '\n' {
                line += 1;
            }
            if preformatted > 0 {
                if c == '\n' {
                    out.end(line);
                } else if c != '\r' {
                    out.push(c, line);
                }
            } else if c.is_ascii_whitespace() {
                if !out.line.is_empty() && !out.line.ends_with(' ') {
                    out.push(' ', line);
                }
            } else {
                out.push(c, line);
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    out.end_block(line);
    out.lines
}

struct Writer {
    lines: Vec<HtmlLine>,
    line: String,
    began: usize,
    depth: usize,
    /// Blanks at the end of a line are part of the text.
    keeps_blanks: bool,
}

impl Writer {
    fn push(&mut self, c: char, line: usize) {
        if self.line.is_empty() {
            self.began = line;
        }
        self.line.push(c);
    }

    fn push_str(&mut self, text: &str, line: usize) {
        for c in text.chars() {
            self.push(c, line);
        }
    }

    /// Ends a line, be it empty.
    fn end(&mut self, line: usize) {
        let began = if self.line.is_empty() { line } else { self.began };
        let mut text = ">".repeat(self.depth);
        if self.depth > 0 {
            text.push(' ');
        }
        text.push_str(if self.keeps_blanks { &self.line } else { self.line.trim_end() });
        self.line.clear();
        self.lines.push((began, text));
    }

    /// Ends a line unless it is empty.
    fn end_block(&mut self, line: usize) {
        if !self.line.trim().is_empty() {
            self.end(line);
        }
        self.line.clear();
    }
}

fn newlines(text: &str) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes()).count()
}

fn find_closing(text: &str, name: &str) -> usize {
    let mut from = 0;
    while let Some(at) = text[from..].find("</") {
        let tag = &text[from + at + 2..];
        if tag.get(..name.len()).is_some_and(|t| t.eq_ignore_ascii_case(name)) {
            return from + at;
        }
        from += at + 2;
    }
    text.len()
}

/// The text of the entity at the start of `text` and its length there.
fn entity(text: &str) -> (Cow<'static, str>, usize) {
    const NAMED: [(&str, &str); 8] = [
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&nbsp;", " "),
        ("&ndash;", "–"),
        ("&mdash;", "—"),
    ];
    if let Some((name, value)) = NAMED.iter().find(|(name, _)| text.starts_with(name)) {
        return (Cow::Borrowed(value), name.len());
    }
    match numbered(text) {
        Some(('\u{a0}', used)) => (Cow::Borrowed(" "), used),
        Some((c, used)) => (Cow::Owned(c.to_string()), used),
        // Anything else stays as it is written.
        None => (Cow::Borrowed("&"), 1),
    }
}

/// `&#8211;` or `&#x2013;`: the character and the length of what stands for it.
fn numbered(text: &str) -> Option<(char, usize)> {
    let end = text.as_bytes().iter().take(12).position(|b| *b == b';')?;
    let number = text.get(2..end).filter(|_| text.starts_with("&#"))?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    Some((char::from_u32(code).filter(|c| !c.is_control() || *c == '\t')?, end + 1))
}

#[cfg(test)]
mod tests {
    use super::to_text;

    #[test]
    fn blocks_become_lines_and_blockquotes_become_quotes() {
        let html = "<html><head><title>x</title></head><body><div>On X, A wrote:</div>\
                    <blockquote><p>one &lt;two&gt;<br>three</p></blockquote>\n<p>Why not &amp; how?</p>";
        let text: Vec<String> = to_text(html).into_iter().map(|l| l.1).collect();
        assert_eq!(text, ["On X, A wrote:", "> ", "> one <two>", "> three", "", "Why not & how?"]);
    }

    #[test]
    fn preformatted_lines_keep_their_blanks_and_numbers_stand_for_characters() {
        let html = "<pre>@@ -1 +1 @@\n \n-a &#38; b \n+na&#xef;ve\n</pre>&#0;&#x;&#99999999;";
        let text: Vec<String> = to_text(html).into_iter().map(|l| l.1).collect();
        assert_eq!(text, ["@@ -1 +1 @@", " ", "-a & b ", "+naïve", "&#0;&#x;&#99999999;"]);
    }

    #[test]
    fn hostile_nesting_stays_bounded() {
        let html = "<blockquote>".repeat(100_000) + "x";
        assert!(to_text(&html).last().is_some_and(|l| l.1.len() < 100));
    }
}
