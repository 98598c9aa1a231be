//! Builds the guest's programs (agent and executor) as static ones, so that the one binary carries them.
//!
//! Cargo cannot yet make one package's program an input of another on the stable channel. So cargo is
//! called again, with a target folder of its own below `OUT_DIR`, the same lock file and no network.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The guest is of the same architecture as the lab that the project supports today.
const TARGET: &str = "x86_64-unknown-linux-gnu";

fn main() {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("../../..");
    for input in ["guest/agent", "guest/protocol", "guest/executor", "guest/programs", "Cargo.lock"]
    {
        println!("cargo::rerun-if-changed={}", root.join(input).display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    let folder = PathBuf::from(variable("OUT_DIR")).join("agent");
    let mut cargo = Command::new(variable("CARGO"));
    // What the outer cargo set for this script must not leak into the inner one: its flags, its
    // wrappers (clippy runs as one) and its choice of target.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let outer = text.starts_with("CARGO_") && text != "CARGO_HOME";
        if outer || text.starts_with("RUSTC") || text == "RUSTFLAGS" || text == "TARGET" {
            cargo.env_remove(&name);
        }
    }
    cargo
        .current_dir(&root)
        .env("RUSTC", variable("RUSTC"))
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            "-Ctarget-feature=+crt-static\u{1f}-Crelocation-model=static",
        )
        .args(["build", "--quiet", "--locked", "--release"])
        .args(["--package", "guest-agent", "--package", "guest-executor"])
        // Emulated, it goes through traces of thousands of places a call.
        .args(["--config", "profile.release.package.guest-executor.opt-level=3"])
        .args(["--config", "profile.release.package.guest-programs.opt-level=3"])
        .args(["--config", "profile.release.panic=\"abort\""])
        .args(["--config", "profile.release.strip=true"])
        .args(["--config", "profile.release.opt-level=\"s\""])
        .args(["--target", TARGET, "--target-dir"])
        .arg(&folder);
    let status = cargo.status().unwrap_or_else(|error| panic!("cannot start cargo: {error}"));
    assert!(status.success(), "the guest's programs do not build ({status})");
    for (variable, name) in
        [("KTRIAGE_GUEST_AGENT", "guest-agent"), ("KTRIAGE_GUEST_EXECUTOR", "guest-executor")]
    {
        let program = folder.join(Path::new(TARGET)).join("release").join(name);
        println!("cargo::rustc-env={variable}={}", program.display());
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|error| panic!("cargo sets {name}: {error}"))
}
