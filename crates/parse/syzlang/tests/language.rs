//! Each form of the language is read, and each mistake is told at its place.

use parse_syzlang::{Kind, Value, executions, parse, parse_constants};
use proptest::prelude::*;

/// The first error of a text: line, column and message.
fn mistake(text: &str) -> (u32, u32, String) {
    let error = parse(text).expect_err(text).remove(0);
    assert!(!error.help.is_empty());
    (error.at.line, error.at.column, error.message)
}

#[test]
fn every_kind_of_declaration_is_read() {
    let text = "include <linux/kite.h>\nincdir <kite>\ndefine KITE_MAX\tsizeof(int) * 4\nmeta arches[\"amd64\"]\n\
        resource fd_kite[fd]: -1, KITE_NONE\ntype kite_id int32[0:KITE_MAX]\ntype pair[A, B] {\n\ta\tA\n\n\tb\tB\t(out)\n} [packed]\n\
        type maybe[T] [\n\tval\tT\n\tnone\tvoid\n] [varlen]\nkite_flags = 1, 'c', KITE_A # why\nnames = \"a b\", `00ff`\n\
        openat$kite(fd const[AT_FDCWD], file ptr[in, string[\"/dev/kite\"]], n int8:3) fd_kite (disabled, timeout[5])\n\
        s {\n\tf\tint8\t(if[value[a:b] & 1 == 0 || value[c] != 2])\n} [size[8]]\n";
    let file = parse(text).expect("reads");
    assert_eq!(file.declarations.len(), 12);
    let Kind::Call(call) = &file.declarations[10].kind else { panic!("a call") };
    assert_eq!(call.arguments.len(), 3);
    assert_eq!(call.arguments[2].kind.colon.len(), 1);
    assert_eq!(call.result.as_ref().and_then(|kind| kind.name()), Some("fd_kite"));
    assert_eq!(call.attributes.len(), 2);
    let Kind::Resource(_, values) = &file.declarations[4].kind else { panic!("a resource") };
    assert_eq!(values[0].value, Value::Number(u64::MAX));
}

#[test]
fn and_binds_tighter_than_equals_and_equals_tighter_than_or() {
    let file = parse("s {\n\tf\tint8\t(if[a & b == c || d])\n}\n").expect("reads");
    let Kind::Body(body) = &file.declarations[0].kind else { panic!("a struct") };
    let Value::Binary(operator, sides) = &body.fields[0].attributes[0].options[0].value else {
        panic!("binary")
    };
    assert_eq!(*operator, "||");
    assert!(
        matches!(&sides.0.value, Value::Binary("==", inner) if matches!(inner.0.value, Value::Binary("&", _)))
    );
}

#[test]
fn each_mistake_is_told_at_its_place() {
    for (text, line, column, part) in [
        ("a = 0XFF\n", 1, 5, "no number"),
        ("a = 0xFF\n", 1, 5, "no number"),
        ("a = 18446744073709551616\n", 1, 5, "no number"),
        ("a = 'ab'\n", 1, 5, "character that does not end"),
        ("a = \"x\n", 1, 5, "string that does not end"),
        ("a = \"\u{e9}\"\n", 1, 5, "printable ASCII"),
        ("a = `0`\n", 1, 5, "back quotes"),
        ("a = `0\u{e9}`\n", 1, 5, "back quotes"),
        ("a = @\n", 1, 5, "unexpected character"),
        ("#include <x.h>\n", 1, 1, "comment that begins"),
        ("include linux/x.h\n", 1, 1, "without its operand"),
        ("a 1\n", 1, 3, "expected `(`"),
        ("a = 1,\n", 1, 7, "expected a type or value"),
        ("a = 1 2\n", 1, 7, "end of the line"),
        ("resource r\n", 1, 11, "expected `[`"),
        ("type t[a] int8\n", 1, 8, "small letters"),
        ("type t[A, A] int8\n", 1, 11, "stands twice"),
        ("s {\n}\n", 2, 1, "without fields"),
        ("s {\n\ta int8\n\ta int8\n}\n", 3, 2, "stands twice"),
        ("s {\n\ta int8\n", 2, 8, "found the end of the file"),
        ("f(a int8 b int8)\n", 1, 10, "expected `,`"),
        (
            "f(a int8, b int8, c int8, d int8, e int8, f int8, g int8, h int8, i int8, j int8)\n",
            1,
            75,
            "more than 9",
        ),
    ] {
        let (found_line, found_column, message) = mistake(text);
        assert!(message.contains(part), "{text:?}: {message}");
        assert_eq!((found_line, found_column), (line, column), "{text:?}: {message}");
    }
    assert!(mistake(&format!("a = {}\n", "b[".repeat(10_000))).2.contains("nested deeper"));
}

#[test]
fn reading_goes_on_after_a_mistake() {
    let errors = parse("a 1\ns {\n\tb\n}\nc = 1\nd 2\n").expect_err("three mistakes");
    assert_eq!(errors.iter().map(|error| error.at.line).collect::<Vec<_>>(), [1, 3, 6]);
}

#[test]
fn an_error_shows_its_line_without_control_characters() {
    let text = "a =\t\u{1b}[31m\n";
    let shown = parse(text).expect_err("an escape")[0].show("kite.txt", text);
    assert!(shown.starts_with("kite.txt:1:5: "), "{shown}");
    assert!(!shown.contains('\u{1b}') && shown.contains("\n        ^ "), "{shown}");
}

#[test]
fn constants_have_their_architectures() {
    let file = parse_constants(
        "# made\narches = 386, amd64, arm\nA = 3, 386:arm:0x10\nB = ???, amd64:010\n",
    )
    .expect("reads");
    let on = |line: usize, name: &str| file.lines[line].on(name);
    assert_eq!((on(0, "amd64"), on(0, "386"), on(0, "arm")), (Some(3), Some(16), Some(16)));
    assert_eq!((on(1, "amd64"), on(1, "386")), (Some(8), None));
    for wrong in ["A\n", "= 1\n", "A = x\n", "A = 0x\n", "A = +1\n", "arches = arm\nA = 1, 386:2\n"]
    {
        assert!(parse_constants(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn programs_of_a_log_are_found_with_what_their_marks_say() {
    let log = "boot\n[ 1.0][ T1] executing program\n12.3s ago: executing program 7 (id=31):\nr0 = kite()\nfly(r0)\n\
        2018/01/02 03:04:05 executing program 1 (fault-call:2 fault-nth:0):\nkite()\n";
    let found = executions(log);
    assert_eq!(found.iter().map(|one| one.process).collect::<Vec<_>>(), [None, Some(7), Some(1)]);
    assert_eq!((found[1].line, found[1].id, found[1].body.clone()), (3, Some(31), 3..5));
    assert_eq!((found[2].fault, found[2].body.clone()), (Some((2, 0)), 6..7));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-c0-9\\[\\](){}:,&=|'\"`\\n\\t #é-]{0,200}") {
        if let Err(errors) = parse(&text) {
            prop_assert!(errors.iter().all(|error| !error.show("x", &text).is_empty()));
        }
        let _ = parse_constants(&text);
        let _ = executions(&text);
    }
}

#[test]
fn a_condition_is_not_deeper_than_the_stack() {
    let condition = vec!["K"; 100_000].join(" || ");
    let text = format!("s {{\n\ta\tint8\t(if[{condition}])\n}}\n");
    assert!(parse(&text).expect_err("too many")[0].message.contains("operators"));
}
