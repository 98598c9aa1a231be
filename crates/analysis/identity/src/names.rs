//! Function names as a title shows them.

/// Prefixes of system call entries. The shortest name that results from taking off one of them is
/// the one in the title.
const CALL_PREFIXES: &[&str] = &[
    "SYSC_",
    "SyS_",
    "sys_",
    "__x64_",
    "__ia32_",
    "__arm64_",
    "____sys_",
    "___sys_",
    "__sys_",
    "__se_",
    "__se_sys_",
    "__do_sys_",
    "compat_SYSC_",
    "compat_SyS_",
    "ksys_",
];

/// Takes the suffixes of the compiler off (`.isra.0`, `.part.5`, `.cold`) and makes mangled Rust
/// names readable.
pub(crate) fn plain(function: &str) -> String {
    if function.starts_with("_R") || (function.starts_with("_ZN") && function.ends_with('E')) {
        return format!("{:#}", rustc_demangle::demangle(function));
    }
    if function.starts_with("_Z")
        && let Some(name) = cpp_name(function)
    {
        return name;
    }
    if function.starts_with('<') {
        return function.to_owned();
    }
    let end = function.get(1..).and_then(|rest| rest.find('.')).map_or(function.len(), |at| at + 1);
    function[..end].to_owned()
}

/// The name of a mangled C++ function, without its parameters.
fn cpp_name(function: &str) -> Option<String> {
    let symbol = cpp_demangle::Symbol::new(function).ok()?;
    let options = cpp_demangle::DemangleOptions::new().no_params().no_return_type();
    symbol.demangle_with_options(&options).ok()
}

/// The shortest name that taking one call prefix off gives, then every longer form of it, the
/// full name included, sorted.
pub(crate) fn forms(function: &str) -> (String, Vec<String>) {
    let mut all = vec![function.to_owned()];
    for prefix in CALL_PREFIXES {
        if let Some(rest) = function.strip_prefix(prefix)
            && !rest.is_empty()
        {
            all.push(rest.to_owned());
        }
    }
    let shortest = all.iter().min_by_key(|name| name.len()).cloned().unwrap_or_default();
    all.retain(|name| *name != shortest);
    all.sort();
    all.dedup();
    (shortest, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_prefix_comes_off_and_the_longer_forms_stay_searchable() {
        let (name, others) = forms("__se_sys_mremap");
        assert_eq!(
            (name.as_str(), others),
            ("mremap", vec!["__se_sys_mremap".into(), "sys_mremap".into()])
        );
        assert_eq!(forms("__x64_sys_rmdir").0, "sys_rmdir");
        assert_eq!(forms("kfree"), ("kfree".into(), vec![]));
    }

    #[test]
    fn compiler_suffixes_come_off() {
        assert_eq!(plain("shm_open.isra.5.part.6"), "shm_open");
        assert_eq!(plain("<a::B>::c"), "<a::B>::c");
    }
}
