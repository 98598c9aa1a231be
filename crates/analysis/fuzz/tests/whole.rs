//! What only the whole of the descriptions shows: names, numbers, resources.

use analysis_fuzz::{Constants, Descriptions, Wrong, architecture, enabled, live, needs};
use parse_syzlang::{parse, parse_constants};

const CONSTANTS: &str = "arches = amd64, arm64\n__NR_kite = 1\n__NR_fly = 2, arm64:???\n__NR_land = 3\nK = 1, arm64:???\n";

fn constants() -> Constants {
    let mut constants = Constants::default();
    assert!(constants.add("a.txt.const", &parse_constants(CONSTANTS).expect("reads")).is_empty());
    constants
}

fn wrong(text: &str) -> Vec<(String, u32, Wrong)> {
    let (all, mut mistakes) =
        Descriptions::new(vec![("a.txt".to_owned(), parse(text).expect("reads"))]);
    mistakes.extend(all.mistakes(&constants()));
    mistakes.into_iter().map(|mistake| (mistake.name, mistake.at.line, mistake.wrong)).collect()
}

#[test]
fn each_mistake_of_the_whole_is_told() {
    for (text, name, line, what) in [
        ("kite()\nkite()\n", "kite", 2, Wrong::Twice),
        ("kite(a nothing)\n", "nothing", 1, Wrong::Unknown),
        ("kite(a const[NOTHING])\n", "NOTHING", 1, Wrong::Unknown),
        ("type t[A] array[A]\nkite(a ptr[in, t[int8, int8]])\n", "t", 2, Wrong::Parameters),
        ("type t[A, B] array[A]\nkite(a ptr[in, t[int8, 1]])\n", "B", 1, Wrong::UnusedParameter),
        ("kite()\ns {\n\ta\tint8\n}\n", "s", 2, Wrong::Unused),
        ("K = 1\nkite(a flags[K])\n", "K", 1, Wrong::LikeFlags),
    ] {
        assert_eq!(wrong(text), [(name.to_owned(), line, what)], "{text}");
    }
    assert!(wrong("type t[A] array[A]\nkite(a ptr[in, t[int8], opt], n len[a])\nland(a const[K], b optional[int8])\n").is_empty());
}

#[test]
fn a_constant_has_one_value_unless_a_program_made_it() {
    let file = parse_constants("arches = amd64\nK = 2\n").expect("reads");
    let mut constants = constants();
    assert!(constants.add("auto.txt.const", &file).is_empty());
    assert_eq!(constants.get("K", "amd64"), Some(1));
    assert_eq!(constants.add("b.txt.const", &file)[0].wrong, Wrong::TwoValues);
    let old = parse_constants("OLD = 7\n").expect("reads");
    assert!(constants.add("dev_kite_arm64.const", &old).is_empty());
    assert_eq!((constants.get("OLD", "arm64"), constants.get("OLD", "amd64")), (Some(7), None));
}

fn names(text: &str, architecture: &str) -> (Vec<String>, Vec<String>) {
    let (all, _) = Descriptions::new(vec![("a.txt".to_owned(), parse(text).expect("reads"))]);
    let live = live(&all, &constants(), architecture);
    let needs = needs(&all, &live);
    let own = |name: &&str| (*name).to_owned();
    (live.keys().map(own).collect(), enabled(&needs).iter().map(own).collect())
}

#[test]
fn calls_without_number_or_constant_are_gone_on_that_architecture_only() {
    let text = "kite()\nkite$k(a const[K])\nfly()\nfly$b()\nsyz_wind()\n";
    assert_eq!(names(text, "amd64").0, ["fly", "fly$b", "kite", "kite$k", "syz_wind"]);
    assert_eq!(names(text, "arm64").0, ["kite", "syz_wind"]);
}

#[test]
fn a_call_is_enabled_when_another_makes_what_it_takes() {
    let text = "resource base[int32]\nresource leaf[base]\nresource lost[int32]\nkite() leaf\nfly(a base)\nland(a leaf)\n\
        kite$lost(a lost)\nland$opt(a lost[opt], b ptr[in, array[lost], opt])\n";
    assert_eq!(names(text, "amd64").1, ["fly", "kite", "land", "land$opt"]);
    // Neither a union's option nor an optional output makes a resource sure; a call that needs what it makes is off.
    let text = "resource r[int32]\nu [\n\ta\tr\n\tb\tint8\n]\nkite(a ptr[out, u])\nfly(a ptr[inout, r])\nland(a r)\n";
    assert_eq!(names(text, "amd64").1, ["kite"]);
    let text = "resource r[int32]\ns {\n\ta\tr\t(out)\n}\nkite(a ptr[in, s])\nland(a r)\n";
    assert_eq!(names(text, "amd64").1, ["kite", "land"]);
}

#[test]
fn recursive_types_end() {
    let text = "resource r[int32]\ns[opt] {\n}\n";
    assert!(parse(text).is_err());
    let text = "resource r[int32]\ns {\n\tnext\tptr[in, s, opt]\n\ta\tr\n}\nkite() r\nland(a ptr[in, s])\n";
    assert_eq!(names(text, "amd64").1, ["kite", "land"]);
}

#[test]
fn a_parameter_that_is_a_path_takes_a_field_of_any_name() {
    let text = "type size[WHOSE] bytesize[WHOSE, int32]\ntype outer[OF] {\n\tn\tsize[OF]\n}\n\
        s {\n\tn\touter[s:body]\n\tbody\tarray[int8]\n}\nkite(a ptr[in, s])\n";
    assert_eq!(wrong(text), []);
    // Where a parameter is a type somewhere, what is given for it is one.
    let text = "type size[WHOSE] {\n\tn\tbytesize[WHOSE, int32]\n\tb\tWHOSE\n}\nkite(a ptr[in, size[body]])\n";
    assert_eq!(wrong(text), [("body".to_owned(), 5, Wrong::Unknown)]);
}

#[test]
fn the_size_of_a_pointer_is_known_without_a_file() {
    assert_eq!(wrong("s {\n\ta\tint8\n} [align[PTR_SIZE]]\nkite(a ptr[in, s])\n"), []);
    let constants = constants();
    let size = |architecture| constants.get("PTR_SIZE", architecture);
    assert_eq!((size("386"), size("arm"), size("amd64")), (Some(4), Some(4), Some(8)));
}

#[test]
fn a_file_of_constants_tells_its_architecture() {
    let mut constants = constants();
    let file = parse_constants("OLD = 7\n").expect("reads");
    for path in ["kite.const", "my_kite.txt.const"] {
        assert_eq!(constants.add(path, &file)[0].wrong, Wrong::NoArchitecture, "{path}");
    }
    assert_eq!(Vec::from_iter(constants.architectures()), ["amd64", "arm64"]);
}

#[test]
fn a_call_that_is_not_enabled_names_what_nothing_makes() {
    let text = "resource lost[int32]\nresource found[int32]\nkite() found\nkite$off(a lost) (disabled)\n\
        land(a found, b lost)\n";
    let (all, _) = Descriptions::new(vec![("a.txt".to_owned(), parse(text).expect("reads"))]);
    let found = architecture(&all, &constants(), "amd64");
    assert_eq!((found.calls, found.numbers, found.disabled, found.enabled), (3, 2, 1, 1));
    assert_eq!(found.wanting.len(), 1);
    assert_eq!(
        (found.wanting[0].call.as_str(), &found.wanting[0].resources[..]),
        ("land", &["lost".to_owned()][..])
    );
}

#[test]
fn templates_that_grow_without_end_are_left_and_told() {
    for body in ["\tx\tt[array[A]]\n", "\tx\tt[ptr[in, A]]\n\ty\tt[array[A]]\n"] {
        let text = format!("type t[A] {{\n{body}}}\nkite(a ptr[in, t[int8]])\nland()\n");
        let (all, _) = Descriptions::new(vec![("a.txt".to_owned(), parse(&text).expect("reads"))]);
        let found = architecture(&all, &constants(), "amd64");
        assert_eq!((found.enabled, found.wanting.len()), (1, 1), "{body}");
        assert_eq!((found.wanting[0].call.as_str(), found.wanting[0].resources.len()), ("kite", 0));
    }
}
