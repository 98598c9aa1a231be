//! Parts of sentences.

use model::{CpuId, Task};

/// The first letter as a capital.
pub(super) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// `CPU 3`, or that of somebody.
pub(super) fn its_cpu(cpu: Option<CpuId>) -> String {
    cpu.map_or_else(|| "its CPU".to_owned(), |cpu| format!("CPU {cpu}"))
}

/// ` (task)`, or nothing.
pub(super) fn whose(task: Option<&Task>) -> String {
    task.map(|task| format!(" ({task})")).unwrap_or_default()
}

/// ` in function`, or nothing.
pub(super) fn place(function: Option<&String>) -> String {
    function.map(|function| format!(" in {function}")).unwrap_or_default()
}
