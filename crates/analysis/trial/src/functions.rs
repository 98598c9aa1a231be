//! The functions of C source that a change touches.

use parse_mail::{begins_function, function_name};

/// A function with changed lines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangedFunction {
    /// The file.
    pub file: String,
    /// Its name as a symbol of the kernel.
    pub name: String,
    /// Its first line in the patched file.
    pub first: u64,
    /// Its last line.
    pub last: u64,
    /// The changed lines in it.
    pub lines: Vec<u64>,
}

/// The functions in which `changed` lines of a patched file lie, and the lines that lie in none. Lines are
/// counted from 1. Empty lines and comments of one line count for nothing.
pub fn changed_functions(
    file: &str,
    text: &str,
    changed: &[u64],
) -> (Vec<ChangedFunction>, Vec<u64>) {
    let lines: Vec<&str> = text.lines().collect();
    let mut functions = bodies(file, &lines);
    let mut outside = Vec::new();
    for &line in changed {
        match functions.iter_mut().find(|one| (one.first..=one.last).contains(&line)) {
            Some(function) => function.lines.push(line),
            None if says_something(&lines, line) => outside.push(line),
            None => {}
        }
    }
    functions.retain(|function| !function.lines.is_empty());
    (functions, outside)
}

fn says_something(lines: &[&str], line: u64) -> bool {
    let at = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
    let text = lines.get(at).map_or("", |text| text.trim());
    !text.is_empty() && !text.starts_with("/*") && !text.starts_with("//") && !text.starts_with('*')
}

/// Every function that is defined: a heading in the first column, a brace in the first column, and the next
/// closing one there.
fn bodies(file: &str, lines: &[&str]) -> Vec<ChangedFunction> {
    let mut found = Vec::new();
    let mut heading: Option<(usize, String)> = None;
    let mut open: Option<(usize, String)> = None;
    for (at, line) in lines.iter().enumerate() {
        if let Some((first, name)) = &open {
            if line.starts_with('}') {
                found.push(ChangedFunction {
                    file: file.to_owned(),
                    name: name.clone(),
                    first: *first as u64 + 1,
                    last: at as u64 + 1,
                    lines: Vec::new(),
                });
                open = None;
                heading = None;
            }
        } else if line.starts_with('{') {
            open = heading.take();
        } else if line.ends_with(';') || line.starts_with('}') || line.starts_with('#') {
            heading = None;
        } else if begins_function(line) {
            // The type may stand on a line of its own above.
            heading = symbol(line).map(|name| (at, name));
        }
    }
    found
}

/// The symbol that a heading defines.
fn symbol(heading: &str) -> Option<String> {
    if let Some(rest) = heading.strip_prefix("SYSCALL_DEFINE") {
        let name = rest.split_once('(')?.1.split([',', ')']).next()?.trim();
        return Some(format!("__x64_sys_{name}"));
    }
    function_name(heading).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "#include <a.h>\n\nstatic int level;\n\nint pump_start(struct pump *p)\n{\n\
                          \treturn level;\n}\n\nstatic void\npump_stop(struct pump *p,\n\t  int how)\n\
                          {\n\tif (how) {\n\t\tlevel = 0;\n\t}\n}\n\n\
                          SYSCALL_DEFINE2(pump, int, a,\n\t\tint, b)\n{\n\treturn a;\n}\n";

    #[test]
    fn changed_lines_are_told_by_function() {
        let (functions, outside) = changed_functions("pump.c", SOURCE, &[3, 4, 7, 15, 22]);
        let told: Vec<_> =
            functions.iter().map(|one| (one.name.as_str(), one.lines.as_slice())).collect();
        let wanted: [(&str, &[u64]); 3] =
            [("pump_start", &[7]), ("pump_stop", &[15]), ("__x64_sys_pump", &[22])];
        assert_eq!(told, wanted);
        assert_eq!(outside, [3]);
    }

    #[test]
    fn any_text_is_read() {
        for text in ["", "{", "}\n}\n{", "int f(\n{\n", "\u{0}\u{ffff}(\n{"] {
            let _ = changed_functions("x.c", text, &[0, 1, u64::MAX]);
        }
    }
}
