//! What could not be read, said with its place instead of an error: one bad message never costs
//! the others.

use std::fmt;

use model::LineSpan;

/// What was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The message has no header that can be read.
    NoHeaders,
    /// More nested parts than any mail program writes; the body was taken as plain text.
    TooManyParts,
    /// A body was cut at the bound.
    BodyCut {
        /// Bytes that were kept.
        kept: usize,
    },
    /// The bytes do not agree with the charset that the header names.
    Charset {
        /// The name in the header.
        declared: String,
    },
    /// The transfer encoding is broken; the bytes were taken as they are.
    TransferEncoding,
    /// There was no plain text: it was made from HTML.
    HtmlOnly,
    /// The `Date` header is missing or cannot be read.
    NoDate,
    /// Text of a page before its first message.
    PageHead,
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHeaders => f.write_str("no mail header can be read here"),
            Self::TooManyParts => {
                f.write_str("too many nested parts; the body was taken as plain text")
            }
            Self::BodyCut { kept } => write!(f, "the body was cut after {kept} bytes"),
            Self::Charset { declared } => {
                write!(f, "the bytes are not in the charset `{declared}` that the header names")
            }
            Self::TransferEncoding => f.write_str("the transfer encoding is broken"),
            Self::HtmlOnly => f.write_str("HTML without plain text; quotes follow <blockquote>"),
            Self::NoDate => f.write_str("no date can be read"),
            Self::PageHead => f.write_str("text before the first message"),
        }
    }
}

/// Something that could not be read as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, in lines of the input.
    pub lines: LineSpan,
    /// What.
    pub kind: ProblemKind,
}
