//! Configurations and the reasons why a symbol did not survive.

use parse_kconfig::{Config, Expression, Lost, Menu, Value};

const TOP: &str = "\
mainmenu \"Sample\"
config PCI
\tbool \"PCI support\"
\thelp
\t  A bus. The next line looks like a keyword but is help:

\t  depends on NOTHING

menu \"Checks\"
\tdepends on DEBUG

source \"arch/$(SRCARCH)/Kconfig\"

config SANITIZER
\tbool \"Memory errors\" if !SMALL
\tdepends on HAVE_SANITIZER && \\
\t\t(SLAB || SLUB)
\thelp
\t  Text.

endmenu

config HAVE_SANITIZER
\tbool

if PCI
config CARD
\ttristate \"A card\"
endif
";

fn menu() -> Menu {
    Menu::read("Kconfig", "x86", &mut |path| match path {
        "Kconfig" => Some(TOP.to_owned()),
        "arch/x86/Kconfig" => Some("config FAST\n\tbool \"Fast\"\n\tdepends on X = \"1\"\n".into()),
        _ => None,
    })
}

#[test]
fn a_lost_symbol_is_reported_with_the_dependency_it_lacks() {
    let wanted = Config::parse("CONFIG_SANITIZER=y\nCONFIG_CARD=m\n# CONFIG_SMALL is not set\n");
    let kept = Config::parse("CONFIG_SLUB=y\nCONFIG_HAVE_SANITIZER=y\nCONFIG_PCI=y\nCONFIG_CARD=y");
    let lost = wanted.lost_in(&kept);
    let expected = Lost { symbol: "SANITIZER".into(), wanted: Value::Yes, kept: Value::No };
    assert_eq!(lost, [expected], "built in instead of a module is not lost");
    assert_eq!(menu().unmet("SANITIZER", &kept), ["DEBUG"]);
}

#[test]
fn the_smallest_unmet_parts_are_named() {
    let config = Config::parse("CONFIG_DEBUG=y\nCONFIG_SMALL=y\n");
    assert_eq!(menu().unmet("SANITIZER", &config), ["!SMALL", "HAVE_SANITIZER", "SLAB || SLUB"]);
    assert_eq!(menu().unmet("CARD", &config), ["PCI"]);
    assert_eq!(menu().unmet("FAST", &config), ["X = \"1\""]);
    assert_eq!(menu().unmet("MISSING", &config), ["there is no such symbol in this tree"]);
    assert_eq!(
        menu().unmet("HAVE_SANITIZER", &config),
        ["it has no prompt: only a symbol that selects it sets it"]
    );
    assert!(menu().unmet("PCI", &config).is_empty(), "help text is no dependency");
}

#[test]
fn what_is_merged_last_wins_and_is_written_as_make_reads_it() {
    let mut config = Config::parse("CONFIG_A=y\nCONFIG_TEXT=\"a=b\"\nnonsense\n");
    config.merge(&Config::parse("CONFIG_A=n\nCONFIG_HZ=250"));
    assert_eq!(config.to_string(), "# CONFIG_A is not set\nCONFIG_HZ=250\nCONFIG_TEXT=\"a=b\"\n");
}

#[test]
fn damaged_conditions_are_none_and_deep_ones_do_not_overflow() {
    for text in ["", "A &&", "(A", "A B", "&& A", "A = ", "\"", "!"] {
        assert_eq!(Expression::parse(text), None, "{text}");
    }
    assert_eq!(Expression::parse(&"(".repeat(100_000)), None);
    assert_eq!(Expression::parse(&"!".repeat(100_000)), None);
}
