//! Numbers and byte strings in a payload, written and read back with every length checked.

use std::fmt;

/// Why bytes are not what the protocol says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// A frame does not start with the magic bytes.
    NotAFrame {
        /// What stood there instead, as many bytes as there were (at most four).
        found: Vec<u8>,
    },
    /// A frame says that it is longer than any frame may be.
    TooLong {
        /// The length it claims, in bytes.
        length: u32,
    },
    /// A kind of frame that does not exist.
    UnknownKind(u8),
    /// A payload ends before its fields do, goes on after them, or holds a value that is not one.
    Malformed {
        /// The kind of frame.
        kind: u8,
        /// The field at fault.
        field: &'static str,
    },
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAFrame { found } => {
                write!(f, "bytes that start no frame: {}", found.escape_ascii())
            }
            Self::TooLong { length } => write!(f, "a frame that claims {length} bytes"),
            Self::UnknownKind(kind) => write!(f, "a frame of unknown kind {kind}"),
            Self::Malformed { kind, field } => {
                write!(f, "a frame of kind {kind} with a malformed field ({field})")
            }
        }
    }
}

impl std::error::Error for ProtocolError {}

/// Builds a payload.
#[derive(Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.u32(u32::try_from(value.len()).unwrap_or(u32::MAX));
        self.0.extend_from_slice(value);
    }

    pub(crate) fn list(&mut self, values: &[Vec<u8>]) {
        self.u32(u32::try_from(values.len()).unwrap_or(u32::MAX));
        for value in values {
            self.bytes(value);
        }
    }
}

/// Takes a payload apart.
pub(crate) struct Reader<'a> {
    pub(crate) kind: u8,
    pub(crate) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn malformed(&self, field: &'static str) -> ProtocolError {
        ProtocolError::Malformed { kind: self.kind, field }
    }

    fn take(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], ProtocolError> {
        let (taken, rest) =
            self.rest.split_at_checked(length).ok_or_else(|| self.malformed(field))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], ProtocolError> {
        let taken = self.take(N, field)?;
        taken.try_into().map_err(|_| self.malformed(field))
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, ProtocolError> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, ProtocolError> {
        self.array(field).map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, ProtocolError> {
        self.array(field).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self, field: &'static str) -> Result<u64, ProtocolError> {
        self.array(field).map(u64::from_le_bytes)
    }

    pub(crate) fn bytes(&mut self, field: &'static str) -> Result<Vec<u8>, ProtocolError> {
        let length = self.u32(field)? as usize;
        self.take(length, field).map(<[u8]>::to_vec)
    }

    pub(crate) fn list(&mut self, field: &'static str) -> Result<Vec<Vec<u8>>, ProtocolError> {
        let count = self.u32(field)?;
        // No capacity from the guest's word: each element takes four bytes of the payload at least.
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(self.bytes(field)?);
        }
        Ok(values)
    }

    pub(crate) fn end(self) -> Result<(), ProtocolError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed("end")) }
    }
}
