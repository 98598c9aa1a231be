//! A service of a record under test, and requests to it over a plain connection.
//!
//! A test that needs it says `#[path = "support/http.rs"] mod http;`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// A state folder, and the service of it while there is one.
pub(crate) struct Service {
    pub(crate) folder: TempDir,
    child: Option<Child>,
    address: String,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Service {
    /// A folder with settings, not served yet.
    pub(crate) fn folder(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("state")).unwrap();
        std::fs::write(folder.path().join("state/ktriage.toml"), settings).unwrap();
        Self { folder, child: None, address: String::new() }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ktriage"));
        command.args(words).arg("--state").arg(self.state()).env("USER", "ann");
        command
    }

    /// What a command prints.
    pub(crate) fn said(&self, words: &[&str]) -> String {
        let output = self.command(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Serves the folder.
    pub(crate) fn start(&mut self) {
        let mut child = self
            .command(&["serve", "--listen", "127.0.0.1:0"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = lines.next().unwrap().unwrap();
        self.address =
            said.strip_prefix("listening on http://").unwrap().trim_end_matches('/').to_owned();
        // Nobody must be stopped by a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        self.child = Some(child);
    }

    /// Ends the service at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The process that serves.
    pub(crate) fn process(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Sends a request; `None` where the connection broke.
    pub(crate) fn try_request(
        &self,
        line: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Answer> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut head =
            format!("{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() || line.starts_with("POST") {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        head += "\r\n";
        stream.write_all(head.as_bytes()).ok()?;
        // A body that is too long is refused before all of it was sent.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let body = match head.contains("transfer-encoding: chunked") {
            true => body.split("\r\n").skip(1).step_by(2).collect(),
            false => body.to_owned(),
        };
        Some(Answer { status, head: head.to_owned(), body })
    }

    pub(crate) fn request(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.try_request(line, headers, body.as_bytes())
            .unwrap_or_else(|| panic!("{line}: no answer"))
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request(&format!("GET {path}"), &[], "")
    }
}

// Not every test needs all of it.
const _: fn(&Service) -> u32 = Service::process;
const _: fn(&Service, &str) -> Answer = Service::get;
const _: fn(&Service, &[&str]) -> String = Service::said;
const _: for<'a> fn(&'a Answer, &str) -> Option<&'a str> = Answer::header;
const _: fn(&Answer) -> serde_json::Value = Answer::json;
const _: fn(&Answer) -> u16 = |answer| answer.status;

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The hash of a token, as the settings hold it.
pub(crate) fn hash_of(token: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .args(["generate", "token", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{token}").unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("blake3 ")).unwrap().to_owned()
}
