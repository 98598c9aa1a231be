//! What the host says to the guest. Each request carries a number that its answer repeats.

use crate::frame::encode;
use crate::wire::{ProtocolError, Reader, Writer};

/// A request of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToGuest {
    /// First words after boot and after each return to a snapshot: sets the clock, stirs the random
    /// number generator. Answered by [`crate::FromGuest::Ready`].
    Hello {
        /// Microseconds since 1970-01-01 UTC.
        time: u64,
        /// Entropy from the host.
        seed: Vec<u8>,
    },
    /// Asks for a sign of life. Answered by [`crate::FromGuest::Done`].
    Ping {
        /// Repeated in the answer.
        request: u32,
    },
    /// Writes a piece of a file; a piece at offset 0 makes the file anew. Folders are made. Works on
    /// `/proc/sys/…` and the like too.
    WriteFile {
        /// Repeated in the answer.
        request: u32,
        /// Absolute path in the guest.
        path: Vec<u8>,
        /// Permission bits.
        mode: u32,
        /// Where in the file the piece goes, in bytes.
        offset: u64,
        /// The piece, at most [`crate::MAXIMUM_CHUNK`] bytes.
        bytes: Vec<u8>,
    },
    /// Inserts a kernel module that lies in the guest.
    InsertModule {
        /// Repeated in the answer.
        request: u32,
        /// Absolute path in the guest.
        path: Vec<u8>,
        /// `name=value …`.
        parameters: Vec<u8>,
    },
    /// Starts a program in a process group of its own. Its output and end come by themselves.
    Start {
        /// Repeated in the answer, in the output and at the end.
        request: u32,
        /// Program and arguments.
        arguments: Vec<Vec<u8>>,
        /// Environment, each `NAME=value`.
        environment: Vec<Vec<u8>>,
        /// Working directory.
        directory: Vec<u8>,
    },
    /// Kills (SIGKILL) the process group of a started program.
    Kill {
        /// Repeated in the answer.
        request: u32,
        /// The number of the request that started the program.
        started: u32,
    },
    /// Writes a key to `/proc/sysrq-trigger`.
    SysRq {
        /// Repeated in the answer.
        request: u32,
        /// The key, such as `w`.
        key: u8,
    },
    /// Brings the guest into a state of its own, as a boot of its own would: process numbers, time
    /// against the tick, order of free memory, placement on CPUs. Machines that start from one snapshot
    /// are equal until then.
    Vary {
        /// Repeated in the answer.
        request: u32,
        /// What decides how; equal seeds ask for equal steps.
        seed: u64,
    },
    /// Switches the guest off. There is no answer.
    PowerOff,
}

impl ToGuest {
    /// The frame for the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut payload = Writer::default();
        let kind = match self {
            Self::Hello { time, seed } => {
                payload.u64(*time);
                payload.bytes(seed);
                1
            }
            Self::Ping { request } => {
                payload.u32(*request);
                2
            }
            Self::WriteFile { request, path, mode, offset, bytes } => {
                payload.u32(*request);
                payload.bytes(path);
                payload.u32(*mode);
                payload.u64(*offset);
                payload.bytes(bytes);
                3
            }
            Self::InsertModule { request, path, parameters } => {
                payload.u32(*request);
                payload.bytes(path);
                payload.bytes(parameters);
                4
            }
            Self::Start { request, arguments, environment, directory } => {
                payload.u32(*request);
                payload.list(arguments);
                payload.list(environment);
                payload.bytes(directory);
                5
            }
            Self::Kill { request, started } => {
                payload.u32(*request);
                payload.u32(*started);
                6
            }
            Self::SysRq { request, key } => {
                payload.u32(*request);
                payload.u8(*key);
                7
            }
            Self::Vary { request, seed } => {
                payload.u32(*request);
                payload.u64(*seed);
                9
            }
            Self::PowerOff => 8,
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
            1 => Self::Hello { time: fields.u64("time")?, seed: fields.bytes("seed")? },
            2 => Self::Ping { request: fields.u32("request")? },
            3 => Self::WriteFile {
                request: fields.u32("request")?,
                path: fields.bytes("path")?,
                mode: fields.u32("mode")?,
                offset: fields.u64("offset")?,
                bytes: fields.bytes("bytes")?,
            },
            4 => Self::InsertModule {
                request: fields.u32("request")?,
                path: fields.bytes("path")?,
                parameters: fields.bytes("parameters")?,
            },
            5 => Self::Start {
                request: fields.u32("request")?,
                arguments: fields.list("arguments")?,
                environment: fields.list("environment")?,
                directory: fields.bytes("directory")?,
            },
            6 => Self::Kill { request: fields.u32("request")?, started: fields.u32("started")? },
            7 => Self::SysRq { request: fields.u32("request")?, key: fields.u8("key")? },
            8 => Self::PowerOff,
            9 => Self::Vary { request: fields.u32("request")?, seed: fields.u64("seed")? },
            other => return Err(ProtocolError::UnknownKind(other)),
        };
        fields.end()?;
        Ok(message)
    }
}
