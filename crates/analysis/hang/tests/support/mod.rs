//! A diagnosis in the words in which it is printed.
#![allow(unreachable_pub, dead_code, reason = "each test program uses some of it")]

use analysis_hang::Diagnosis;
use render::conclusion;

/// The verdict.
pub fn words(diagnosis: &Diagnosis) -> String {
    conclusion::verdict(&diagnosis.seen, &diagnosis.verdict)
}

/// The first cause; empty where none is named.
pub fn first(diagnosis: &Diagnosis) -> String {
    let cause = diagnosis.first_cause.as_ref();
    cause.map(|cause| conclusion::first_cause(&diagnosis.seen, cause)).unwrap_or_default()
}

/// What would settle what is open.
pub fn needs(diagnosis: &Diagnosis) -> Vec<String> {
    diagnosis.needs.iter().map(conclusion::need).collect()
}

/// The nodes of the wait graph.
pub fn names(diagnosis: &Diagnosis) -> Vec<String> {
    diagnosis.graph.nodes.iter().map(|node| conclusion::participant(&node.who)).collect()
}
