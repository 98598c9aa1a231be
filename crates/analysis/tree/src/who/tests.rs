//! A small MAINTAINERS, asked by files and by patches.

use parse_maintainers::{Mailmap, sections};

use super::*;

const SMALL: &str = "\
WIDGETS
M:\t\"Jane Doe\" <jane@example.org>
R:\tRob Roe <rob@example.org>
L:\twidgets@example.org (moderated for non-subscribers)
L:\tclosed@example.org (subscribers-only)
S:\tMaintained
F:\tdrivers/widget/
F:\tinclude/widget*.h
F:\tlib/widget
F:\tsound/w[a-c]x.[ch]
X:\tdrivers/widget/old/
N:\tgad[gj]et
K:\twidget_(get|put)
K:\tgear|cog

ONE FILE
M:\tJane Doe <jane@example.com>
M:\tOld Name <moved@example.org>
M:\tLinus Torvalds <torvalds@linux-foundation.org>
F:\tdrivers/widget/core.c
F:\tDocumentation/widget.yaml

THE REST
L:\tall@example.org
F:\t*
F:\t*/
";

fn asked(files: &[&str], patch: Option<&str>) -> Vec<Recipient> {
    let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
    let mailmap = Mailmap::parse("New Name <new@example.org> <moved@example.org>\n");
    let query = Query {
        files: &files,
        patch,
        mailmap: &mailmap,
        is_directory: &|path| path == "lib/widget",
        text: &|_| {
            Some("maintainers:\n  - Ann Lee <ann@example.org>\n  - J <jane@example.com>\n".into())
        },
    };
    who(&sections(SMALL), &query).1.into_recipients()
}

fn listed(files: &[&str], patch: Option<&str>) -> Vec<String> {
    asked(files, patch).into_iter().map(|one| one.address.mail).collect()
}

const ALL: [&str; 4] =
    ["jane@example.org", "rob@example.org", "widgets@example.org", "all@example.org"];

#[test]
fn a_trailing_slash_covers_the_subtree_and_closed_lists_are_dropped() {
    assert_eq!(listed(&["drivers/widget/a/b.c"], None), ALL);
}

#[test]
fn an_excluded_path_leaves_the_rest() {
    assert_eq!(listed(&["drivers/widget/old/gadget.c"], None), ["all@example.org"]);
}

#[test]
fn a_star_does_not_go_deeper_than_the_pattern() {
    assert_eq!(listed(&["include/widget_ops.h"], None), ALL);
    assert_eq!(listed(&["include/widget/ops.h"], None), ["all@example.org"]);
}

#[test]
fn a_set_of_letters_matches_one_of_them() {
    assert_eq!(listed(&["sound/wbx.c"], None), ALL);
    assert_eq!(listed(&["sound/wdx.c"], None), ["all@example.org"]);
}

#[test]
fn a_directory_without_a_slash_counts_as_one_with() {
    assert_eq!(listed(&["lib/widget/deep/x.c"], None), ALL);
    assert_eq!(listed(&["lib/widgets.c"], None), ["all@example.org"]);
}

#[test]
fn names_are_regular_expressions() {
    assert_eq!(listed(&["arch/x/gadjet.c"], None), ALL);
}

#[test]
fn keywords_are_looked_for_in_the_text_and_in_changed_lines() {
    let patch =
        |body: &str| format!("title\n--- a/mm/x.c\n+++ b/mm/x.c\n@@ -1,1 +1,1 @@\n{body}\n");
    assert_eq!(listed(&["mm/x.c"], Some(&patch("+\twidget_put(w);"))).len(), 4);
    assert_eq!(listed(&["mm/x.c"], Some(&patch(" \twidget_put(w);"))), ["all@example.org"]);
    assert_eq!(listed(&["mm/x.c"], Some("widget_get is wrong")).len(), 4);
    // Of alternatives only the first is held to changed lines.
    assert_eq!(listed(&["mm/x.c"], Some(&patch(" \tgear(w);"))), ["all@example.org"]);
    assert_eq!(listed(&["mm/x.c"], Some(&patch(" \tcog(w);"))).len(), 4);
}

#[test]
fn the_nearest_section_comes_first_and_one_person_is_listed_once() {
    let got = listed(&["drivers/widget/core.c"], None);
    let want = [
        "jane@example.com",
        "new@example.org",
        "rob@example.org",
        "widgets@example.org",
        "all@example.org",
    ];
    assert_eq!(got, want);
    let jane = &asked(&["drivers/widget/core.c"], None)[0];
    assert_eq!(jane.reasons.len(), 2);
}

#[test]
fn people_of_a_binding_are_added_to_those_of_its_section() {
    let got = asked(&["Documentation/widget.yaml"], None);
    let ann = got.iter().find(|one| one.address.mail == "ann@example.org").unwrap();
    let file = "Documentation/widget.yaml".to_owned();
    assert_eq!(ann.reasons, [Reason::InFile { file, line: 2 }]);
    let jane = got.iter().find(|one| one.address.mail == "jane@example.com").unwrap();
    assert_eq!((jane.role, jane.reasons.len()), (Role::Maintainer, 2));
}

#[test]
fn each_reason_names_the_pattern_and_the_lines() {
    let got = asked(&["arch/x/gadjet.c"], None);
    let Reason::Section { section, line, ground, .. } = &got[0].reasons[0] else { panic!() };
    assert_eq!((section.as_str(), *line), ("WIDGETS", 2));
    assert_eq!((ground.letter, ground.pattern.as_str(), ground.line), ('N', "gad[gj]et", 12));
}

#[test]
fn hostile_patterns_are_passed_over() {
    let text = "X\nM:\ta@x.org\nF:\t(\nF:\ta{1000000}b\nN:\t[\nN:\t(((((a*)*)*)*)*)*$\nK:\t(\nK:\tok\nF:\t[z\nX:\t*[\n";
    let files = ["drivers/a.c".to_owned()];
    let mailmap = Mailmap::default();
    let query = Query {
        files: &files,
        patch: Some("ok then"),
        mailmap: &mailmap,
        is_directory: &|_| false,
        text: &|_| None,
    };
    assert_eq!(who(&sections(text), &query).1.into_recipients().len(), 1);
}
