//! One datagram.

/// Bytes of a header.
const LONGEST_HEADER: usize = 512;

/// A part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Where its text stands in the whole.
    pub offset: usize,
    /// Bytes of the whole.
    pub total: usize,
}

/// One datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Text as it is.
    Basic(&'a [u8]),
    /// Text with a header.
    Extended {
        /// The kernel's release, where the host sends it.
        release: Option<&'a str>,
        /// The log level, 0 to 7.
        level: u8,
        /// The number of the message since boot.
        sequence: u64,
        /// Microseconds since boot.
        micros: u64,
        /// Whether it goes on where the message before ended.
        goes_on: bool,
        /// Which part it is of a message that was cut.
        fragment: Option<Fragment>,
        /// The text.
        text: &'a [u8],
    },
}

/// Reads a datagram. What has no whole header is basic.
pub fn message(datagram: &[u8]) -> Message<'_> {
    extended(datagram).unwrap_or(Message::Basic(datagram))
}

fn extended(datagram: &[u8]) -> Option<Message<'_>> {
    let end = datagram.iter().take(LONGEST_HEADER).position(|byte| *byte == b';')?;
    let header = std::str::from_utf8(&datagram[..end]).ok()?;
    let mut fields = header.split(',');
    let first = fields.next()?;
    // A release has a dot, a level is a number.
    let (release, level) = match first.contains('.') {
        true => (Some(first), fields.next()?),
        false => (None, first),
    };
    let facility_and_level: u32 = level.parse().ok()?;
    let sequence = fields.next()?.parse().ok()?;
    let micros = fields.next()?.parse().ok()?;
    let flag = fields.next()?;
    let mut fragment = None;
    for field in fields {
        if let Some(value) = field.strip_prefix("ncfrag=") {
            let (offset, total) = value.split_once('/')?;
            fragment = Some(Fragment { offset: offset.parse().ok()?, total: total.parse().ok()? });
        }
    }
    Some(Message::Extended {
        release,
        level: (facility_and_level & 7) as u8,
        sequence,
        micros,
        goes_on: flag == "+",
        fragment,
        text: &datagram[end + 1..],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_the_kernel_writes_them() {
        let read = message(b"6.12.0-rc1,4,420,87654321,-,ncfrag=0/33;the first chunk,");
        let Message::Extended { release, level, sequence, micros, goes_on, fragment, text } = read
        else {
            panic!("{read:?}");
        };
        assert_eq!(
            (release, level, sequence, micros, goes_on),
            (Some("6.12.0-rc1"), 4, 420, 87_654_321, false)
        );
        assert_eq!(fragment, Some(Fragment { offset: 0, total: 33 }));
        assert_eq!(text, b"the first chunk,");
        assert!(matches!(
            message(b"6,416,1758426,+,ncfrag=16/33;x"),
            Message::Extended { release: None, goes_on: true, .. }
        ));
    }

    #[test]
    fn what_is_no_header_is_text() {
        for text in [
            &b"[    1.000000] a; b"[..],
            b"",
            b";",
            b"1,2;x",
            b"a,b,c,-;x",
            b"1,2,3,-,ncfrag=x;y",
            b"\xff;x",
        ] {
            assert_eq!(message(text), Message::Basic(text));
        }
    }
}
