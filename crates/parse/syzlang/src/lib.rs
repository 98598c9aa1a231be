//! The description language of system calls (syzlang): declarations, constants, programs, and errors that
//! point at their place.
//!
//! Bytes in, nouns out: what a name means and how a type lies in memory is decided elsewhere.

mod constants;
mod declarations;
mod error;
mod lexer;
mod log;
mod parser;
mod program;

pub use constants::{ConstantFile, ConstantLine, parse_constants};
pub use declarations::{Body, Call, Declaration, Expression, Field, File, Kind, Value};
pub use error::{Error, Position};
pub use log::{Execution, executions};
pub use parser::parse;
pub use program::{
    CallText, ESCAPES, Node, ProgramText, Quoting, Written, parse_call, parse_program, to_base64,
};
