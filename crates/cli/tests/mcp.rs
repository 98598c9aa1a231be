//! The record for programs that speak the Model Context Protocol.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

#[path = "support/http.rs"]
mod http;

struct Session {
    _folder: TempDir,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    next: u64,
}

impl Session {
    fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/starved-grace-period.log");
        let run = |words: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_ktriage"));
            command.args(words).arg("--state").arg(folder.path());
            command
        };
        assert!(run(&["add", log.to_str().unwrap()]).output().unwrap().status.success());
        let mut child =
            run(&["mcp"]).args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { _folder: folder, child, input, output: BufReader::new(output), next: 0 }
    }

    fn raw(&mut self, line: &str) -> Value {
        writeln!(self.input, "{line}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let message =
            json!({ "jsonrpc": "2.0", "id": self.next, "method": method, "params": params });
        let answer = self.raw(&message.to_string());
        assert_eq!(answer["id"], self.next, "{answer}");
        answer
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> Result<Value, String> {
        let answer = self.ask("tools/call", &json!({ "name": tool, "arguments": arguments }));
        let text = answer["result"]["content"][0]["text"].as_str().unwrap().to_owned();
        match answer["result"]["isError"].as_bool().unwrap() {
            true => Err(text),
            false => Ok(serde_json::from_str(&text).unwrap()),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_program_finds_a_bug_reads_its_log_and_has_its_claims_judged() {
    let mut session = Session::start(&[]);
    let hello = session.ask(
        "initialize",
        &json!({ "protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {} }),
    );
    assert_eq!(hello["result"]["protocolVersion"], "2025-03-26");
    // A notification has no answer: the next line is that of the ping.
    writeln!(
        session.input,
        "{}",
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })
    )
    .unwrap();
    assert_eq!(session.ask("ping", &json!({}))["result"], json!({}));
    let tools = session.ask("tools/list", &json!({}))["result"]["tools"].to_string();
    assert!(tools.contains("verify_claims") && !tools.contains("start_test"), "{tools}");
    let found = session.call("search_bugs", &json!({ "q": "stall" })).unwrap();
    assert_eq!(found["total"], 1, "{found}");
    let bug = found["bugs"][0]["id"].clone();
    let whole = session.call("read_bug", &json!({ "bug": bug })).unwrap();
    assert_eq!(whole["bug"]["id"], bug);
    let log = session.call("read_log", &json!({ "bug": bug, "first": 350 })).unwrap();
    assert_eq!(log["lines"][0][0], 350);
    let told = session.call("log_statements", &json!({ "bug": bug })).unwrap();
    let mut claim = told["claims"][0].clone();
    let judged = session
        .call("verify_claims", &json!({ "bug": bug, "claims": [claim] }))
        .unwrap()
        .to_string();
    assert!(judged.contains("\"supported\""), "{judged}");
    assert_eq!(claim["predicate"], "kernel_version");
    claim["version"] = "5.0.0".into();
    let judged = session.call("verify_claims", &json!({ "bug": bug, "claims": [claim] })).unwrap();
    assert_eq!(judged["claims"][0]["judgement"], "contradicted", "{judged}");
    assert_eq!(session.call("find_similar", &json!({ "bug": bug })).unwrap(), json!([]));
}

#[test]
fn what_is_wrong_is_said_and_the_session_goes_on() {
    let mut session = Session::start(&[]);
    assert_eq!(session.raw("no json")["error"]["code"], -32_700);
    assert_eq!(session.raw("{\"id\":1}")["error"]["code"], -32_600);
    assert_eq!(session.ask("fly", &json!({}))["error"]["code"], -32_601);
    assert!(
        session.call("read_bug", &json!({ "bug": 99 })).unwrap_err().contains("no bug is known")
    );
    assert!(session.call("start_test", &json!({ "bug": 1 })).unwrap_err().contains("no tool"));
    assert!(
        session
            .call("verify_claims", &json!({ "bug": 1, "claims": [{ "predicate": "nonsense" }] }))
            .is_err()
    );
    assert!(session.call("read_log", &json!({ "bug": 1, "crash": 77 })).is_err());
    let mut allowed = Session::start(&["--allow-jobs"]);
    assert!(
        allowed.call("start_test", &json!({ "bug": 1 })).unwrap_err().contains("no reproducer")
    );
}

/// The same over HTTP: who asks sees what the table of rights allows.
#[test]
fn the_service_answers_programs_by_their_rights() {
    let hash = http::hash_of("editor-token");
    let person =
        format!("[[person]]\nname = \"eve\"\nrole = \"editor\"\ntoken_blake3 = \"{hash}\"\n");
    let mut service = http::Service::folder(&format!("mcp_jobs = true\n{person}"));
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/starved-grace-period.log");
    service.said(&["add", log.to_str().unwrap()]);
    service.said(&["bug", "1", "private"]);
    service.start();
    let ask = |headers: &[(&str, &str)], method: &str, params: &Value| {
        let message = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        service.request("POST /mcp", headers, &message.to_string())
    };
    let call = |headers: &[(&str, &str)], tool: &str, arguments: Value| {
        let answer = ask(headers, "tools/call", &json!({ "name": tool, "arguments": arguments }));
        answer.json()["result"]["content"][0]["text"].as_str().unwrap().to_owned()
    };
    let editor = [("authorization", "Bearer editor-token")];
    let hello = ask(&[], "initialize", &json!({ "protocolVersion": "2025-06-18" }));
    assert_eq!(hello.header("content-type"), Some("application/json"));
    assert_eq!(hello.json()["result"]["serverInfo"]["name"], "ktriage");
    assert!(call(&[], "read_bug", json!({ "bug": 1 })).contains("no bug is known"));
    assert!(call(&editor, "read_bug", json!({ "bug": 1 })).contains("stall"));
    let tools = |headers: &[(&str, &str)]| ask(headers, "tools/list", &json!({})).body;
    assert!(tools(&editor).contains("start_test") && !tools(&[]).contains("start_test"));
    assert!(call(&editor, "start_test", json!({ "bug": 1 })).contains("no reproducer"));
    // A page of somewhere else makes a browser ask nothing.
    let foreign = [("origin", "http://evil.example"), editor[0]];
    assert_eq!(ask(&foreign, "ping", &json!({})).status, 403);
    let own = format!("http://{}", service.address());
    assert_eq!(ask(&[("origin", &own)], "ping", &json!({})).status, 200);
    // A notification has no answer, a list of messages has a list of answers, and there is no stream.
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(service.request("POST /mcp", &editor, &note.to_string()).status, 202);
    let two = json!([note, { "jsonrpc": "2.0", "id": 1, "method": "ping" }]);
    let answers = service.request("POST /mcp", &editor, &two.to_string()).json();
    assert_eq!(answers.as_array().map(Vec::len), Some(1));
    assert_eq!(service.get("/mcp").status, 405);
    assert_eq!(service.request("POST /mcp", &editor, "no json").json()["error"]["code"], -32_700);
}
