//! Base64 as mails carry it.
//!
//! A test that needs it says `#[path = "support/base64.rs"] mod base64;`.

/// Codes bytes as base64 in lines of 76.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let n = three.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        for place in 0..4 {
            out.push(match place <= three.len() {
                true => char::from(DIGITS[(n >> (18 - 6 * place) & 63) as usize]),
                false => '=',
            });
        }
        if out.len() % 77 == 76 {
            out.push('\n');
        }
    }
    out.push('\n');
    out
}
