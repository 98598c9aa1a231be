//! What a crash log offers to search by.

use analysis_identity::CrashReport;
use parse_console::frame;

/// Functions of stacks that are looked for, at most.
const MAX_FUNCTIONS: usize = 60;
/// Lines of a log that are read for bug ids.
const MAX_LINES: usize = 50_000;

/// What is known of a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The titles of the reports, the first report's first; other titles of each behind it.
    pub titles: Vec<String>,
    /// The function of the first title.
    pub guilty: Option<String>,
    /// The functions of the stacks, each once, in the order of the log.
    pub functions: Vec<String>,
    /// Source files, the guilty one first; only in symbolised logs.
    pub files: Vec<String>,
    /// Bug ids that the log names.
    pub bugs: Vec<String>,
    /// The Message-ID of the mail that holds the log.
    pub mails: Vec<String>,
    /// Commits that the caller asks about.
    pub commits: Vec<String>,
    /// A day on which the crash was known, in seconds since 1970.
    pub date: Option<i64>,
    /// Who mailed it.
    pub reporter: Option<String>,
}

/// Reads what a log or the text of a mail offers.
pub fn of_log(log: &[u8]) -> Evidence {
    let mut found = Evidence::default();
    let reports = analysis_identity::read_log(log).reports;
    for report in reports.iter().take(3) {
        take_report(report, &mut found);
    }
    for line in String::from_utf8_lossy(log).lines().take(MAX_LINES) {
        for bug in parse_mail::bug_ids(line) {
            if !found.bugs.contains(&bug.id) {
                found.bugs.push(bug.id);
            }
        }
    }
    found
}

/// Reads a mail that holds a log; a log that is no mail is read as it is.
pub fn of_input(input: &[u8]) -> Evidence {
    let head = &input[..input.len().min(16 << 10)];
    let head = String::from_utf8_lossy(head);
    let header = head.split("\n\n").next().unwrap_or_default();
    let is_mail = ["Message-ID:", "Message-Id:", "From:", "Subject:"]
        .iter()
        .filter(|name| header.lines().any(|line| line.starts_with(**name)))
        .count()
        > 1;
    if !is_mail {
        return of_log(input);
    }
    let message = parse_mail::message(input, 1);
    let mut body = String::new();
    for line in message.body.lines() {
        body.push_str(line.text);
        body.push('\n');
    }
    let mut found = of_log(body.as_bytes());
    found.date = message.date.map(|date| date.seconds);
    found.mails.extend(message.message_id);
    let address = message.from.address.unwrap_or_default().to_ascii_lowercase();
    for bug in parse_mail::bug_ids(&address) {
        if !found.bugs.contains(&bug.id) {
            found.bugs.push(bug.id);
        }
    }
    found.reporter = Some(address).filter(|address| !address.is_empty());
    let title = message.subject.title;
    if !title.is_empty() && found.titles.is_empty() {
        found.guilty = guilty_of(&title);
        found.functions.extend(found.guilty.clone());
        found.titles.push(title);
    }
    found
}

/// Takes a title as it is typed.
pub fn of_title(title: &str) -> Evidence {
    let guilty = guilty_of(title);
    Evidence {
        titles: vec![title.to_owned()],
        functions: guilty.iter().cloned().collect(),
        guilty,
        ..Evidence::default()
    }
}

/// `… in FUNCTION` of a title.
fn guilty_of(title: &str) -> Option<String> {
    let name = title.rsplit_once(" in ")?.1.split_whitespace().next()?;
    kernel_function(name).then(|| name.to_owned())
}

fn take_report(report: &CrashReport, found: &mut Evidence) {
    for title in std::iter::once(&report.title).chain(&report.alt_titles) {
        push(&mut found.titles, title, 8);
    }
    if found.guilty.is_none() {
        found.guilty.clone_from(&report.frame);
    }
    if let Some(function) = &report.frame {
        push(&mut found.functions, function, MAX_FUNCTIONS);
    }
    if let Some(file) = &report.guilty_file {
        push(&mut found.files, file, MAX_FUNCTIONS);
    }
    for line in report.text.lines() {
        let text = line.trim_start_matches("RIP: ");
        let Some(frame) = frame::parse(text).or_else(|| frame::instruction_pointer(line)) else {
            continue;
        };
        let name = plain(frame.function);
        if kernel_function(name) {
            push(&mut found.functions, name, MAX_FUNCTIONS);
        }
        if let Some((file, _)) = frame.source {
            push(&mut found.files, file.trim_start_matches("./"), MAX_FUNCTIONS);
        }
    }
}

/// A function's name without what compilers put behind it (`.isra.0`, `.cold`).
fn plain(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Whether a word can be a function of the kernel.
pub(crate) fn kernel_function(word: &str) -> bool {
    word.len() > 2 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn push(list: &mut Vec<String>, text: &str, most: usize) {
    if list.len() < most && !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}
