//! Named pieces of configuration. A new one is a file in `fragments/` and a row here.

/// A named piece of configuration.
#[derive(Clone, Copy, Debug)]
pub struct Fragment {
    /// Its name.
    pub name: &'static str,
    /// Its text: comments that say what it is for, and symbols.
    pub text: &'static str,
}

macro_rules! fragment {
    ($name:literal) => {
        Fragment { name: $name, text: include_str!(concat!("../fragments/", $name, ".config")) }
    };
}

/// All fragments. `base` is part of every kernel.
pub const FRAGMENTS: &[Fragment] = &[
    fragment!("base"),
    fragment!("net"),
    fragment!("fs"),
    fragment!("kcov"),
    fragment!("fuzz"),
    fragment!("lockdep"),
    fragment!("kasan"),
    fragment!("debug-info"),
    fragment!("preempt"),
    fragment!("rt"),
];
