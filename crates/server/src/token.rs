//! Tokens and their hashes.

/// The hash of a token, as the settings hold it.
pub fn hash_of_token(token: &str) -> String {
    blake3::hash(token.as_bytes()).to_hex().to_string()
}
