//! What calls hold, by the names of fields in lower case.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::bytes::Bytes;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Commit {
    pub(super) hash: String,
    pub(super) title: String,
    #[serde(rename = "bugids")]
    pub(super) bug_ids: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Build {
    pub(super) manager: String,
    pub(super) id: String,
    pub(super) os: String,
    pub(super) arch: String,
    #[serde(rename = "vmarch")]
    pub(super) vm_arch: String,
    #[serde(rename = "syzkallercommit")]
    pub(super) syzkaller_commit: String,
    #[serde(rename = "compilerid")]
    pub(super) compiler_id: String,
    #[serde(rename = "kernelrepo")]
    pub(super) kernel_repo: String,
    #[serde(rename = "kernelbranch")]
    pub(super) kernel_branch: String,
    #[serde(rename = "kernelcommit")]
    pub(super) kernel_commit: String,
    #[serde(rename = "kernelcommittitle")]
    pub(super) kernel_commit_title: String,
    #[serde(rename = "kernelconfig")]
    pub(super) kernel_config: Bytes,
    pub(super) commits: Vec<String>,
    #[serde(rename = "fixcommits")]
    pub(super) fix_commits: Vec<Commit>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Crash {
    #[serde(rename = "buildid")]
    pub(super) build_id: String,
    pub(super) title: String,
    #[serde(rename = "alttitles")]
    pub(super) alt_titles: Vec<String>,
    pub(super) corrupted: bool,
    pub(super) suppressed: bool,
    pub(super) log: Bytes,
    pub(super) report: Bytes,
    #[serde(rename = "machineinfo")]
    pub(super) machine_info: Bytes,
    #[serde(rename = "guiltyfiles")]
    pub(super) guilty_files: Vec<String>,
    #[serde(rename = "reproopts")]
    pub(super) repro_opts: Bytes,
    #[serde(rename = "reprosyz")]
    pub(super) repro_syz: Bytes,
    #[serde(rename = "reproc")]
    pub(super) repro_c: Bytes,
    #[serde(rename = "originaltitle")]
    pub(super) original_title: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct BuildError {
    pub(super) build: Build,
    pub(super) crash: Crash,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CrashId {
    pub(super) title: String,
    pub(super) corrupted: bool,
    pub(super) suppressed: bool,
    #[serde(rename = "maybemissing")]
    pub(super) may_be_missing: bool,
    #[serde(rename = "reprolog")]
    pub(super) repro_log: Bytes,
}

/// What only names a manager or a build.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Name {
    pub(super) manager: String,
    #[serde(rename = "buildid")]
    pub(super) build_id: String,
    pub(super) id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Stats {
    pub(super) name: String,
    pub(super) addr: String,
    /// In nanoseconds, as all durations.
    #[serde(rename = "uptime")]
    pub(super) up_time: i64,
    pub(super) corpus: u64,
    pub(super) pcs: u64,
    pub(super) cover: u64,
    #[serde(rename = "crashtypes")]
    pub(super) crash_types: u64,
    #[serde(rename = "fuzzingtime")]
    pub(super) fuzzing_time: i64,
    pub(super) crashes: u64,
    #[serde(rename = "suppressedcrashes")]
    pub(super) suppressed_crashes: u64,
    pub(super) execs: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Commits {
    pub(super) commits: Vec<Commit>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Willing {
    #[serde(rename = "testpatches")]
    pub(super) test: bool,
    #[serde(rename = "bisectcause")]
    pub(super) cause: bool,
    #[serde(rename = "bisectfix")]
    pub(super) fix: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct JobPoll {
    pub(super) managers: BTreeMap<String, Willing>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct JobReset {
    pub(super) managers: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct JobDone {
    pub(super) id: String,
    pub(super) build: Build,
    pub(super) error: Bytes,
    pub(super) log: Bytes,
    #[serde(rename = "crashtitle")]
    pub(super) crash_title: String,
    #[serde(rename = "crashlog")]
    pub(super) crash_log: Bytes,
    pub(super) commits: Vec<Commit>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SaveDiscussion {
    pub(super) discussion: Discussion,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Discussion {
    pub(super) id: String,
    pub(super) subject: String,
    pub(super) r#type: String,
    #[serde(rename = "bugids")]
    pub(super) bug_ids: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LogError {
    pub(super) name: String,
    pub(super) text: String,
}
