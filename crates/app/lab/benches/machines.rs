//! How fast machines start: the same kernel, first bare (QEMU with an empty init and no more), then by
//! the lab up to its agent, then runs from a snapshot beside runs that boot, and virtme-ng where it is
//! installed. Prints medians and ratios.
//!
//! The kernel is `KTRIAGE_TEST_KERNEL=IMAGE`, or the newest one in `target/lab`; without one, or
//! without QEMU, nothing is measured.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use app_lab::{Action, Limits, Plan, Prepared, boot_machine, one_run, snapshot_after_boot};
use io_vm::{GuestFile, Initramfs, Kernel, Settings, probe};

/// Measurements of each kind; the median counts.
const ROUNDS: usize = 5;
const QEMU: &str = "qemu-system-x86_64";

/// Says that it is up, and switches the guest off.
const EMPTY_INIT: &str = "\
#include <fcntl.h>
#include <sys/reboot.h>
#include <unistd.h>
int main(void)
{
\tint console = open(\"/dev/console\", O_WRONLY);
\tif (console < 0)
\t\tconsole = 1;
\twrite(console, \"the empty init is up\\n\", 21);
\treboot(RB_POWER_OFF);
\tfor (;;)
\t\tpause();
}
";
const UP: &str = "the empty init is up";
/// The lab's own command line, so that both kernels print and do the same.
const COMMAND_LINE: &str = "console=ttyS0,115200 earlyprintk=serial,ttyS0,115200 loglevel=7 \
                            printk.time=1 panic=-1 nokaslr";

fn main() {
    let mut out = std::io::stdout().lock();
    let Some(kernel) = kernel() else {
        let _ = writeln!(out, "skipped: no kernel in target/lab (see `ktriage lab boot`)");
        return;
    };
    let accelerator = match probe(Path::new(QEMU)) {
        Ok(accelerator) => accelerator,
        Err(error) => {
            let _ = writeln!(out, "skipped: {error}");
            return;
        }
    };
    let settings = Settings {
        qemu: QEMU.into(),
        accelerator,
        memory: 256,
        cpus: 2,
        command_line: String::new(),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let _ = writeln!(
        out,
        "{}, {}, 2 CPUs, medians of {ROUNDS}",
        kernel.image.display(),
        accelerator.name()
    );
    let folder = tempfile::tempdir().expect("a folder");
    let archive = empty_archive(folder.path());
    let limits = Limits { settle: Duration::ZERO, ..Limits::default() };
    let initramfs = Initramfs::build(&kernel, &[], &program(folder.path())).expect("an initramfs");
    // Side by side, so that a change of the machine's load meets both.
    let (mut bare, mut lab) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(timed(|| boot_bare(&settings, &kernel, &archive)));
        lab.push(timed(|| {
            boot_machine(&settings, &kernel, &initramfs, &limits, None, &mut |_| {})
                .expect("a machine");
        }));
    }
    let (bare, lab) = (median(bare), median(lab));
    let _ = writeln!(out, "bare QEMU to an empty init    {bare:8.3} s");
    let _ = writeln!(
        out,
        "the lab to its agent          {lab:8.3} s   {:.2} times the bare one",
        lab / bare
    );

    let plan = Plan {
        kernel: kernel.clone(),
        settings,
        modules: Vec::new(),
        prepared: Prepared {
            files: program(folder.path()),
            action: Action::Run(vec!["/lab/program".into()]),
        },
        limits,
        runs: 1,
        jobs: 1,
        cold: false,
        folder: folder.path().join("runs"),
    };
    let snapshot =
        snapshot_after_boot(&plan, &initramfs, &plan.folder, &mut |_| {}).expect("a snapshot");
    let mut number = 0;
    let mut run = |from| {
        number += 1;
        timed(|| {
            one_run(&plan, from, &initramfs, &plan.folder, number).expect("a run");
        })
    };
    let (mut warm, mut cold) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        warm.push(run(Some(&snapshot)));
        cold.push(run(None));
    }
    let (warm, cold) = (median(warm), median(cold));
    let _ =
        writeln!(out, "a run that boots              {cold:8.3} s   {:.0} a minute", 60.0 / cold);
    let _ = writeln!(
        out,
        "a run from a snapshot         {warm:8.3} s   {:.0} a minute, {:.1} times as many",
        60.0 / warm,
        cold / warm
    );
    match virtme(&kernel) {
        Ok(seconds) => {
            let _ = writeln!(
                out,
                "virtme-ng, one command        {seconds:8.3} s   {:.2} times the lab's run that boots",
                seconds / cold
            );
        }
        Err(reason) => {
            let _ = writeln!(out, "virtme-ng                     not measured: {reason}");
        }
    }
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn kernel() -> Option<Kernel> {
    if let Some(image) = std::env::var_os("KTRIAGE_TEST_KERNEL") {
        return Some(Kernel { image: PathBuf::from(image).canonicalize().ok()?, modules: None });
    }
    let kernels = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target/lab/kernels");
    let mut folders: Vec<_> =
        std::fs::read_dir(kernels).ok()?.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    let root = folders.pop()?.canonicalize().ok()?;
    let image = std::fs::read_dir(root.join("boot")).ok()?.flatten().find_map(|entry| {
        entry.file_name().to_str()?.starts_with("vmlinuz-").then(|| entry.path())
    })?;
    let release = image.file_name()?.to_str()?.strip_prefix("vmlinuz-")?.to_owned();
    Some(Kernel { modules: Some(root.join("lib/modules").join(release)), image })
}

fn compile(folder: &Path, name: &str, source: &str) -> PathBuf {
    let (input, program) = (folder.join(format!("{name}.c")), folder.join(name));
    std::fs::write(&input, source).expect("a file");
    let status = Command::new("gcc")
        .args(["-static", "-O1", "-w", "-o"])
        .args([&program, &input])
        .status()
        .expect("gcc (Debian's package is gcc)");
    assert!(status.success());
    program
}

/// What a run runs: a program that ends at once.
fn program(folder: &Path) -> Vec<GuestFile> {
    let program = compile(folder, "program", "int main(void) { return 0; }\n");
    vec![GuestFile::read(&program, Path::new("/lab/program"), 0o755).expect("a program")]
}

/// An initial file system with an empty init, packed by cpio.
fn empty_archive(folder: &Path) -> PathBuf {
    let root = folder.join("root");
    std::fs::create_dir_all(root.join("dev")).expect("a folder");
    std::fs::copy(compile(folder, "init", EMPTY_INIT), root.join("init")).expect("a copy");
    let archive = folder.join("empty.cpio");
    let script =
        format!("printf '.\\n./dev\\n./init\\n' | cpio -o -H newc > {}", archive.display());
    let status = Command::new("/bin/sh")
        .args(["-c", &script])
        .current_dir(&root)
        .stderr(Stdio::null())
        .status()
        .expect("a shell");
    assert!(status.success(), "cpio (Debian's package is cpio)");
    archive
}

/// Boots without anything of ours, up to the empty init's words.
fn boot_bare(settings: &Settings, kernel: &Kernel, archive: &Path) {
    let mut qemu = Command::new(QEMU)
        .args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"])
        .args(["-accel", settings.accelerator.option(), "-cpu", settings.accelerator.cpu()])
        .args(["-machine", "q35", "-smp", "2", "-m", "256M", "-serial", "stdio"])
        .args(["-append", COMMAND_LINE])
        .arg("-kernel")
        .arg(&kernel.image)
        .arg("-initrd")
        .arg(archive)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("QEMU");
    let mut console = qemu.stdout.take().expect("a pipe");
    let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
    while !String::from_utf8_lossy(&seen).contains(UP) {
        let length = console.read(&mut piece).expect("the console");
        assert!(length > 0, "the kernel did not come up: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&piece[..length]);
    }
    let _ = qemu.kill();
    let _ = qemu.wait();
}

/// One command on the same kernel by virtme-ng: boot, run, power off.
fn virtme(kernel: &Kernel) -> Result<f64, String> {
    // It needs a terminal, which `script` gives it, and a kernel with 9p and overlayfs. Where the guest
    // has no udev its exit status is lost, so its own words on the console count.
    let line = format!(
        "vng --verbose --run '{}' --force-9p --disable-kvm --disable-microvm --memory 512M --cpus 2 \
         -- true",
        kernel.image.display()
    );
    if Command::new("vng").arg("--version").output().is_err() {
        return Err("vng is not installed; it is virtme-ng on PyPI".into());
    }
    let run = || {
        let start = Instant::now();
        let output = Command::new("script")
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cannot start script: {error}"))?;
        let words = String::from_utf8_lossy(&output.stdout);
        if !words.contains("script exited with code 0") {
            let last = words.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
            return Err(format!("vng ended with {}: {last}", output.status));
        }
        Ok(start.elapsed().as_secs_f64())
    };
    let all = (0..ROUNDS).map(|_| run()).collect::<Result<Vec<_>, _>>()?;
    Ok(median(all))
}
