//! The learnt weights, as committed tables.

use crate::features::{COUNT, NAMES};
use crate::ranking::Weights;

/// Weights for the change that mends a crash.
pub fn fixed() -> Weights {
    read(include_str!("../weights/fixed.tsv")).unwrap_or(Weights { of: [0.0; COUNT], none: 0.0 })
}

/// Weights for the change that brought a crash.
pub fn suspects() -> Weights {
    read(include_str!("../weights/suspects.tsv")).unwrap_or(Weights { of: [0.0; COUNT], none: 0.0 })
}

/// Reads a table: name, weight, support, parted by tabs; `#` begins a remark.
/// Fails with the number, from 1, of the first line that is no row of a known feature.
fn read(table: &str) -> Result<Weights, usize> {
    let mut weights = Weights { of: [0.0; COUNT], none: 0.0 };
    for (at, line) in table.lines().enumerate() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let bad = at + 1;
        let mut fields = line.split('\t');
        let (Some(name), Some(weight)) = (fields.next(), fields.next()) else { return Err(bad) };
        let Ok(weight) = weight.parse() else { return Err(bad) };
        match NAMES.iter().position(|known| *known == name) {
            Some(place) => weights.of[place] = weight,
            None if name == "none" => weights.none = weight,
            None => return Err(bad),
        }
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_tables_name_known_features_only() {
        for table in [include_str!("../weights/fixed.tsv"), include_str!("../weights/suspects.tsv")]
        {
            super::read(table).expect("a table");
            assert!(table.lines().any(|line| line.starts_with("none\t")));
        }
    }

    #[test]
    fn an_unknown_feature_is_refused() {
        assert_eq!(super::read("none\t1\nodd\t1\n"), Err(2));
    }
}
