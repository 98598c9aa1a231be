//! Waits that are taken together under one name.

use std::sync::LazyLock;

use regex::Regex;

use crate::pattern::regex;
use crate::tables::entries::BUCKETS;

static BUCKETED: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    BUCKETS.iter().map(|(pattern, bucket)| (regex(&format!("^(?:{pattern})$")), *bucket)).collect()
});

/// The name under which waits in `function` are taken together, if it is one of those.
pub(crate) fn bucket(function: &str) -> Option<&'static str> {
    BUCKETED.iter().find(|(pattern, _)| pattern.is_match(function)).map(|(_, bucket)| *bucket)
}
