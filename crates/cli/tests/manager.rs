//! The protocol of syz-manager and syz-ci, spoken as they speak it: a form of several parts with a compressed payload.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[path = "support/base64.rs"]
mod base64;
#[path = "support/http.rs"]
mod http;

use http::{Answer, Service};

/// Base64 without line ends.
fn encode(bytes: &[u8]) -> String {
    base64::base64(bytes).split_ascii_whitespace().collect()
}

const KEY: &str = "0123456789abcdef0123";

fn service() -> Service {
    let hash = http::hash_of(KEY);
    let mut service = Service::folder(&format!(
        "name = \"upstream\"\n[[client]]\nname = \"ci-one\"\nkey_blake3 = \"{hash}\"\n[[client]]\nname = \"ci-two\"\nkey_blake3 = \"{hash}\"\nmethods = [\"need_repro\"]\n[mail]\nfrom = \"bot@example.org\"\noutbox = \"/nowhere\"\n"
    ));
    service.start();
    service
}

/// The bytes of a call, in the order in which the client writes its parts.
fn form(client: &str, key: &str, method: &str, payload: Option<&Value>) -> Vec<u8> {
    let mut body = Vec::new();
    let mut part = |name: &str, value: &[u8]| {
        body.extend_from_slice(
            format!("--BOUNDARY\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n")
                .as_bytes(),
        );
        body.extend_from_slice(value);
        body.extend_from_slice(b"\r\n");
    };
    part("client", client.as_bytes());
    part("key", key.as_bytes());
    part("method", method.as_bytes());
    if let Some(payload) = payload {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(payload.to_string().as_bytes()).unwrap();
        part("payload", &packed.finish().unwrap());
    }
    body.extend_from_slice(b"--BOUNDARY--\r\n");
    body
}

fn post(service: &Service, path: &str, body: &[u8]) -> Option<Answer> {
    let headers =
        [("content-type", "multipart/form-data; boundary=BOUNDARY"), ("accept-encoding", "gzip")];
    service.try_request(&format!("POST {path}"), &headers, body)
}

fn call(service: &Service, method: &str, payload: &Value) -> Value {
    let answer = post(service, "/api", &form("ci-one", KEY, method, Some(payload))).unwrap();
    assert_eq!(answer.status, 200, "{method}: {answer:?}");
    answer.json()
}

fn refused(service: &Service, method: &str, payload: &Value) -> (u16, String) {
    let answer = post(service, "/api", &form("ci-one", KEY, method, Some(payload))).unwrap();
    assert!(answer.status >= 400, "{method}: {answer:?}");
    (answer.status, answer.body)
}

fn crash(title: &str, number: u32) -> Value {
    json!({
        "BuildID": "build1", "Title": title, "AltTitles": null, "Corrupted": false, "Suppressed": false,
        "Maintainers": null, "Recipients": null, "Log": encode(format!("log {number}").as_bytes()), "Flags": 0,
        "Report": encode(b"report"), "MachineInfo": encode(b"two processors"), "Assets": null,
        "GuiltyFiles": ["net/core/dev.c"], "ReproOpts": null, "ReproSyz": null, "ReproC": null, "ReproLog": null,
        "OriginalTitle": "", "SomethingNewer": [1, 2],
    })
}

fn build(id: &str) -> Value {
    json!({
        "Manager": "net-kasan", "ID": id, "OS": "linux", "Arch": "amd64", "VMArch": "amd64",
        "SyzkallerCommit": "f00f", "SyzkallerCommitDate": "0001-01-01T00:00:00Z", "CompilerID": "gcc 12",
        "KernelRepo": "git://example.org/net.git", "KernelBranch": "main",
        "KernelCommit": "0123456789abcdef0123456789abcdef01234567", "KernelCommitTitle": "Linux 6.13",
        "KernelConfig": encode(b"CONFIG_NET=y\n"), "Commits": null, "FixCommits": null, "Assets": null,
    })
}

fn bug(service: &Service, name: &str) -> Value {
    serde_json::from_str(&service.said(&["bug", name, "--json"])).unwrap()
}

#[test]
fn a_lone_manager_that_uploads_no_build_is_understood() {
    let service = service();
    let mut first = crash("WARNING in dev_queue", 1);
    first["BuildID"] = "".into();
    assert_eq!(call(&service, "report_crash", &first), json!({ "NeedRepro": true }));
    let id = json!({ "BuildID": "", "Title": "WARNING in dev_queue", "Corrupted": false, "Suppressed": false, "MayBeMissing": false, "ReproLog": null });
    assert_eq!(call(&service, "need_repro", &id), json!({ "NeedRepro": true }));
    assert_eq!(call(&service, "report_failed_repro", &id), Value::Null);
    let stats = json!({ "Name": "lone", "Addr": "http://lone:1", "UpTime": 3_600_000_000_000_u64, "Corpus": 12, "PCs": 3, "Cover": 99, "CrashTypes": 1, "FuzzingTime": 60_000_000_000_u64, "Crashes": 1, "SuppressedCrashes": 0, "Execs": 5000 });
    call(&service, "manager_stats", &stats);
    // Nobody tried another log of this machine yet; this bug was tried.
    assert_eq!(call(&service, "log_to_repro", &json!({ "BuildID": "" }))["Title"], "");
    let mut other = crash("WARNING in dev_close", 2);
    other["BuildID"] = "".into();
    call(&service, "report_crash", &other);
    let task = call(&service, "log_to_repro", &json!({ "BuildID": "" }));
    assert_eq!(
        (&task["Title"], &task["CrashLog"]),
        (&"WARNING in dev_close".into(), &encode(b"log 2").into())
    );
    call(
        &service,
        "repro_task_done",
        &json!({ "ReqID": task["ReqID"], "Success": false, "Log": null }),
    );
    call(&service, "log_error", &json!({ "Name": "hub", "Text": "no answer" }));
    let whole = bug(&service, "WARNING in dev_queue");
    assert_eq!(whole["machines"], json!(["ci-one"]));
    assert!(whole["history"].to_string().contains("\"attempt\""), "{whole}");
}

#[test]
fn a_call_that_is_repeated_changes_nothing_again_and_a_later_crash_counts() {
    let service = service();
    let same = crash("WARNING in f", 1);
    for _ in 0..3 {
        assert_eq!(call(&service, "report_crash", &same)["NeedRepro"], true);
    }
    call(&service, "report_crash", &crash("WARNING in f", 2));
    assert_eq!(bug(&service, "WARNING in f")["bug"]["crashes"], 2);
    let failed = json!({ "BuildID": "build1", "Title": "WARNING in f" });
    for _ in 0..3 {
        call(&service, "report_failed_repro", &failed);
    }
    let history = bug(&service, "WARNING in f")["history"].to_string();
    assert_eq!(history.matches("\"attempt\"").count(), 1, "{history}");
}

#[test]
fn no_reproducer_is_wanted_of_what_names_no_place() {
    let service = service();
    let placeless = crash("INFO: rcu detected stall in corrupted", 1);
    assert_eq!(call(&service, "report_crash", &placeless), json!({ "NeedRepro": false }));
    let mut damaged = crash("WARNING in f", 2);
    damaged["Corrupted"] = true.into();
    assert_eq!(call(&service, "report_crash", &damaged), json!({ "NeedRepro": false }));
    let id = json!({ "BuildID": "build1", "Title": "WARNING in f", "Corrupted": true });
    assert_eq!(call(&service, "need_repro", &id), json!({ "NeedRepro": false }));
}

#[test]
fn what_is_wrong_is_refused_with_a_text() {
    let service = service();
    assert_eq!(refused(&service, "fly_to_the_moon", &json!({})).0, 500);
    assert!(
        refused(&service, "need_repro", &json!({ "Title": "unheard of" }))
            .1
            .contains("unknown bug")
    );
    assert_eq!(
        call(&service, "need_repro", &json!({ "Title": "unheard of", "MayBeMissing": true }))["NeedRepro"],
        true
    );
    assert!(
        refused(&service, "upload_build", &json!({ "ID": "x" })).1.contains("Manager is missing")
    );
    assert!(
        refused(&service, "report_crash", &json!({ "Title": "x", "Log": "no base64 *" }))
            .1
            .contains("base64")
    );
    assert!(refused(&service, "report_crash", &json!([1])).1.contains("cannot read the call"));
    let with = |client: &str, key: &str, method: &str| {
        post(&service, "/api", &form(client, key, method, None)).unwrap().status
    };
    assert_eq!(with("", KEY, "job_poll"), 400);
    assert_eq!(with("ci-one", "wrong", "job_poll"), 403);
    assert_eq!(with("ci-six", KEY, "job_poll"), 403);
    assert_eq!(with("ci-two", KEY, "job_poll"), 403, "not among its methods");
    assert_eq!(post(&service, "/api", b"rubbish").unwrap().status, 400);
    let bomb = {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let zeros = vec![b' '; 1 << 20];
        (0..200).for_each(|_| packed.write_all(&zeros).unwrap());
        let mut body = form("ci-one", KEY, "job_poll", None);
        body.truncate(body.len() - "--BOUNDARY--\r\n".len());
        body.extend_from_slice(
            b"--BOUNDARY\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n",
        );
        body.extend_from_slice(&packed.finish().unwrap());
        body.extend_from_slice(b"\r\n--BOUNDARY--\r\n");
        body
    };
    let answer = post(&service, "/api", &bomb).unwrap();
    assert!(answer.body.contains("cannot be unpacked"), "{answer:?}");
    let long = json!({ "Text": "x".repeat(1 << 20) });
    assert_eq!(call(&service, "log_error", &long), Value::Null);
    // 40 MiB that cannot be compressed away; the connection may end before all of it was sent.
    let mut too_long = form("ci-one", KEY, "log_error", None);
    too_long.truncate(too_long.len() - "--BOUNDARY--\r\n".len());
    too_long.extend_from_slice(
        b"--BOUNDARY\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n",
    );
    too_long.resize(40 << 20, b'x');
    too_long.extend_from_slice(b"\r\n--BOUNDARY--\r\n");
    let answer = post(&service, "/api", &too_long);
    assert!(answer.is_none_or(|answer| answer.status >= 400));
    assert_eq!(service.get("/healthz").status, 200);
}

#[test]
fn other_ways_to_send_a_call_are_understood() {
    let service = service();
    let body = format!("client=ci-one&key={KEY}&method=client_info");
    let form_type = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(
        service.request("POST /api", &form_type, &body).json(),
        json!({ "Namespace": "upstream" })
    );
    let double = post(&service, "//api", &form("ci-one", KEY, "needed_assets", None)).unwrap();
    assert_eq!(double.json(), json!({ "DownloadURLs": [] }));
    assert_eq!(double.header("content-type"), Some("application/json"));
    assert!(service.address().starts_with("127.0.0.1:"));
    for (method, empty) in [
        ("reporting_poll_bugs", json!({ "Reports": null })),
        ("reporting_poll_notifs", json!({ "Notifications": null })),
        ("reporting_poll_closed", json!({ "IDs": null })),
        ("save_coverage", Value::Null),
    ] {
        assert_eq!(call(&service, method, &json!({})), empty, "{method}");
    }
    // Names of fields in any case, null for whatever is empty.
    let odd = json!({ "buildid": null, "TITLE": "WARNING in g", "log": null, "alttitles": null });
    assert_eq!(call(&service, "report_crash", &odd)["NeedRepro"], true);
}

/// From a build to a bug that is fixed: with reproducer, commits, jobs.
#[test]
fn syz_ci_goes_from_build_to_fixed() {
    let service = service();
    call(&service, "job_reset", &json!({ "Managers": ["net-kasan"] }));
    call(&service, "upload_build", &build("build1"));
    call(&service, "add_build_assets", &json!({ "BuildID": "build1", "Assets": [] }));
    let poll = call(&service, "builder_poll", &json!({ "Manager": "net-kasan" }));
    assert_eq!(poll, json!({ "PendingCommits": [], "ReportEmail": "bot@example.org" }));
    let mut failed = build("build0");
    failed["KernelCommit"] = "ffff".into();
    call(
        &service,
        "report_build_error",
        &json!({ "Build": failed, "Crash": crash("net build error", 7) }),
    );

    let title = "KASAN: use-after-free Read in dev_queue";
    call(&service, "report_crash", &crash(title, 1));
    let mut reproduced = crash("KASAN: use-after-free Write in dev_queue", 2);
    reproduced["AltTitles"] = json!(["KASAN: bad access in dev_queue"]);
    reproduced["OriginalTitle"] = title.into();
    reproduced["ReproSyz"] = encode(b"socket(0x1)").into();
    reproduced["ReproC"] = encode(b"int main(void) {}").into();
    reproduced["ReproOpts"] = encode(b"{\"threaded\":true}").into();
    assert_eq!(call(&service, "report_crash", &reproduced), json!({ "NeedRepro": false }));
    let whole = bug(&service, title);
    assert_eq!((&whole["bug"]["reproducer"], &whole["bug"]["crashes"]), (&"c".into(), &2.into()));
    assert_eq!(whole["machines"], json!(["net-kasan"]));
    let external = whole["bug"]["external"].as_str().unwrap().to_owned();
    let id = whole["bug"]["id"].to_string();
    let listed = call(&service, "bug_list", &json!({}))["List"].to_string();
    assert!(listed.contains(&external));
    assert_eq!(call(&service, "load_bug", &json!({ "ID": external }))["Title"], title);

    job_goes_out_and_comes_back(&service, &external, &id);

    let found = json!({ "Discussion": { "ID": "1@example.org", "Source": "lore", "Type": "patch", "Subject": "[PATCH] net: hold it", "BugIDs": [external], "Messages": [] } });
    call(&service, "save_discussion", &found);
    call(&service, "save_discussion", &found);
    assert_eq!(bug(&service, &id)["bug"]["state"], "fix_proposed");
    let tagged = json!({ "Commits": [{ "Hash": "", "Title": "net: hold it longer", "BugIDs": [external] }] });
    call(&service, "upload_commits", &tagged);
    assert_eq!(bug(&service, &id)["bug"]["state"], "fix_known");
    assert_eq!(
        call(&service, "commit_poll", &json!({}))["Commits"],
        json!(["net: hold it longer"])
    );
    call(
        &service,
        "upload_commits",
        &json!({ "Commits": [{ "Hash": "abcdef0123456789", "Title": "net: hold it longer" }] }),
    );
    assert_eq!(bug(&service, &id)["bug"]["fixes"][0]["hash"], "abcdef0123456789");
    let poll = call(&service, "builder_poll", &json!({ "Manager": "net-kasan" }));
    assert_eq!(poll["PendingCommits"], json!(["net: hold it longer"]));
    let mut newer = build("build2");
    newer["Commits"] = json!(["net: hold it longer", "net: something else"]);
    call(&service, "upload_build", &newer);
    assert_eq!(bug(&service, &id)["bug"]["state"], "fixed");
    call(&service, "upload_build", &newer);
    let public = service.get("/upstream/fixed?json=1").json();
    assert_eq!(public["Bugs"][0]["title"], title);
    assert_eq!(public["Bugs"][0]["fix-commits"][0]["hash"], "abcdef0123456789");
    let one = service.get(&format!("/bug?extid={external}&json=1")).json();
    for key in [
        "version",
        "title",
        "id",
        "status",
        "first-crash",
        "last-crash",
        "crashes",
        "fix-commits",
        "close-time",
    ] {
        assert!(!one[key].is_null(), "{key}: {one}");
    }
    assert_eq!(one["crashes"][0]["kernel-source-git"], "git://example.org/net.git");
}

fn job_goes_out_and_comes_back(service: &Service, external: &str, id: &str) {
    let willing = json!({ "Managers": { "net-kasan": { "TestPatches": true, "BisectCause": false, "BisectFix": false } } });
    assert_eq!(call(service, "job_poll", &willing)["ID"], "");
    service.said(&["bug", id, "test", "--branch", "next"]);
    let other = json!({ "Managers": { "mm-kasan": { "TestPatches": true } } });
    assert_eq!(call(service, "job_poll", &other)["ID"], "", "other machines do not take it");
    let job = call(service, "job_poll", &willing);
    assert_eq!(
        (&job["Type"], &job["Manager"], &job["KernelBranch"]),
        (&0.into(), &"net-kasan".into(), &"next".into())
    );
    assert_eq!(job["KernelRepo"], "git://example.org/net.git");
    assert_eq!(job["KernelConfig"], encode(b"CONFIG_NET=y\n"));
    assert_eq!(
        (&job["ReproC"], &job["ReproSyz"]),
        (&encode(b"int main(void) {}").into(), &encode(b"socket(0x1)").into())
    );
    assert!(job["ID"].as_str().unwrap().starts_with(external));
    assert_eq!(call(service, "job_poll", &willing)["ID"], "", "it is under way");
    call(service, "job_reset", &json!({ "Managers": ["net-kasan"] }));
    assert_eq!(call(service, "job_poll", &willing)["ID"], job["ID"], "a reset hands it out again");
    let done = json!({ "ID": job["ID"], "Build": build("job"), "Error": null, "Log": encode(b"it ran"), "CrashTitle": "", "CrashLog": null, "CrashReport": null, "Commits": null, "Flags": 0 });
    call(service, "job_done", &done);
    call(service, "job_done", &done);
    let history = bug(service, id)["history"].to_string();
    assert_eq!(history.matches("no crash").count(), 1, "{history}");
    assert!(service.get("/jobs").body.contains("no crash"));
}

/// A reproducer runs again on the manager's current kernel, so often that clean runs are no accident.
#[test]
fn a_reproducer_that_no_longer_crashes_is_revoked() {
    let service = service();
    call(&service, "upload_build", &build("build1"));
    let mut reproduced = crash("WARNING in dev_queue", 1);
    reproduced["ReproSyz"] = encode(b"socket(0x1)").into();
    call(&service, "report_crash", &reproduced);
    let mut newer = build("build2");
    newer["KernelCommit"] = "ffff456789abcdef0123456789abcdef01234567".into();
    call(&service, "upload_build", &newer);
    let id = "WARNING in dev_queue";
    let willing = json!({ "Managers": { "net-kasan": { "TestPatches": true } } });
    let run = |crashed: &str, error: &str| {
        let job = call(&service, "job_poll", &willing);
        assert_eq!((&job["Type"], &job["Patch"]), (&json!(0), &Value::Null), "{job}");
        assert_eq!(job["KernelCommit"], newer["KernelCommit"], "the manager's current kernel");
        let done = json!({ "ID": job["ID"], "Build": newer, "Error": encode(error.as_bytes()),
            "CrashTitle": crashed });
        call(&service, "job_done", &done);
    };
    service.said(&["bug", id, "retest"]);
    run("", "");
    let newest = |what: &str| {
        let history = bug(&service, id)["history"].as_array().unwrap().clone();
        history.into_iter().rfind(|entry| entry["action"]["action"] == what).unwrap()["action"]
            .clone()
    };
    assert_eq!(newest("retest")["runs"], 1);
    assert_eq!(newest("retest")["revoked"], false, "with one known crash one run proves nothing");
    // It is asked for again by itself, and an error tells nothing.
    run("", "the kernel does not boot");
    assert_eq!(newest("retest")["runs"], 1);
    service.said(&["bug", id, "retest"]);
    for runs in 2..=99 {
        run("", "");
        assert_eq!(newest("retest")["runs"], runs);
    }
    assert_eq!(newest("retest")["revoked"], false);
    run("", "");
    assert_eq!(
        (&newest("retest")["runs"], &newest("retest")["revoked"]),
        (&json!(100), &json!(true))
    );
    assert_eq!(bug(&service, id)["bug"]["reproducer"], "none");
    assert_eq!(call(&service, "job_poll", &willing)["ID"], "", "it is settled");
}

/// Whatever was answered is in the record, whenever the service is killed; a client that tries again adds nothing twice.
#[test]
fn a_kill_of_the_service_loses_no_crash_that_was_answered() {
    let mut service = service();
    let mut random = fastrand::Rng::with_seed(11);
    let mut answered = 0;
    for round in 0..20 {
        let so_far = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let senders: Vec<_> = (0..4_u32)
                .map(|sender| {
                    let (service, so_far) = (&service, &so_far);
                    scope.spawn(move || {
                        (0..1000)
                            .take_while(|number| {
                                let number = round * 10_000 + sender * 1_000 + number;
                                let body = form(
                                    "ci-one",
                                    KEY,
                                    "report_crash",
                                    Some(&crash("WARNING in f", number)),
                                );
                                let answer = post(service, "/api", &body);
                                let is_taken = answer.is_some_and(|answer| answer.status == 200);
                                so_far.fetch_add(usize::from(is_taken), Ordering::Relaxed);
                                is_taken
                            })
                            .count()
                    })
                })
                .collect();
            // In the middle of the work, however fast the machine is.
            let enough = random.usize(1..40);
            let deadline = Instant::now() + Duration::from_secs(60);
            while so_far.load(Ordering::Relaxed) < enough && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(1));
            }
            let id = service.process();
            let killed =
                std::process::Command::new("kill").args(["-9", &id.to_string()]).status().unwrap();
            assert!(killed.success());
            answered += senders.into_iter().map(|sender| sender.join().unwrap()).sum::<usize>();
        });
        service.kill();
        service.start();
    }
    let counted = bug(&service, "WARNING in f")["bug"]["crashes"].as_u64().unwrap() as usize;
    assert!(answered >= 20, "{answered}");
    // Each kill may have cut off four answers whose crashes were in the record.
    assert!(
        (answered..=answered + 80).contains(&counted),
        "{answered} answered, {counted} counted"
    );
}

/// Each job is done once, whenever the service is killed; one whose hand-out was lost comes again after a reset.
#[test]
fn a_kill_of_the_service_does_no_job_twice_and_loses_none() {
    const JOBS: usize = 40;
    const KILLS: usize = 30;
    let mut service = service();
    call(&service, "upload_build", &build("build1"));
    let mut reproduced = crash("WARNING in dev_queue", 1);
    reproduced["ReproC"] = encode(b"int main(void) {}").into();
    call(&service, "report_crash", &reproduced);
    for _ in 0..JOBS {
        service.said(&["bug", "1", "test"]);
    }
    let willing = json!({ "Managers": { "net-kasan": { "TestPatches": true } } });
    let reset = json!({ "Managers": ["net-kasan"] });
    let mut random = fastrand::Rng::with_seed(3);
    let mut killed = 0;
    loop {
        // syz-ci as it starts: nothing runs there.
        call(&service, "job_reset", &reset);
        let process = service.process().to_string();
        let moment = Duration::from_micros(random.u64(0..60_000));
        let is_last = killed >= KILLS;
        let ended = std::thread::scope(|scope| {
            let worker = scope.spawn(|| {
                loop {
                    let ask = |method: &str, payload: &Value| -> Option<Value> {
                        let answer =
                            post(&service, "/api", &form("ci-one", KEY, method, Some(payload)))?;
                        (answer.status == 200).then(|| answer.json())
                    };
                    let Some(job) = ask("job_poll", &willing) else { return false };
                    if job["ID"] == "" {
                        return true;
                    }
                    let done =
                        json!({ "ID": job["ID"], "Build": build("job"), "Log": encode(b"it ran") });
                    // The client repeats what it got no answer to.
                    if ask("job_done", &done).is_none() && ask("job_done", &done).is_none() {
                        return false;
                    }
                }
            });
            if !is_last {
                std::thread::sleep(moment);
                let _ = std::process::Command::new("kill").args(["-9", &process]).status();
            }
            worker.join().unwrap()
        });
        if is_last {
            assert!(ended, "all jobs were done");
            break;
        }
        killed += 1;
        service.kill();
        service.start();
    }
    let history = bug(&service, "1")["history"].as_array().unwrap().clone();
    let mut done: Vec<i64> = history
        .iter()
        .filter(|entry| entry["action"]["action"] == "job_done")
        .map(|entry| entry["action"]["job"].as_i64().unwrap())
        .collect();
    done.sort_unstable();
    assert_eq!(done, (1..=JOBS as i64).collect::<Vec<_>>());
}
