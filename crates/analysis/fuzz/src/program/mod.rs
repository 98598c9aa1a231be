//! Programs: calls with values of their types.

mod address;
mod condition;
mod default;
mod lengths;
mod read;
mod relations;
mod size;
mod value;
mod visit;
mod write;

pub use address::Area;
pub use condition::fix_conditions;
pub(crate) use default::field_direction;
pub use default::{default_arg, is_default};
pub use lengths::fix_lengths;
pub use read::{Reading, read_program};
pub use relations::{Relation, relations, usable};
pub use size::{each_field, size_of};
pub use value::{Arg, Call, Program, Properties, Source, Value, Var};
pub use visit::{each_arg, each_arg_mut};
pub use write::{write_call, write_program};
