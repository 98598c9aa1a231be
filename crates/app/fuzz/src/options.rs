//! The line of a program that says how it is run.

use serde_json::Value;

/// Who runs the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sandbox {
    /// Root, in namespaces of its own.
    None,
    /// Nobody.
    Setuid,
    /// Root of a user namespace.
    Namespace,
}

/// How a program is run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the line")]
pub struct Options {
    /// Each call has a thread; one that does not return is left behind.
    pub threaded: bool,
    /// It runs again and again.
    pub repeat: bool,
    /// How often; 0 for ever.
    pub repeat_times: u64,
    /// Processes that do so at the same time.
    pub procs: u32,
    /// Who runs it.
    pub sandbox: Option<Sandbox>,
    /// In a folder of its own.
    pub tmpdir: bool,
    /// What it opened is closed behind it.
    pub close_fds: bool,
    /// Options that the line has and that are not honoured.
    pub ignored: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threaded: false,
            repeat: false,
            repeat_times: 0,
            procs: 1,
            sandbox: None,
            tmpdir: false,
            close_fds: true,
            ignored: Vec::new(),
        }
    }
}

/// Options that change nothing here, or that every program has.
const PLAIN: [&str; 8] =
    ["slowdown", "segv", "sandbox_arg", "trace", "callcomments", "close_fds", "leak", "fault"];

impl Options {
    /// The options of a program's text: of the first comment that has some, as JSON or as Go prints them.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        text.lines().take_while(|line| line.is_empty() || line.starts_with('#')).find_map(|line| {
            let rest = line.strip_prefix('#')?.trim();
            if !rest.starts_with('{') {
                return None;
            }
            match serde_json::from_str(rest) {
                Ok(Value::Object(fields)) => {
                    let mut options = Self::default();
                    for (name, value) in &fields {
                        let text = match value {
                            Value::String(text) => text.clone(),
                            other => other.to_string(),
                        };
                        options.set(name, &text);
                    }
                    Some(options)
                }
                _ => Self::of_go(rest),
            }
        })
    }

    /// `{Threaded:true Collide:false …}`.
    fn of_go(text: &str) -> Option<Self> {
        let inner = text.strip_prefix('{')?.split('}').next()?;
        let mut options = Self::default();
        let mut any = false;
        for pair in inner.split_whitespace() {
            if let Some((name, value)) = pair.split_once(':') {
                any = true;
                options.set(&snake(name), value);
            }
        }
        any.then_some(options)
    }

    fn set(&mut self, name: &str, value: &str) {
        let yes = value == "true";
        match name {
            "threaded" => self.threaded = yes,
            "repeat" => self.repeat = yes,
            "repeat_times" => self.repeat_times = value.parse().unwrap_or(0),
            "procs" => self.procs = value.parse().unwrap_or(1).clamp(1, 32),
            "sandbox" => {
                self.sandbox = match value {
                    "none" | "android" => Some(Sandbox::None),
                    "setuid" => Some(Sandbox::Setuid),
                    "namespace" => Some(Sandbox::Namespace),
                    _ => None,
                };
            }
            "tmpdir" | "use_tmp_dir" => self.tmpdir = yes,
            "close_fds" => self.close_fds = yes,
            // Old programs ran calls beside each other without saying which.
            "collide" => {
                self.threaded |= yes;
                if yes {
                    self.ignored.push(name.to_owned());
                }
            }
            _ if PLAIN.contains(&name) || !yes => {}
            _ => self.ignored.push(name.to_owned()),
        }
    }
}

/// `UseTmpDir` as `use_tmp_dir`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for (index, one) in name.char_indices() {
        if one.is_ascii_uppercase() && index > 0 && !out.ends_with('_') {
            out.push('_');
        }
        out.push(one.to_ascii_lowercase());
    }
    out
}
