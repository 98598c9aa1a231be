//! A headless Chromium, driven over WebDriver as a person would: pages are opened, fields filled, buttons pressed. No host
//! name resolves, and what the browser asked of whom is told.
//!
//! A test that needs it says `#[path = "support/webdriver.rs"] mod webdriver;`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The name under which WebDriver gives elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window.
pub(crate) struct Browser {
    driver: Child,
    address: String,
    session: String,
}

/// A program of this system.
fn program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|file| file.is_file())
}

impl Browser {
    /// Opens one; `None`, said on standard output, where there is none.
    ///
    /// # Panics
    ///
    /// If it is there and does not start.
    #[expect(clippy::print_stdout, reason = "a test that skips says so")]
    pub(crate) fn open() -> Option<Self> {
        let (Some(chromium), Some(driver)) =
            (program(&["chromium", "chromium-browser"]), program(&["chromedriver"]))
        else {
            println!("skipped: no Chromium with its driver");
            return None;
        };
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the driver starts");
        let mut lines = BufReader::new(driver.stdout.take().expect("its output")).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                let (_, port) = line.rsplit_once("started successfully on port ")?;
                port.trim_end_matches('.').parse::<u16>().ok()
            })
            .expect("the driver says its port");
        std::thread::spawn(move || lines.for_each(drop));
        let address = format!("127.0.0.1:{port}");
        let mut browser = Self { driver, address, session: String::new() };
        let options = json!({
            "binary": chromium,
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        });
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": options, "goog:loggingPrefs": { "performance": "ALL" }, "unhandledPromptBehavior": "ignore" } } });
        let made = browser.ask("POST", "/session", &wanted);
        made["sessionId"]
            .as_str()
            .unwrap_or_else(|| panic!("{made}"))
            .clone_into(&mut browser.session);
        Some(browser)
    }

    /// Sends a command to the driver; gives the value that it answers, also where that is an error.
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(&self.address).expect("the driver listens");
        stream.set_read_timeout(Some(Duration::from_secs(120))).expect("a socket");
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).expect("the driver reads");
        let mut answer = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            answer.read_line(&mut line).expect("the driver answers");
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a number");
            }
            if line.is_empty() {
                break;
            }
        }
        let mut text = vec![0; length];
        answer.read_exact(&mut text).expect("the driver answers");
        let mut value: Value = serde_json::from_slice(&text).expect("JSON");
        value["value"].take()
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        self.ask(method, &format!("/session/{}{path}", self.session), body)
    }

    /// The same; an error ends the test.
    fn done(&self, method: &str, path: &str, body: &Value) -> Value {
        let value = self.command(method, path, body);
        assert!(value["error"].is_null(), "{path} {body}: {value}");
        value
    }

    pub(crate) fn go(&self, url: &str) {
        self.done("POST", "/url", &json!({ "url": url }));
    }

    pub(crate) fn resize(&self, width: u32, height: u32) {
        self.done("POST", "/window/rect", &json!({ "width": width, "height": height }));
    }

    fn element(&self, css: &str) -> String {
        let found =
            self.done("POST", "/element", &json!({ "using": "css selector", "value": css }));
        found[ELEMENT].as_str().unwrap_or_else(|| panic!("{css}: {found}")).to_owned()
    }

    pub(crate) fn click(&self, css: &str) {
        let id = self.element(css);
        self.done("POST", &format!("/element/{id}/click"), &json!({}));
    }

    /// Types into a field.
    pub(crate) fn type_into(&self, css: &str, text: &str) {
        let id = self.element(css);
        self.done("POST", &format!("/element/{id}/value"), &json!({ "text": text }));
    }

    /// Waits until a script of the test's own says yes. A page that is just being left answers nothing.
    pub(crate) fn until(&self, script: &str) {
        let body = json!({ "script": format!("return {script}"), "args": [] });
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.command("POST", "/execute/sync", &body) != true {
            assert!(Instant::now() < deadline, "{}: {script}", self.url());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until an element holds a text.
    pub(crate) fn until_read(&self, css: &str, text: &str) {
        let (css, text) = (Value::from(css), Value::from(text));
        self.until(&format!(
            "!!document.querySelector({css}) && document.querySelector({css}).innerText.includes({text})"
        ));
    }

    /// The value of a script of the test's own.
    pub(crate) fn script(&self, script: &str) -> Value {
        self.done("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The address of the page.
    pub(crate) fn url(&self) -> String {
        self.done("GET", "/url", &Value::Null).as_str().unwrap_or("").to_owned()
    }

    /// The text of a dialog that a page opened.
    pub(crate) fn dialog(&self) -> Option<String> {
        let value = self.command("GET", "/alert/text", &Value::Null);
        value.as_str().map(str::to_owned)
    }

    /// Whatever was asked over the network since the last call.
    pub(crate) fn requests(&self) -> Vec<String> {
        let log = self.done("POST", "/se/log", &json!({ "type": "performance" }));
        log.as_array()
            .into_iter()
            .flatten()
            .filter_map(|entry| serde_json::from_str::<Value>(entry["message"].as_str()?).ok())
            .filter(|entry| entry["message"]["method"] == "Network.requestWillBeSent")
            .filter_map(|entry| {
                Some(entry["message"]["params"]["request"]["url"].as_str()?.to_owned())
            })
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.session.is_empty() {
            self.command("DELETE", "", &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
