//! A program as one C file that compiles by itself: `gcc -static -pthread`.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use analysis_fuzz::{Program, Target, write_call};
use guest_programs::{
    Call, Chunk, DATA_BASE, DATA_SIZE, Format, Instruction, Number, Order, PSEUDO_CALLS,
    Program as Encoded, Value,
};

use crate::encode::{EncodeError, encode};
use crate::options::{Options, Sandbox};

const HEAD: &str = include_str!("head.c");
const BITS: &str = include_str!("bits.c");
const CHECKSUM: &str = include_str!("checksum.c");
const FAULT: &str = include_str!("fault.c");
const THREADS: &str = include_str!("threads.c");
const SERIAL: &str = include_str!("serial.c");
const REPEAT: &str = include_str!("repeat.c");
const SANDBOX: &str = include_str!("sandbox.c");
const PSEUDO: &str = include_str!("pseudo.c");

/// Bytes of a line of data.
const LINE: usize = 32;

/// Why a program cannot be written as C.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CError {
    /// It cannot be encoded.
    Encode(EncodeError),
    /// A call for which there is no C.
    NoC(String),
}

impl fmt::Display for CError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(out),
            Self::NoC(name) => write!(out, "there is no C for the call `{name}`"),
        }
    }
}

impl std::error::Error for CError {}

/// The C source of a program, run as the options say.
///
/// # Errors
/// A call that C output does not have, or a program that is too large.
pub fn c_source(target: &Target, program: &Program, options: &Options) -> Result<String, CError> {
    let bytes = encode(target, program).map_err(CError::Encode)?;
    let calls = cut(&bytes);
    let mut out = String::new();
    for line in write_call(target, program) {
        // A comment must not end early, nor be too long to be read.
        let line: String = line.chars().take(400).collect();
        let _ = writeln!(out, "// {}", line.trim_end_matches('\\'));
    }
    out.push_str(HEAD);
    let uses = |found: &dyn Fn(&Instruction<'_>) -> bool| calls.iter().flatten().any(found);
    if uses(&|step| matches!(step, Instruction::Store { format, .. } if format.bit_length > 0)) {
        out.push_str(BITS);
    }
    if uses(&|step| matches!(step, Instruction::Checksum { .. })) {
        out.push_str(CHECKSUM);
    }
    let faults = uses(&|step| matches!(step, Instruction::Call(call) if call.fail_nth > 0));
    if faults {
        out.push_str(FAULT);
    }
    pseudo_calls(&calls, &mut out)?;
    let results = results(&calls);
    let _ = writeln!(
        out,
        "\n#define CALLS {}\n#define RESULTS {}\nstatic unsigned long long kept[RESULTS + 1] __attribute__((unused));\nstatic char is_kept[RESULTS + 1] __attribute__((unused));\n\
         #define RESULT(i, divide, add, other) (is_kept[i] ? kept[i] / (divide) + (add) : (other))",
        calls.len(),
        results
    );
    out.push_str("\nstatic void make_call(int call)\n{\n\tlong result = 0;\n\tswitch (call) {\n");
    for (index, steps) in calls.iter().enumerate() {
        let _ = writeln!(out, "\tcase {index}:");
        for step in steps {
            instruction(step, &mut out);
        }
        out.push_str("\t\tbreak;\n");
    }
    out.push_str("\t}\n\t(void)result;\n}\n");
    ending(&calls, options, faults, &mut out);
    Ok(out)
}

/// The steps of each call: what comes before it, itself, its loads.
fn cut(bytes: &[u8]) -> Vec<Vec<Instruction<'_>>> {
    let mut calls = Vec::new();
    let mut steps: Vec<Instruction<'_>> = Vec::new();
    let Ok(program) = Encoded::check(bytes) else { return calls };
    for step in program.instructions() {
        let called = steps.iter().any(|step| matches!(step, Instruction::Call(_)));
        if called && !matches!(step, Instruction::Load { .. }) {
            calls.push(std::mem::take(&mut steps));
        }
        steps.push(step);
    }
    if !steps.is_empty() {
        calls.push(steps);
    }
    calls
}

fn call_of<'a>(steps: &'a [Instruction<'_>]) -> Option<&'a Call> {
    steps.iter().find_map(|step| match step {
        Instruction::Call(call) => Some(call),
        _ => None,
    })
}

fn results(calls: &[Vec<Instruction<'_>>]) -> u32 {
    let each = calls.iter().flatten().filter_map(|step| match step {
        Instruction::Call(call) => call.result,
        Instruction::Load { result, .. } => Some(*result),
        _ => None,
    });
    each.max().map_or(0, |most| u32::from(most) + 1)
}

/// The C of each call of the executor's own that is used.
fn pseudo_calls(calls: &[Vec<Instruction<'_>>], out: &mut String) -> Result<(), CError> {
    let mut names = BTreeSet::new();
    for call in calls.iter().filter_map(|steps| call_of(steps)) {
        if let Number::Pseudo(number) = call.number {
            names.insert(PSEUDO_CALLS.get(usize::from(number)).map_or("", |pseudo| pseudo.name));
        }
    }
    for name in names {
        let part = PSEUDO.split("//// ").find(|part| part.lines().next() == Some(name));
        let Some((_, text)) = part.and_then(|part| part.split_once('\n')) else {
            return Err(CError::NoC(name.to_owned()));
        };
        out.push_str(text);
    }
    Ok(())
}

fn value(value: &Value) -> String {
    match value {
        Value::Constant { value, stride: 0 } => format!("{value:#x}ull"),
        Value::Constant { value, stride } => format!("{value:#x}ull + process * {stride:#x}ull"),
        Value::Pointer(at) => format!("{:#x}ull", DATA_BASE + u64::from(*at)),
        Value::Result { index, divide, add, default } => {
            format!("RESULT({index}, {}ull, {add:#x}ull, {default:#x}ull)", (*divide).max(1))
        }
    }
}

fn address(at: u32) -> String {
    format!("{:#x}", DATA_BASE + u64::from(at))
}

fn instruction(step: &Instruction<'_>, out: &mut String) {
    let text = match step {
        Instruction::Store { at, format, value: from } => store(*at, *format, &value(from)),
        Instruction::Data { at, bytes } => data(*at, bytes),
        Instruction::Checksum { at, chunks } => checksum(*at, chunks),
        Instruction::Call(call) => {
            self::call(call, out);
            return;
        }
        Instruction::Load { at, format, result } => load(*at, *format, *result),
    };
    let _ = writeln!(out, "\t\t{text}");
}

fn store(at: u32, format: Format, value: &str) -> String {
    let place = address(at);
    let bits = u32::from(format.size) * 8;
    let printed = match format.order {
        Order::Decimal => Some(("%020llu", 20)),
        Order::Hexadecimal => Some(("0x%016llx", 18)),
        Order::Octal => Some(("%023llo", 23)),
        Order::Little | Order::Big => None,
    };
    if let Some((shape, length)) = printed {
        return format!(
            "TRY({{ char text[32]; snprintf(text, sizeof(text), \"{shape}\", {value}); memcpy((void*){place}, text, {length}); }});"
        );
    }
    let big = format.order == Order::Big;
    if format.bit_length > 0 {
        return format!(
            "TRY(put_bits((void*){place}, {}, {}, {}, {}, {value}));",
            format.size,
            u8::from(big),
            format.bit_offset,
            format.bit_length
        );
    }
    match (big, bits) {
        (true, 16..) => format!("TRY(*(uint{bits}_t*){place} = htobe{bits}({value}));"),
        _ => format!("TRY(*(uint{bits}_t*){place} = {value});"),
    }
}

fn data(at: u32, bytes: &[u8]) -> String {
    if bytes.iter().all(|byte| *byte == 0) {
        return format!("TRY(memset((void*){}, 0, {}));", address(at), bytes.len());
    }
    let mut text = String::new();
    for line in bytes.chunks(LINE) {
        text.push_str("\n\t\t\t\"");
        for byte in line {
            let _ = write!(text, "\\x{byte:02x}");
        }
        text.push('"');
    }
    format!("TRY(memcpy((void*){},{text}, {}));", address(at), bytes.len())
}

fn checksum(at: u32, chunks: &[Chunk]) -> String {
    let mut text = "TRY({ unsigned long long sum = 0;".to_owned();
    for chunk in chunks {
        let _ = match chunk {
            Chunk::Memory { at, length } => {
                write!(text, " sum += checksum_add(0, (unsigned char*){}, {length});", address(*at))
            }
            Chunk::Number { value, .. } => {
                write!(text, " sum += {};", (value >> 16) + (value & 0xffff))
            }
        };
    }
    let _ = write!(text, " checksum_put((void*){}, sum); }});", address(at));
    text
}

fn load(at: u32, format: Format, result: u16) -> String {
    let bits = u32::from(format.size) * 8;
    let read = format!("*(uint{bits}_t*){}", address(at));
    let read = match format.order {
        Order::Big if bits > 8 => format!("be{bits}toh({read})"),
        _ => read,
    };
    format!("if (result != -1)\n\t\t\tTRY(kept[{result}] = {read}; is_kept[{result}] = 1);")
}

fn call(call: &Call, out: &mut String) {
    let arguments: Vec<String> = call.arguments.iter().map(value).collect();
    let text = match call.number {
        Number::Kernel(number) => {
            let mut text = format!("syscall({number}");
            for argument in &arguments {
                let _ = write!(text, ", {argument}");
            }
            text + ")"
        }
        Number::Pseudo(number) => {
            let name = PSEUDO_CALLS.get(usize::from(number)).map_or("", |pseudo| pseudo.name);
            // Descriptions may give fewer arguments than the function has.
            let wanted = parameters(name);
            let mut arguments = arguments;
            arguments.resize(wanted, "0".to_owned());
            format!("{name}({})", arguments.join(", "))
        }
    };
    if call.fail_nth > 0 {
        let _ = writeln!(
            out,
            "\t\t{{ int fault = fault_begin({}); result = {text}; fault_end(fault); }}",
            call.fail_nth
        );
    } else {
        let _ = writeln!(out, "\t\tresult = {text};");
    }
    if let Some(result) = call.result {
        let _ = writeln!(
            out,
            "\t\tif (result != -1) {{\n\t\t\tkept[{result}] = result;\n\t\t\tis_kept[{result}] = 1;\n\t\t}}"
        );
    }
    if call.rerun > 0 {
        let _ = writeln!(out, "\t\tfor (int i = 0; i < {}; i++)\n\t\t\t{text};", call.rerun);
    }
}

/// Parameters of a function of `pseudo.c`.
fn parameters(name: &str) -> usize {
    let head = format!("static long {name}(");
    PSEUDO
        .split(&head)
        .nth(1)
        .and_then(|rest| rest.split_once(')'))
        .map_or(0, |(list, _)| list.matches("long ").count())
}

/// What runs the calls: threads, repetition, processes, sandbox.
fn ending(calls: &[Vec<Instruction<'_>>], options: &Options, faults: bool, out: &mut String) {
    if options.threaded {
        let each = |f: &dyn Fn(&Call) -> u32| {
            let list: Vec<String> =
                calls.iter().map(|steps| call_of(steps).map_or(0, f).to_string()).collect();
            list.join(", ")
        };
        let _ = writeln!(
            out,
            "\nstatic const char call_async[] = {{{}, 0}};\nstatic const int call_timeout[] = {{{}, 0}};",
            each(&|call| u32::from(call.flags.asynchronous)),
            each(&|call| call.timeout)
        );
        out.push_str(THREADS);
    } else {
        out.push_str(SERIAL);
    }
    let body = if options.repeat { "repeat();" } else { "run_calls();" };
    if options.repeat {
        let close = if options.close_fds {
            "for (int fd = 3; fd < 30; fd++)\n\t\t\t\tclose(fd);"
        } else {
            ""
        };
        let text = REPEAT
            .replace("CLOSE_FDS", close)
            .replace("IN_FOLDER", if options.tmpdir { "1" } else { "0" })
            .replace("TIMES", &options.repeat_times.to_string())
            .replace("PROGRAM_TIMEOUT", "0");
        out.push_str(&text);
    }
    let _ = writeln!(out, "\nstatic void body(void)\n{{\n\t{body}\n}}");
    let start = match options.sandbox {
        Some(sandbox) => {
            out.push_str(SANDBOX);
            let kind = match sandbox {
                Sandbox::None => 0,
                Sandbox::Setuid => 1,
                Sandbox::Namespace => 2,
            };
            format!("sandboxed({kind});")
        }
        None => "body();".to_owned(),
    };
    let _ = writeln!(
        out,
        "\nint main(void)\n{{\n\tmmap((void*){:#x}, 0x1000, PROT_NONE, MAP_ANON | MAP_PRIVATE | MAP_FIXED, -1, 0);\n\
         \tmmap((void*){DATA_BASE:#x}, {DATA_SIZE:#x}, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_ANON | MAP_PRIVATE | MAP_FIXED, -1, 0);\n\
         \tmmap((void*){:#x}, 0x1000, PROT_NONE, MAP_ANON | MAP_PRIVATE | MAP_FIXED, -1, 0);\n\tcatch_faults();",
        DATA_BASE - 0x1000,
        DATA_BASE + u64::from(DATA_SIZE)
    );
    if faults {
        out.push_str("\tfault_setup();\n");
    }
    if options.tmpdir {
        out.push_str(
            "\tchar folder[] = \"./program.XXXXXX\";\n\tif (mkdtemp(folder) && chmod(folder, 0777) == 0 && chdir(folder) == 0) {\n\t}\n",
        );
    }
    if options.procs > 1 {
        let _ = writeln!(
            out,
            "\tfor (process = 0; process < {}; process++) {{\n\t\tif (fork() == 0) {{\n\t\t\t{start}\n\t\t\treturn 0;\n\t\t}}\n\t}}\n\
             \twhile (wait(NULL) > 0)\n\t\t;\n\treturn 0;\n}}",
            options.procs
        );
    } else {
        let _ = writeln!(out, "\t{start}\n\treturn 0;\n}}");
    }
}
