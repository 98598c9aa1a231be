//! Names for what is kept: equal for what is interchangeable.

/// The name of what these parts make.
pub(crate) fn key(parts: &[&[u8]]) -> String {
    let mut hash = blake3::Hasher::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().to_hex()[..16].to_owned()
}

/// A configuration's name as that of a file.
pub(crate) fn file_name(cell: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+');
    if !cell.is_empty() && cell.len() < 60 && cell.chars().all(plain) {
        return cell.to_owned();
    }
    key(&[cell.as_bytes()])
}
