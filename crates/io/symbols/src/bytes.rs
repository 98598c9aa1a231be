//! Numbers and texts in the files that are kept: little endian, LEB128.

/// Appends a number of seven bits a byte.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number: small ones of either sign are short.
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends a text with its length.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Takes what was appended, in the same order. `None` when the bytes end or are none that were written.
pub(crate) struct Taker<'a>(pub(crate) &'a [u8]);

impl<'a> Taker<'a> {
    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn small(&mut self) -> Option<u32> {
        self.number().and_then(|value| u32::try_from(value).ok())
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        self.number().map(|value| (value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A count of things of at least one byte each, so that it cannot ask for more memory than there are bytes.
    pub(crate) fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.0.len()).then_some(count)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = self.count()?;
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_is_taken_again() {
        let mut out = Vec::new();
        for value in [0, 127, 128, u64::MAX] {
            put(&mut out, value);
        }
        for value in [0, -1, 64, i64::MIN, i64::MAX] {
            put_signed(&mut out, value);
        }
        put_text(&mut out, "mm/slub.c");
        let mut taker = Taker(&out);
        for value in [0, 127, 128, u64::MAX] {
            assert_eq!(taker.number(), Some(value));
        }
        for value in [0, -1, 64, i64::MIN, i64::MAX] {
            assert_eq!(taker.signed(), Some(value));
        }
        assert_eq!(taker.text(), Some("mm/slub.c"));
        assert_eq!(taker.number(), None);
        assert_eq!(Taker(&[0xff; 12]).number(), None);
        assert_eq!(Taker(&[0x20, b'a']).text(), None);
    }
}
