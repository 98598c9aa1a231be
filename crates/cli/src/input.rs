//! Where logs come from: files, standard input (`-`), their `.gz`, `.xz` and `.zst` forms, and raw mails that
//! hold them.
//!
//! Invariants: never more than a buffer in memory; the form is told by the first bytes, not by the
//! name, so `zcat | ktriage report -` and `ktriage report log.gz` are the same.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use model::Notice;
use parse_console::mail::MailDecoder;

use crate::failure::Failure;

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;
/// The same for a small file: hundreds of them are read in one call.
const SMALL_PIECE: usize = 16 << 10;

/// One input as the user named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// `-`
    Standard,
    /// A path.
    File(PathBuf),
}

impl From<PathBuf> for Input {
    fn from(path: PathBuf) -> Self {
        if path.as_os_str() == "-" { Self::Standard } else { Self::File(path) }
    }
}

impl Input {
    /// The name under which the input is cited.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Standard => "-".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// Opens the input for reading, decompressed.
    pub(crate) fn open(&self) -> Result<Box<dyn Read + Send>, Failure> {
        match self {
            Self::Standard => parse_packed::unpacked(BufReader::with_capacity(PIECE, io::stdin()))
                .map_err(|error| self.unreadable(error)),
            Self::File(path) => {
                let file = open_file(path)?;
                parse_packed::unpacked(BufReader::with_capacity(self.piece(), file))
                    .map_err(|error| self.unreadable(error))
            }
        }
    }

    /// Reads the whole input piece by piece into `take`, with the parts of raw mails decoded. Gives a notice
    /// where the lines have other numbers than in the input.
    pub(crate) fn read_to(&self, mut take: impl FnMut(&[u8])) -> Result<Option<Notice>, Failure> {
        let mut reader = self.open()?;
        let mut mail = MailDecoder::new();
        let mut piece = vec![0; self.piece()];
        loop {
            match reader.read(&mut piece) {
                Ok(0) => {
                    mail.finish(&mut take);
                    return Ok(mail.is_renumbered().then_some(Notice::Renumbered));
                }
                Ok(length) => mail.push(&piece[..length], &mut take),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(error)),
            }
        }
    }

    /// Bytes of this input that are read at once.
    fn piece(&self) -> usize {
        let size = match self {
            Self::Standard => None,
            Self::File(path) => path.metadata().ok().filter(std::fs::Metadata::is_file),
        };
        size.and_then(|file| usize::try_from(file.len()).ok())
            .map_or(PIECE, |bytes| bytes.clamp(SMALL_PIECE, PIECE))
    }

    fn unreadable(&self, error: io::Error) -> Failure {
        let name = self.name();
        Failure::usage(anyhow::Error::new(error).context(format!("cannot read {name}"))).hint(
            "is the file whole? a compressed log that was cut off can be read up to the cut with \
             `zcat FILE | ktriage report -`",
        )
    }
}

fn open_file(path: &Path) -> Result<File, Failure> {
    let file = File::open(path)
        .with_context(|| format!("cannot open {}", path.display()))
        .map_err(|error| {
            Failure::usage(error).hint("give the path of a console log, or - for standard input")
        })?;
    let directory = file.metadata().is_ok_and(|metadata| metadata.is_dir());
    if directory {
        return Err(Failure::usage(anyhow::anyhow!("{} is a directory", path.display()))
            .hint(format!("name the logs inside it: {}/*", path.display())));
    }
    Ok(file)
}
