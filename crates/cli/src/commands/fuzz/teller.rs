//! What becomes of what the loop finds: files and lines.

use std::fs;
use std::io::Write as _;
use std::sync::Arc;

use analysis_fuzz::{Program, Target, write_program};
use app_fuzz::{Counts, Crash, Events, Found, Options, Reproduced, Store, c_source};

use crate::output::message;

/// Writes what the loop finds, and tells of it.
pub(super) struct Teller<'a> {
    target: &'a Target,
    store: &'a Store,
}

impl<'a> Teller<'a> {
    pub(super) const fn new(target: &'a Target, store: &'a Store) -> Self {
        Self { target, store }
    }
    /// One line of numbers for each time that progress is told.
    pub(super) fn log(&self, counts: &Counts) {
        let line = serde_json::json!({
            "format": 1,
            "seconds": counts.elapsed.as_secs_f64(),
            "executed": counts.executed,
            "corpus": counts.corpus,
            "edges": counts.edges,
            "places": counts.places,
            "waiting": counts.waiting,
            "lost": counts.lost,
            "titles": counts.titles,
        });
        let path = self.store.folder().join("progress.jsonl");
        let written = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .and_then(|mut file| writeln!(file, "{line}"));
        if let Err(error) = written {
            message(&format!("progress is not written: {error}"));
        }
    }

    fn texts(&self, programs: &[Arc<Program>]) -> String {
        let mut out = String::new();
        for program in programs {
            out += "executing program 0:\n";
            out += &write_program(self.target, program);
            out.push('\n');
        }
        out
    }

    fn write(&self, title: &str, files: &[(&str, &[u8])]) {
        if let Err(error) = self.store.crash(title, files) {
            message(&format!("a crash is not written: {error}"));
        }
    }

    fn reproduced(&self, title: &str, found: &Reproduced) {
        let program = &found.reproducer.program;
        let text = write_program(self.target, program);
        let options = Options { repeat: true, repeat_times: 0, tmpdir: true, ..Options::default() };
        let (hits, tried) = found.rate;
        let (low, high) = analysis_rates::interval(hits, tried);
        let rate = format!(
            "{hits} of {tried} trials, each of up to {} runs on a machine of its own, crashed with the title (95 %: {:.0} to {:.0} %)\n",
            found.reproducer.runs,
            low * 100.0,
            high * 100.0
        );
        self.write(
            title,
            &[
                ("repro.syz", text.as_bytes()),
                ("rate", rate.as_bytes()),
                ("console.log", found.log.as_slice()),
            ],
        );
        match c_source(self.target, program, &options) {
            Ok(source) => self.write(title, &[("repro.c", source.as_bytes())]),
            Err(error) => message(&format!("no C for {title}: {error}")),
        }
        for (other, log) in &found.others {
            message(&format!("while that was provoked: {other}"));
            self.write(other, &[("title", other.as_bytes()), ("console.log", log.as_slice())]);
        }
        message(&format!(
            "{title}: provoked by {} calls (of {}), {hits} of {tried} times",
            program.calls.len(),
            found.reproducer.calls_before
        ));
    }
}

impl Events for Teller<'_> {
    fn kept(&self, text: &str) {
        if let Err(error) = self.store.keep(text) {
            message(&format!("a program is not kept: {error}"));
        }
    }

    fn crashed(&self, crash: &Crash, times: u64) {
        if times > 1 {
            return;
        }
        message(&format!("crash: {}", crash.title));
        let programs = self.texts(&crash.history);
        let running = self.texts(&crash.running);
        let mut diagnosis = Vec::new();
        if let Ok(read) = app_diagnose::diagnose(&crash.log, app_diagnose::Wanted::default()) {
            let view = crate::commands::diagnose::view("console.log", &read);
            diagnosis = render::diagnosis::text::report(&view).into_bytes();
        }
        self.write(
            &crash.title,
            &[
                ("title", crash.title.as_bytes()),
                ("first-console.log", crash.log.as_slice()),
                ("console.log", crash.log.as_slice()),
                ("programs.log", programs.as_bytes()),
                ("running.log", running.as_bytes()),
                ("diagnosis.txt", diagnosis.as_slice()),
            ],
        );
    }

    fn found(&self, found: &Found) {
        match &found.reproduced {
            Some(reproduced) => self.reproduced(&found.crash.title, reproduced),
            None => message(&format!("{}: not provoked again", found.crash.title)),
        }
    }
}
