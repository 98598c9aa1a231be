//! Compressed bytes, unpacked: gzip, xz and zstd.
//!
//! Invariants: opens nothing; the form is told by the first bytes, never by a name; memory is bounded by the
//! buffers of the decoders.

use std::io::{self, BufRead, Read};

/// Reads `reader` unpacked when its first bytes are those of gzip, xz or zstd, as it is otherwise.
///
/// # Errors
/// When the first bytes cannot be read, or a decoder cannot be made.
pub fn unpacked<'a>(mut reader: impl BufRead + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    Ok(match form(reader.fill_buf()?) {
        Some(Form::Gzip) => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
        Some(Form::Xz) => Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(reader)),
        Some(Form::Zstandard) => Box::new(zstd::Decoder::with_buffer(reader)?),
        None => Box::new(reader),
    })
}

/// Whether `start`, the first bytes of a file, are those of a compressed form.
pub fn is_packed(start: &[u8]) -> bool {
    form(start).is_some()
}

enum Form {
    Gzip,
    Xz,
    Zstandard,
}

fn form(start: &[u8]) -> Option<Form> {
    if start.starts_with(&[0x1f, 0x8b]) {
        Some(Form::Gzip)
    } else if start.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
        Some(Form::Xz)
    } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Some(Form::Zstandard)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn read(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        unpacked(bytes).unwrap().read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn each_form_is_unpacked_and_plain_bytes_stay() {
        let text = b"[    1.000000] hello\n".repeat(1000);
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(&text).unwrap();
        assert_eq!(read(&gz.finish().unwrap()), text);
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
        xz.write_all(&text).unwrap();
        assert_eq!(read(&xz.finish().unwrap()), text);
        assert_eq!(read(&zstd::encode_all(&text[..], 1).unwrap()), text);
        assert_eq!(read(&text), text);
    }
}
