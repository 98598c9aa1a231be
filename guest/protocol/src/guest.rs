//! What the guest says to the host.

use crate::frame::encode;
use crate::wire::{ProtocolError, Reader, Writer};

/// Where a program wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// A message of the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromGuest {
    /// The answer to [`crate::ToGuest::Hello`].
    Ready {
        /// [`crate::FORMAT`] of the agent.
        format: u16,
        /// The kernel's release, as `uname -r` says it.
        release: Vec<u8>,
        /// CPUs that are online.
        cpus: u32,
        /// Microseconds since boot.
        uptime: u64,
    },
    /// By itself, about once a second.
    Alive {
        /// Microseconds since boot.
        uptime: u64,
    },
    /// A request was carried out.
    Done {
        /// The request's number.
        request: u32,
    },
    /// A request failed.
    Failed {
        /// The request's number.
        request: u32,
        /// The error number, 0 if there is none.
        errno: u32,
        /// What was being done.
        what: Vec<u8>,
    },
    /// A piece of a program's output.
    Output {
        /// The number of the request that started the program.
        started: u32,
        /// Which of its two streams.
        stream: Stream,
        /// At most [`crate::MAXIMUM_CHUNK`] bytes.
        bytes: Vec<u8>,
    },
    /// A program ended.
    Exited {
        /// The number of the request that started the program.
        started: u32,
        /// Exit status, or `None` if a signal ended it.
        status: Option<u32>,
        /// The signal that ended it, 0 if none did.
        signal: u32,
    },
}

impl FromGuest {
    /// The frame for the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut payload = Writer::default();
        let kind = match self {
            Self::Ready { format, release, cpus, uptime } => {
                payload.u16(*format);
                payload.bytes(release);
                payload.u32(*cpus);
                payload.u64(*uptime);
                129
            }
            Self::Alive { uptime } => {
                payload.u64(*uptime);
                130
            }
            Self::Done { request } => {
                payload.u32(*request);
                131
            }
            Self::Failed { request, errno, what } => {
                payload.u32(*request);
                payload.u32(*errno);
                payload.bytes(what);
                132
            }
            Self::Output { started, stream, bytes } => {
                payload.u32(*started);
                payload.u8(match stream {
                    Stream::Output => 1,
                    Stream::Error => 2,
                });
                payload.bytes(bytes);
                133
            }
            Self::Exited { started, status, signal } => {
                payload.u32(*started);
                payload.u8(u8::from(status.is_some()));
                payload.u32(status.unwrap_or(0));
                payload.u32(*signal);
                134
            }
        };
        encode(kind, &payload.0)
    }

    /// A frame's content.
    ///
    /// # Errors
    /// When the kind is unknown or the payload is not what the kind says.
    pub fn decode(kind: u8, payload: &[u8]) -> Result<Self, ProtocolError> {
        let mut fields = Reader { kind, rest: payload };
        let message = match kind {
            129 => Self::Ready {
                format: fields.u16("format")?,
                release: fields.bytes("release")?,
                cpus: fields.u32("cpus")?,
                uptime: fields.u64("uptime")?,
            },
            130 => Self::Alive { uptime: fields.u64("uptime")? },
            131 => Self::Done { request: fields.u32("request")? },
            132 => Self::Failed {
                request: fields.u32("request")?,
                errno: fields.u32("errno")?,
                what: fields.bytes("what")?,
            },
            133 => Self::Output {
                started: fields.u32("started")?,
                stream: match fields.u8("stream")? {
                    1 => Stream::Output,
                    2 => Stream::Error,
                    _ => return Err(fields.malformed("stream")),
                },
                bytes: fields.bytes("bytes")?,
            },
            134 => {
                let started = fields.u32("started")?;
                let has_status = match fields.u8("has_status")? {
                    0 => false,
                    1 => true,
                    _ => return Err(fields.malformed("has_status")),
                };
                let status = fields.u32("status")?;
                if !has_status && status != 0 {
                    return Err(fields.malformed("status"));
                }
                Self::Exited {
                    started,
                    status: has_status.then_some(status),
                    signal: fields.u32("signal")?,
                }
            }
            other => return Err(ProtocolError::UnknownKind(other)),
        };
        fields.end()?;
        Ok(message)
    }
}
