//! Opens a page in headless Chromium, as a reader would see it: scripts run, and no host name
//! resolves, so that a page that wants the network shows it.
//!
//! A test that needs it says `#[path = "support/chromium.rs"] mod chromium;`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Names under which systems install it.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// How often a browser that hangs is looked at before it is ended.
const LOOKS: u32 = 600;
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// The document of `page` after its scripts ran, as HTML. `screenshot` names a PNG file to write
/// (1100 by 1600 pixels). None, said on standard output, where there is no Chromium.
///
/// # Panics
///
/// If Chromium is there and does not open the page.
#[expect(clippy::print_stdout, reason = "a test that skips says so")]
pub(crate) fn open(page: &Path, screenshot: Option<&Path>) -> Option<String> {
    let Some(program) = program() else {
        println!("skipped: no Chromium");
        return None;
    };
    let profile = tempfile::tempdir().expect("a directory");
    let document = profile.path().join("document.html");
    let errors = profile.path().join("errors");
    let mut command = Command::new(program);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--disable-dev-shm-usage"])
        .args(["--window-size=1100,1600", "--hide-scrollbars", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().join("profile").display()));
    if let Some(picture) = screenshot {
        command.arg(format!("--screenshot={}", picture.display()));
    }
    let page = page.canonicalize().expect("the page exists");
    let mut child = command
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .stdout(File::create(&document).expect("a file"))
        .stderr(File::create(&errors).expect("a file"))
        .spawn()
        .expect("Chromium starts");
    let said = || std::fs::read(&errors).map(|e| String::from_utf8_lossy(&e).into_owned());
    for _ in 0..LOOKS {
        if let Some(status) = child.try_wait().expect("a child") {
            assert!(status.success(), "Chromium: {status}: {}", said().unwrap_or_default());
            let html = std::fs::read(&document).expect("the document");
            return Some(String::from_utf8_lossy(&html).into_owned());
        }
        sleep(BETWEEN_LOOKS);
    }
    let _ = child.kill();
    let _ = child.wait();
    panic!("Chromium does not end: {}", said().unwrap_or_default());
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|directory| NAMES.map(|name| directory.join(name)))
        .find(|file| file.is_file())
}
