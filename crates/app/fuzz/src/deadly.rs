//! Programs that are known to crash: each costs a machine and tells nothing new.

use analysis_fuzz::{Call, CallId, Kind, Program, Target, Value, each_arg};

/// Longest data that is compared.
const DATA: usize = 64;

/// What of a call made it crash: its kind and the values that are its own.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    kind: CallId,
    numbers: Vec<u64>,
    data: Vec<Vec<u8>>,
}

/// The calls of the smallest program that crashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deadly {
    marks: Vec<Mark>,
}

impl Deadly {
    pub(crate) fn new(target: &Target, program: &Program) -> Self {
        Self { marks: program.calls.iter().map(|call| mark(target, call)).collect() }
    }

    /// Whether a program has these calls with these values, in this order.
    pub(crate) fn is_in(&self, target: &Target, program: &Program) -> bool {
        let mut wanted = self.marks.iter().peekable();
        for call in &program.calls {
            if wanted
                .peek()
                .is_some_and(|mark| mark.kind == call.kind && **mark == self::mark(target, call))
            {
                wanted.next();
            }
        }
        wanted.peek().is_none()
    }
}

fn mark(target: &Target, call: &Call) -> Mark {
    let mut mark = Mark { kind: call.kind, numbers: Vec::new(), data: Vec::new() };
    for arg in &call.arguments {
        each_arg(arg, &mut |arg| match (&arg.value, &target.get(arg.kind).kind) {
            (Value::Number(value), Kind::Int(..) | Kind::Flags(..)) => mark.numbers.push(*value),
            (Value::Data(bytes), _) if bytes.len() <= DATA => mark.data.push(bytes.clone()),
            _ => {}
        });
    }
    mark
}
