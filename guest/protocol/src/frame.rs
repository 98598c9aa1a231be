//! Frames in a stream of bytes.

use crate::wire::ProtocolError;

/// The first bytes of each frame.
pub const MAGIC: [u8; 4] = *b"KTf1";

/// The longest payload, in bytes. Longer frames are refused before memory is taken.
pub const MAXIMUM_PAYLOAD: usize = 64 * 1024;

/// Magic, kind and length.
const HEADER: usize = 9;

/// One frame as bytes.
pub fn encode(kind: u8, payload: &[u8]) -> Vec<u8> {
    debug_assert!(payload.len() <= MAXIMUM_PAYLOAD, "senders cut their data into chunks");
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.push(kind);
    bytes.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// Cuts a stream of bytes into frames. Holds at most one frame and what was pushed after it.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    start: usize,
}

impl Decoder {
    /// Adds bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame's kind and payload, or `None` until more bytes are pushed.
    ///
    /// # Errors
    /// When the bytes are no frame. There is no way back into step: the stream is lost.
    pub fn next_frame(&mut self) -> Result<Option<(u8, &[u8])>, ProtocolError> {
        let rest = &self.buffer[self.start..];
        let seen = rest.len().min(MAGIC.len());
        if rest[..seen] != MAGIC[..seen] {
            return Err(ProtocolError::NotAFrame { found: rest[..seen].to_vec() });
        }
        let Some((header, rest)) = rest.split_at_checked(HEADER) else { return Ok(None) };
        let kind = header[4];
        let length = u32::from_le_bytes([header[5], header[6], header[7], header[8]]);
        if length as usize > MAXIMUM_PAYLOAD {
            return Err(ProtocolError::TooLong { length });
        }
        let Some(payload) = rest.get(..length as usize) else { return Ok(None) };
        self.start += HEADER + payload.len();
        Ok(Some((kind, payload)))
    }
}
