//! Parts of sentences.

use model::Task;

/// The first letter as a capital.
pub(super) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// ` (task)`, or nothing.
pub(super) fn whose(task: Option<&Task>) -> String {
    task.map(|task| format!(" ({task})")).unwrap_or_default()
}

/// ` in function`, or nothing.
pub(super) fn place(function: Option<&String>) -> String {
    function.map(|function| format!(" in {function}")).unwrap_or_default()
}
