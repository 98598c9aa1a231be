//! Descriptions of system calls: what their names mean, which calls an architecture has, and which of them can get
//! the resources that they need.

mod architecture;
mod compile;
mod constants;
mod descriptions;
mod enabled;
mod generate;
mod layout;
mod mistake;
mod own;
mod program;
mod types;

pub use architecture::{Architecture, Wanting, architecture};
pub use compile::compile;
pub use constants::Constants;
pub use descriptions::{Counts, Descriptions};
pub use enabled::{Needs, enabled, live, needs};
pub use generate::{
    Catalog, Compared, Reduced, generate, hints, insert_corpus, minimise, mutate, remove_call,
};
pub use mistake::{Mistake, Wrong};
pub use own::OWN;
pub use program::{
    Area, Arg, Call, Program, Properties, Reading, Relation, Source, Value, Var, default_arg,
    each_arg, each_arg_mut, each_field, fix_conditions, fix_lengths, is_default, read_program,
    relations, size_of, usable, write_call, write_program,
};
pub use types::{
    AREA, Attributes, BASE, Bits, Body, BodyId, CallId, CallType, Checksum, Condition, Content,
    Count, Direction, Field, Format, Kind, Machine, Number, PAGE, Range, Resource, ResourceId,
    Target, Type, TypeId,
};
