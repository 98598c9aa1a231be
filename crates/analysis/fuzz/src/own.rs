//! The descriptions that the project has itself, for amd64.

/// Name and text of each file.
pub const OWN: [(&str, &str); 6] = [
    ("events.txt", include_str!("../descriptions/events.txt")),
    ("files.txt", include_str!("../descriptions/files.txt")),
    ("kernel.txt", include_str!("../descriptions/kernel.txt")),
    ("memory.txt", include_str!("../descriptions/memory.txt")),
    ("own.txt.const", include_str!("../descriptions/own.txt.const")),
    ("sockets.txt", include_str!("../descriptions/sockets.txt")),
];
