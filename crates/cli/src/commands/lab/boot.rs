//! `ktriage lab boot`: does this kernel boot, and how fast?

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use app_lab::{Limits, Prepared, boot_machine, run_once};
use io_vm::Initramfs;
use serde::Serialize;

use super::kernel::{MachineOptions, State, find_kernel, lab_failure};
use crate::failure::{FOUND, Failure};
use crate::output::{Escaped, message};
use crate::stop;

/// Boot a kernel in a virtual machine up to the lab's own agent, and record the console.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ktriage lab boot 6.12-cloud                        Debian's newest 6.12 cloud kernel
  ktriage lab boot arch/x86/boot/bzImage             the kernel you have just built
  ktriage lab boot 6.1-cloud --append lockdep=1 --console")]
pub(crate) struct Arguments {
    /// A kernel image, the name of a build of the lab, or a kernel of Debian by version and flavour
    /// (6.1, 6.12-cloud, 6.12-rt).
    #[arg(value_name = "KERNEL")]
    kernel: String,

    /// The folder lib/modules/RELEASE of a kernel image.
    #[arg(long, value_name = "DIR")]
    modules: Option<PathBuf>,

    /// Print the console too.
    #[arg(long)]
    console: bool,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,

    /// Exit with 1 when the kernel reported a crash while booting.
    #[arg(long)]
    exit_code: bool,

    #[command(flatten)]
    machine: MachineOptions,

    #[command(flatten)]
    state: State,
}

/// What is printed with `--json`.
#[derive(Serialize)]
struct BootJson<'a> {
    format: u32,
    release: &'a str,
    accelerator: &'a str,
    cpus: u32,
    milliseconds: u128,
    reports: Vec<&'a str>,
    console: &'a str,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let state = arguments.state.folder()?;
    let kernel = find_kernel(&arguments.kernel, arguments.modules.as_deref(), &state)?;
    let settings = arguments.machine.settings(stop::flag()?)?;
    let accelerator = settings.accelerator.name();
    let initramfs = Initramfs::build(&kernel, &arguments.machine.modules, &[])
        .map_err(|error| lab_failure(error.into()))?;
    let folder = state.join("boots").join(arguments.kernel.replace('/', "-"));
    let limits = Limits { settle: std::time::Duration::ZERO, ..arguments.machine.limits() };
    let start = std::time::Instant::now();
    let (mut machine, ready) =
        boot_machine(&settings, &kernel, &initramfs, &limits, Some(&folder), &mut |reason| {
            message(&format!("infrastructure error: {reason}; trying again"));
        })
        .map_err(lab_failure)?;
    let elapsed = start.elapsed();
    // The reports of a boot count from its first line.
    let result = run_once(&mut machine, &Prepared::nothing(), &limits, 0, None, Some(&folder))
        .map_err(lab_failure)?;
    let console = folder.join("console.log");
    let titles: Vec<&str> = result.reports.iter().map(|report| report.title.as_str()).collect();
    let mut out = io::stdout().lock();
    if arguments.json {
        let json = BootJson {
            format: 1,
            release: &ready.release,
            accelerator,
            cpus: ready.cpus,
            milliseconds: elapsed.as_millis(),
            reports: titles.clone(),
            console: &console.to_string_lossy(),
        };
        serde_json::to_writer(&mut out, &json).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        if arguments.console {
            let bytes = machine.records().console().bytes();
            write!(out, "{}", Escaped(&String::from_utf8_lossy(&bytes).replace('\r', "")))?;
        }
        writeln!(
            out,
            "{} booted in {:.1} s ({}, {} CPUs)",
            Escaped(&ready.release),
            elapsed.as_secs_f64(),
            accelerator,
            ready.cpus
        )?;
        for title in &titles {
            writeln!(out, "reported while booting: {}", Escaped(title))?;
        }
        writeln!(out, "console: {}", console.display())?;
    }
    Ok(if arguments.exit_code && !titles.is_empty() {
        ExitCode::from(FOUND)
    } else {
        ExitCode::SUCCESS
    })
}
