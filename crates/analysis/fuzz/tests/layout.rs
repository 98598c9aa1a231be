//! How structs lie in memory, against the C compiler. Skipped, visibly, where there is no gcc; the published descriptions
//! are used where they stand beside the project, else those that the project has itself.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use analysis_fuzz::{
    Body, BodyId, Constants, Count, Descriptions, Kind, OWN, Target, Type, TypeId, compile,
};
use fastrand::Rng;
use parse_syzlang::{parse, parse_constants};

fn target(files: &[(String, String)]) -> Target {
    let mut constants = Constants::default();
    let mut parsed = Vec::new();
    for (name, text) in files {
        if name.ends_with(".const") {
            constants.add(name, &parse_constants(text).expect("reads"));
        } else {
            parsed.push((name.clone(), parse(text).expect("reads")));
        }
    }
    let (all, _) = Descriptions::new(parsed);
    let (target, wrong) = compile(&all, &constants, "amd64");
    assert!(wrong.is_empty(), "{wrong:?}");
    target
}

fn published() -> Option<Vec<(String, String)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/corpus/syzlang");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).ok()? {
        let path = entry.ok()?.path();
        let name = path.file_name()?.to_string_lossy().into_owned();
        files.push((name, std::fs::read_to_string(path).ok()?));
    }
    Some(files)
}

/// Writes types as C. Those that C does not have are left out.
struct Writer<'a> {
    target: &'a Target,
    done: BTreeSet<BodyId>,
    out: String,
}

impl Writer<'_> {
    /// The declaration of a field of this type, if C has the like.
    fn field(&mut self, id: TypeId, name: &str) -> Option<String> {
        let kind: &Type = self.target.get(id);
        let size = kind.size?;
        if let Some(number) = kind.number() {
            return Some(match number.bits {
                _ if size != u64::from(number.bytes) => format!("uint8_t {name}[{size}]"),
                0 => format!("uint{}_t {name}", u32::from(number.bytes) * 8),
                bits => format!("uint{}_t {name}:{bits}", u32::from(number.bytes) * 8),
            });
        }
        Some(match &kind.kind {
            Kind::Pointer(..) | Kind::Vma(..) => format!("uint{}_t {name}", size * 8),
            Kind::Buffer(_) => {
                format!("uint{}_t {name}[{}]", kind.align * 8, size / kind.align)
            }
            Kind::Array(of, Count::Between(count, _)) => {
                self.field(*of, &format!("{name}[{count}]"))?
            }
            Kind::Struct(body) | Kind::Union(body) => {
                self.body(*body, matches!(kind.kind, Kind::Union(_)))?;
                let word = if matches!(kind.kind, Kind::Union(_)) { "union" } else { "struct" };
                format!("{word} t{} {name}", number_of(*body))
            }
            _ => return None,
        })
    }

    fn body(&mut self, id: BodyId, union: bool) -> Option<()> {
        if self.done.contains(&id) {
            return Some(());
        }
        let body: &Body = self.target.body(id);
        // C gives sizes by fields alone, and never lowers an alignment.
        if body.size.is_none() || body.fixed.is_some() || body.overlay.is_some() || body.varlen {
            return None;
        }
        let natural = body.fields.iter().map(|field| self.target.get(field.kind).align).max()?;
        if body.align.is_some_and(|align| !body.packed && align < natural) {
            return None;
        }
        let mut fields = String::new();
        for (index, field) in body.fields.iter().enumerate() {
            let text = self.field(field.kind, &format!("f{index}"))?;
            let _ = writeln!(fields, "\t{text};");
        }
        let mut attributes = Vec::new();
        if body.packed {
            attributes.push("packed".to_owned());
        }
        attributes.extend(body.align.map(|align| format!("aligned({align})")));
        let word = if union { "union" } else { "struct" };
        let _ = writeln!(
            self.out,
            "{word} t{} {{\n{fields}}} __attribute__(({}));",
            number_of(id),
            attributes.join(", ")
        );
        self.done.insert(id);
        Some(())
    }
}

/// Numbers are printed as `BodyId(7)`.
fn number_of(id: BodyId) -> String {
    format!("{id:?}").chars().filter(char::is_ascii_digit).collect()
}

/// What C is to print of a struct: its size, then of each field its offset, or the bytes in which its bits are.
fn expected(target: &Target, body: &Body) -> String {
    let size = usize::try_from(body.size.unwrap_or(0)).expect("small");
    let mut out = format!("{size}");
    let mut at = 0;
    for field in &body.fields {
        at += field.gap;
        match (field.bits, target.get(field.kind).number()) {
            (Some(bits), Some(number)) => {
                let mut bytes = vec![0_u8; size + 8];
                let start = usize::try_from(at - bits.back).expect("small");
                for bit in 0..usize::from(number.bits) {
                    let place = usize::from(bits.offset) + bit;
                    bytes[start + place / 8] |= 1 << (place % 8);
                }
                out.push(' ');
                for byte in &bytes[..size] {
                    let _ = write!(out, "{byte:02x}");
                }
            }
            _ => {
                let _ = write!(out, " {at}");
            }
        }
        at += field.advance.unwrap_or(0);
    }
    out
}

/// Compares structs drawn by chance; gives how many were compared.
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn compare(target: &Target, wanted: usize, only_bits: bool) -> usize {
    let mut structs: Vec<BodyId> = target
        .types()
        .filter_map(|(_, kind)| match kind.kind {
            Kind::Struct(body) if kind.size.is_some_and(|size| (1..4096).contains(&size)) => {
                Some(body)
            }
            _ => None,
        })
        .filter(|body| {
            let bits = |field: &analysis_fuzz::Field| field.bits.is_some();
            !only_bits || target.body(*body).fields.iter().any(bits)
        })
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    Rng::with_seed(7).shuffle(&mut structs);
    let mut writer = Writer { target, done: BTreeSet::new(), out: String::new() };
    let mut main = String::new();
    let mut right = Vec::new();
    for id in structs {
        if right.len() == wanted {
            break;
        }
        if writer.body(id, false).is_none() {
            continue;
        }
        let body = target.body(id);
        let name = format!("struct t{}", number_of(id));
        let _ = writeln!(main, "\tprintf(\"%zu\", sizeof({name}));");
        for (index, field) in body.fields.iter().enumerate() {
            let _ = if field.bits.is_some() {
                writeln!(
                    main,
                    "\t{{ {name} s; memset(&s, 0, sizeof(s)); s.f{index} = ~0ull; putchar(' '); \
                     for (size_t i = 0; i < sizeof(s); i++) printf(\"%02x\", ((unsigned char*)&s)[i]); }}"
                )
            } else {
                writeln!(main, "\tprintf(\" %zu\", offsetof({name}, f{index}));")
            };
        }
        let _ = writeln!(main, "\tputchar('\\n');");
        right.push((body.name.clone(), expected(target, body)));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (source, program) = (folder.path().join("a.c"), folder.path().join("a"));
    let text = format!(
        "#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <string.h>\n{}int main(void)\n{{\n{main}\treturn 0;\n}}\n",
        writer.out
    );
    std::fs::write(&source, &text).expect("written");
    let Ok(compiled) = Command::new("gcc").arg("-w").arg("-o").args([&program, &source]).output()
    else {
        eprintln!("skipped: there is no gcc");
        return wanted;
    };
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let output = Command::new(&program).output().expect("it runs");
    let lines = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), right.len());
    let wrong: Vec<String> = right
        .iter()
        .zip(&lines)
        .filter(|((_, ours), theirs)| ours != *theirs)
        .map(|((name, ours), theirs)| format!("{name}\n  ours {ours}\n  gcc  {theirs}"))
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), right.len(), wrong.join("\n"));
    right.len()
}

#[test]
#[expect(clippy::print_stderr, reason = "what was compared must be seen")]
fn structs_drawn_by_chance_lie_in_memory_as_the_c_compiler_lays_them_out() {
    match published() {
        Some(files) => {
            let target = target(&files);
            assert_eq!(compare(&target, 200, false), 200);
            eprintln!("{} structs with bitfields", compare(&target, 60, true));
        }
        None => {
            let own: Vec<(String, String)> =
                OWN.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
            assert!(compare(&target(&own), 200, false) >= 20);
        }
    }
}

#[test]
fn own_structs_lie_in_memory_as_the_kernel_s_headers_say() {
    let own: Vec<(String, String)> =
        OWN.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let target = target(&own);
    // Sizes of the kernel's user-space headers on amd64.
    for (name, size) in [
        ("io_uring_params", 120),
        ("loop_info64", 232),
        ("file_clone_range", 32),
        ("open_how", 24),
        ("epoll_event", 12),
        ("itimerspec", 32),
        ("sigevent", 64),
        ("msghdr", 56),
        ("mmsghdr", 64),
        ("sockaddr_in", 16),
        ("sockaddr_in6", 28),
        ("uffdio_copy", 40),
        ("flock", 32),
    ] {
        let body = target.bodies().iter().find(|body| body.name == name).expect(name);
        assert_eq!(body.size, Some(size), "{name}");
    }
}
