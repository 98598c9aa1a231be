//! What a log symbolised is made of: the places of its functions and instructions, and by which files.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use model::{LineSpan, SourcePlace};

use crate::{Fit, Kaslr, Misfit, Points};

/// One function with an offset, as it stands in a line.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where it stands in the text of the line, module included.
    pub range: Range<usize>,
    /// What stands there.
    pub token: String,
    /// Name as printed; empty for a bare address.
    pub function: String,
    /// Bytes from the start of the function.
    pub offset: u64,
    /// The function's size in bytes; 0 where the log has none.
    pub size: u64,
    /// The module, if it is of one.
    pub module: Option<String>,
    /// Which instruction is meant.
    pub points: Points,
    /// Where it is, or why that is not known.
    pub resolved: Arc<Resolved>,
}

/// Where a function with an offset is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The functions with file and line, the innermost inlined one first; empty where no place is known.
    pub places: Vec<SourcePlace>,
    /// Those of the return address, where they differ from those of the call.
    pub behind: Vec<SourcePlace>,
    /// Places of other functions of the same name and size: the log does not tell which it was.
    pub others: Vec<Vec<SourcePlace>>,
    /// The address as linked; in a module counted from this program's own placing.
    pub address: u64,
    /// The function at a bare address, with offset and size.
    pub named: Option<(String, u64, u64)>,
    /// Why there is no place.
    pub why_not: Option<WhyNot>,
}

impl Resolved {
    /// No place, for this reason.
    pub fn not(why: WhyNot) -> Self {
        Self { why_not: Some(why), ..Self::default() }
    }
}

/// Why a function with an offset has no place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WhyNot {
    /// The boot it belongs to was of another kernel.
    OtherBoot,
    /// The file of the module is not found.
    NoModule {
        /// The module.
        module: String,
    },
    /// The code was made while the kernel ran: BPF programs, trampolines.
    Generated,
    /// The file of the module is of another build.
    OtherModule {
        /// The module.
        module: String,
    },
    /// The file has no debug information.
    NoLines {
        /// The module; none for the kernel itself.
        module: Option<String>,
    },
    /// The file has no function of this name.
    NoFunction,
    /// The function has another size in the file.
    OtherSize,
    /// The offset is larger than the function: the line is damaged.
    Outside,
    /// The debug information does not know the address; assembly often has none.
    NotCovered,
    /// How far the kernel was moved is not known.
    NotMoved,
}

/// How the kernel of one boot compares with the file.
#[derive(Clone, Debug)]
pub struct BootKernel {
    /// What shows that it is the same.
    pub fit: Option<Fit>,
    /// What shows that it is another one.
    pub misfit: Option<Misfit>,
    /// Its lines get places: it is the same, or the user insists.
    pub usable: bool,
    /// How far it was moved.
    pub kaslr: Option<Kaslr>,
}

/// A module that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleUse {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// Its build id in hexadecimal digits.
    pub build_id: Option<String>,
}

/// What a log was symbolised with, and what has no place.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The kernel's file.
    pub vmlinux: PathBuf,
    /// The file with the lines, where it is another one.
    pub debug_file: Option<PathBuf>,
    /// The build id of the kernel's file, in hexadecimal digits.
    pub build_id: Option<String>,
    /// What the file says of itself.
    pub banner: Option<String>,
    /// The boots of the log.
    pub boots: Vec<BootKernel>,
    /// Modules that were used, by name.
    pub modules: Vec<ModuleUse>,
    /// Functions with offsets that have a place, each line counted.
    pub resolved: usize,
    /// Those that have none, with the reason and the first line, each line counted.
    pub unresolved: BTreeMap<WhyNot, (usize, u64)>,
    /// Why the index could not be kept.
    pub not_kept: Option<String>,
}

/// A `Code:` line.
#[derive(Clone, Debug)]
pub struct Disassembly {
    /// The line.
    pub lines: LineSpan,
    /// The function; none where the instruction pointer has no name.
    pub function: Option<String>,
    /// The module it is of.
    pub module: Option<String>,
    /// Its instructions.
    pub instructions: Vec<Coded>,
    /// How many bytes differ from those of the file: the kernel patches itself at boot and when tracing is switched on.
    /// None where the file holds no instructions.
    pub differ: Option<usize>,
}

/// One instruction.
#[derive(Clone, Debug)]
pub struct Coded {
    /// Bytes from the start of the function; from the marked instruction where the function is not known.
    pub offset: i64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// AT&T syntax on x86; a branch target is relative: `je .+0x10`.
    pub text: String,
    /// The instruction at the instruction pointer.
    pub marked: bool,
    /// Where it is, the innermost inlined function first.
    pub places: Arc<Vec<SourcePlace>>,
    /// The text of the innermost place's line, from the tree.
    pub source: Option<String>,
}
