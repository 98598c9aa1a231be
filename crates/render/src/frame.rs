//! The frame of a page: one file that loads nothing, readable on a telephone.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A whole page. `style` is ours and holds no foreign text; `title` has been made safe to read by the caller.
pub(crate) fn frame(title: &str, style: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body { (body) }
        }
    }
    .into_string()
        + "\n"
}
