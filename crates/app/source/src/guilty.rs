//! The file at which a crash points.

use std::collections::HashMap;

use analysis_identity::{CrashReport, guilty_file};
use analysis_tree::evidence::Evidence;
use analysis_tree::places::{architecture, meant};
use analysis_tree::who::{Guilty, How};

use crate::{Error, Place, Tree};

/// Functions of one report that are looked for in a tree.
const MOST: usize = 30;

impl Tree {
    /// The file at which a report points: the one that it names, else that of the first function which is no helper.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub fn guilty(&self, report: &CrashReport) -> Result<Option<Guilty>, Error> {
        if let Some(file) = &report.guilty_file {
            return Ok(Some(self.pointed(report, file.clone(), How::Named, Vec::new())));
        }
        let architecture = architecture(&report.text);
        let mut known: HashMap<String, Vec<Place>> = HashMap::new();
        let mut order: Vec<String> = Vec::new();
        let mut failed = None;
        // First every function's places: what is defined once tells which of several another one means.
        guilty_file(report, &mut |function| {
            if !known.contains_key(function) && known.len() < MOST && failed.is_none() {
                match self.places(function) {
                    Ok(places) => {
                        order.push(function.to_owned());
                        known.insert(function.to_owned(), places);
                    }
                    Err(error) => failed = Some(error),
                }
            }
            None
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let places = |function: &str, near: &[String]| -> Vec<&Place> {
            let all = known.get(function).map(Vec::as_slice).unwrap_or_default();
            meant(all, |place| &place.path, architecture, near)
        };
        let near: Vec<String> = order
            .iter()
            .filter_map(|function| match places(function, &[]).as_slice() {
                [one] => Some(one.path.clone()),
                _ => None,
            })
            .collect();
        let found = guilty_file(report, &mut |function| {
            places(function, &near).first().map(|place| place.path.clone())
        });
        Ok(found.map(|(file, function)| {
            let all = places(&function, &near);
            let line = all.first().map_or(0, |place| place.line);
            let mut others: Vec<String> =
                all.iter().map(|place| place.path.clone()).filter(|path| *path != file).collect();
            others.dedup();
            self.pointed(report, file, How::Defined { function, line }, others)
        }))
    }

    /// Adds the guilty file of a log's first report to what is known of a crash that names no file.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub fn complete(&self, evidence: &mut Evidence, log: &[u8]) -> Result<(), Error> {
        if !evidence.files.is_empty() {
            return Ok(());
        }
        let text = parse_console::mail::text(log);
        let Some(report) = analysis_identity::read_log(&text).reports.into_iter().next() else {
            return Ok(());
        };
        if let Some(guilty) = self.guilty(&report)?.filter(|guilty| guilty.others.is_empty()) {
            evidence.files.push(guilty.file);
        }
        Ok(())
    }

    fn pointed(&self, report: &CrashReport, file: String, how: How, others: Vec<String>) -> Guilty {
        let is_there = self.source().is_file(&file);
        let (title, header_line) = (report.title.clone(), report.header_line);
        Guilty { title, header_line, file, how, others, is_there }
    }
}
