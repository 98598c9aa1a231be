//! What the surroundings say.

/// The name under which the user's actions stand in the history.
pub(crate) fn name_of_user(given: Option<&str>) -> String {
    let from = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    given
        .map(str::to_owned)
        .or_else(|| from("USER"))
        .or_else(|| from("LOGNAME"))
        .unwrap_or_else(|| "somebody".to_owned())
}
