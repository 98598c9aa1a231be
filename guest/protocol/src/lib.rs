//! What the lab (host) and the agent (guest) say to each other over a virtio-serial port.
//!
//! Invariants: no dependency, no I/O; a frame is at most [`MAXIMUM_PAYLOAD`] long and its length is
//! checked before memory is taken; any bytes decode to frames or to an error, never to a panic. The
//! bytes from the guest are hostile: whoever runs there as root can write to the port.
//!
//! A frame is [`MAGIC`], one byte of kind, the payload's length (u32) and the payload. All numbers
//! are little-endian. Byte strings are a u32 length and the bytes.

mod frame;
mod guest;
mod host;
mod wire;

pub use frame::{Decoder, MAGIC, MAXIMUM_PAYLOAD, encode};
pub use guest::{FromGuest, Stream};
pub use host::ToGuest;
pub use wire::ProtocolError;

/// The number of this protocol. An agent that announces another one is refused.
pub const FORMAT: u16 = 2;

/// The name of the virtio-serial port that carries the frames.
pub const PORT_NAME: &str = "ktriage.agent";

/// The file in the guest that lists the kernel modules to insert before the port is opened: one
/// path a line, dependencies first.
pub const MODULE_LIST: &str = "/lab/modules";

/// The longest piece of a file or of a program's output in one frame, in bytes.
pub const MAXIMUM_CHUNK: usize = 32 * 1024;
