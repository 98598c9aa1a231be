//! What all pages have: head, navigation, search.

use maud::{DOCTYPE, Markup, html};

use crate::escape::one_line;

/// The style of all pages. Holds no foreign text.
pub const STYLE: &str = include_str!("style.css");
/// The one script: takes news in where a page is about something that goes on. Pages work without it.
pub const LIVE: &str = include_str!("live.js");

/// Who looks at a page.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// The name of the record.
    pub record: String,
    /// The visitor's name; `None` where nobody logged in.
    pub name: Option<String>,
    /// Whether the visitor may change bugs.
    pub may_edit: bool,
    /// What a form must send back.
    pub token: String,
    /// Where the visitor is, to come back to after logging in.
    pub path: String,
    /// What was searched for.
    pub search: String,
    /// When this is, in seconds since 1970.
    pub now: i64,
}

/// A whole page.
pub(super) fn shell(visitor: &Visitor, title: &str, live: bool, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="same-origin";
                title { (one_line(title)) " · " (one_line(&visitor.record)) }
                link rel="stylesheet" href="/style.css";
                link rel="icon" href="data:,";
                @if live { script src="/live.js" defer {} }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    nav aria-label="Pages" {
                        a.home href="/" { (one_line(&visitor.record)) }
                        a href="/bugs" { "Bugs" }
                        a href="/managers" { "Managers" }
                        a href="/jobs" { "Jobs" }
                        a href="/health" { "Health" }
                    }
                    form.search action="/bugs" method="get" role="search" {
                        input type="search" name="q" value=(one_line(&visitor.search)) aria-label="Search" placeholder="title, function, words (/)" accesskey="s";
                        input type="hidden" name="is" value="all";
                        button type="submit" { "Search" }
                    }
                    @match &visitor.name {
                        Some(name) => {
                            form.who action="/logout" method="post" {
                                input type="hidden" name="token" value=(visitor.token);
                                span { (one_line(name)) }
                                button type="submit" { "Log out" }
                            }
                        }
                        None => a.who href={ "/login?to=" (crate::tracker::question::encoded(&visitor.path)) } { "Log in" }
                    }
                }
                main id="main" tabindex="-1" { (body) }
            }
        }
    }
    .into_string()
        + "\n"
}

/// The page on which one logs in.
pub fn login(visitor: &Visitor, wrong: bool) -> String {
    let body = html! {
        h1 { "Log in" }
        @if wrong { p.warn role="alert" { "No such token." } }
        form.login action="/login" method="post" {
            label { "Token " input type="password" name="password" autocomplete="current-password" required autofocus; }
            input type="hidden" name="to" value=(visitor.path);
            button type="submit" { "Log in" }
        }
        p.quiet { "Tokens are made by whoever runs this service: " code { "ktriage generate token" } "." }
    };
    shell(visitor, "Log in", false, &body)
}

/// A page that says why there is no other one.
pub fn error(visitor: &Visitor, title: &str, text: &str) -> String {
    let body = html! {
        h1 { (title) }
        p { (one_line(text)) }
        p { a href="/bugs" { "All bugs" } }
    };
    shell(visitor, title, false, &body)
}
