//! The service of the record: pages, rights, interfaces.

#[path = "support/http.rs"]
mod http;

use http::{Answer, Service};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// Settings in which the token of each person is the name with `-token` behind it.
fn settings(more: &str) -> String {
    let people = ["reader", "editor", "admin"].map(|name| {
        let hash = http::hash_of(&format!("{name}-token"));
        format!("[[person]]\nname = \"{name}\"\nrole = \"{name}\"\ntoken_blake3 = \"{hash}\"\n")
    });
    format!("{more}\n{}", people.concat())
}

fn oops(function: &str, number: u32) -> String {
    format!(
        "[   50.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n[   50.000001] Oops: 0000 [#1] PREEMPT SMP\n[   50.000002] CPU: 0 PID: {number} Comm: w Not tainted 6.1.0 #1\n[   50.000003] RIP: 0010:{function}+0x1/0x9\n[   50.000004] Call Trace:\n[   50.000005]  <TASK>\n[   50.000006]  shop_write+0x1/0x9\n[   50.000007]  vfs_write+0x1/0x9\n[   50.000008]  ksys_write+0x1/0x9\n[   50.000009]  do_syscall_64+0x1/0x9\n[   50.000010]  entry_SYSCALL_64_after_hwframe+0x1/0x9\n[   50.000011]  </TASK>\n[   50.000012] ---[ end trace 0000000000000000 ]---\n"
    )
}

/// A service with bug 1, public, and bug 2, private.
fn service(more: &str) -> Service {
    let mut service = Service::folder(&settings(more));
    let logs = service.folder.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    std::fs::write(logs.join("1.log"), oops("shop_reset", 1)).unwrap();
    std::fs::write(logs.join("2.log"), oops("vault_open", 2)).unwrap();
    service.said(&["add", logs.to_str().unwrap(), "--machine", "rack7"]);
    service.said(&["bug", "2", "private"]);
    service.start();
    service
}

fn as_person<'a>(name: &'a str, token: &'a mut String) -> Vec<(&'a str, &'a str)> {
    if name == "nobody" {
        return Vec::new();
    }
    *token = format!("Bearer {name}-token");
    vec![("authorization", token)]
}

/// Every page and call with everybody: 1 is allowed, 0 is not.
#[test]
fn the_table_of_rights_holds_for_every_page_and_call() {
    let service = service("");
    let log = |bug: &str| -> String {
        let whole: serde_json::Value =
            serde_json::from_str(&service.said(&["bug", bug, "--json"])).unwrap();
        whole["crashes"][0]["log"].as_str().unwrap().to_owned()
    };
    let (public, private) = (format!("GET /text/{}", log("1")), format!("GET /text/{}", log("2")));
    let act_on =
        |action: &str, value: &str| format!("{{\"action\":\"{action}\",\"value\":\"{value}\"}}");
    let act = |action: &str| act_on(action, "x: y");
    //             nobody reader editor admin
    let table: &[(&str, &str, [u8; 4])] = &[
        ("GET /", "", [1, 1, 1, 1]),
        ("GET /bugs", "", [1, 1, 1, 1]),
        ("GET /bug/1", "", [1, 1, 1, 1]),
        ("GET /bug/2", "", [0, 1, 1, 1]),
        ("GET /crash/1/log", "", [1, 1, 1, 1]),
        ("GET /crash/2/log", "", [0, 1, 1, 1]),
        (&public, "", [1, 1, 1, 1]),
        (&private, "", [0, 1, 1, 1]),
        ("GET /managers", "", [0, 1, 1, 1]),
        ("GET /jobs", "", [1, 1, 1, 1]),
        ("GET /health", "", [0, 1, 1, 1]),
        ("GET /metrics", "", [0, 1, 1, 1]),
        ("GET /healthz", "", [1, 1, 1, 1]),
        ("GET /linux?json=1", "", [1, 1, 1, 1]),
        ("GET /bug?id=1&json=1", "", [1, 1, 1, 1]),
        ("GET /bug?id=2&json=1", "", [0, 1, 1, 1]),
        ("GET /api/v1/bugs", "", [1, 1, 1, 1]),
        ("GET /api/v1/bugs/1", "", [1, 1, 1, 1]),
        ("GET /api/v1/bugs/2", "", [0, 1, 1, 1]),
        ("POST /api/v1/bugs/1/actions", &act("note"), [0, 0, 1, 1]),
        ("POST /api/v1/bugs/2/actions", &act("note"), [0, 0, 1, 1]),
        // Crashes that move between a public and a private bug are shown or hidden.
        ("POST /api/v1/bugs/2/actions", &act_on("merge", "1"), [0, 0, 0, 1]),
        ("POST /api/v1/bugs/2/actions", &act_on("undo", ""), [0, 0, 0, 1]),
        ("POST /api/v1/bugs/1/actions", &act_on("merge", "2"), [0, 0, 0, 1]),
        ("POST /api/v1/bugs/1/actions", &act_on("split", ""), [0, 0, 0, 1]),
        ("POST /api/v1/bugs/1/actions", &act("public"), [0, 0, 0, 1]),
        ("POST /api/v1/bugs/2/actions", &act("undo"), [0, 0, 0, 1]),
        ("POST /mcp", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", [1, 1, 1, 1]),
        ("POST /api/v1/logs", "no crash here", [0, 0, 1, 1]),
        ("POST /bug/1", "action=note&value=x", [0, 0, 1, 1]),
        ("POST /bug/1", "action=private", [0, 0, 0, 1]),
    ];
    for (line, body, allowed) in table {
        for (name, allowed) in ["nobody", "reader", "editor", "admin"].into_iter().zip(allowed) {
            let mut token = String::new();
            let mut headers = as_person(name, &mut token);
            headers.push(FORM);
            let status = service.request(line, &headers, body).status;
            assert_eq!(status < 400, *allowed == 1, "{name}: {line} {body}: {status}");
        }
    }
    // Where nothing is shown or hidden, merging is a change like others.
    let headers = [("authorization", "Bearer editor-token")];
    service.request("POST /api/v1/logs", &headers, &oops("shop_close", 3));
    for body in [act_on("merge", "2"), act_on("split", ""), act_on("undo", "")] {
        let done = service.request("POST /api/v1/bugs/3/actions", &headers, &body);
        assert_eq!(done.status, 200, "{body}: {done:?}");
    }
    // A job needs a reproducer; whoever may ask is told that, whoever may not is not.
    for (name, expected) in [("nobody", 403), ("reader", 403), ("editor", 400)] {
        let mut token = String::new();
        let headers = as_person(name, &mut token);
        let asked = service.request("POST /api/v1/bugs/1/jobs", &headers, "{\"kind\":\"test\"}");
        assert_eq!(asked.status, expected, "{name}: {asked:?}");
    }
}

#[test]
fn a_kind_of_job_that_nobody_would_take_is_refused() {
    let service = service("");
    let headers = [("authorization", "Bearer editor-token")];
    let asked = service.request("POST /api/v1/bugs/1/jobs", &headers, "{\"kind\":\"reproduce\"}");
    assert!(asked.status == 400 && asked.body.contains("by themselves"), "{asked:?}");
}

#[test]
fn a_private_bug_is_nowhere_to_be_found_by_somebody_who_did_not_log_in() {
    let service = service("");
    for path in [
        "/",
        "/bugs?is=all",
        "/bugs?q=vault&is=all",
        "/bugs?is=all&machine=rack7",
        "/linux?json=1",
        "/jobs",
        "/api/v1/bugs?is=all",
        "/bug/1",
        "/api/v1/bugs/1",
    ] {
        assert!(!service.get(path).body.contains("vault_open"), "{path}");
    }
    assert_eq!(service.get("/api/v1/bugs?is=all").json()["total"], 1);
    let hidden = service.get("/bug/2");
    let absent = service.get("/bug/999");
    assert_eq!(hidden.status, 404);
    assert_eq!(hidden.body.replace("%2Fbug%2F2", ""), absent.body.replace("%2Fbug%2F999", ""));
}

#[test]
fn where_nobody_may_look_nothing_is_shown() {
    let service = service("anonymous = false");
    for path in [
        "/",
        "/bugs",
        "/bug/1",
        "/crash/1/log",
        "/jobs",
        "/linux?json=1",
        "/bug?id=1&json=1",
        "/api/v1/bugs",
        "/api/v1/bugs/1",
        "/events/",
    ] {
        let answer = service.get(path);
        assert!(answer.status >= 400 && !answer.body.contains("shop_reset"), "{path}: {answer:?}");
    }
}

/// Whichever command takes a crash in, the settings say who may see its bug.
#[test]
fn a_record_of_private_bugs_stays_private_whatever_opens_them() {
    let mut service = Service::folder(&settings("public = false"));
    let log = service.folder.path().join("1.log");
    std::fs::write(&log, oops("shop_reset", 1)).unwrap();
    service.said(&["add", log.to_str().unwrap()]);
    std::fs::write(&log, oops("vault_open", 2)).unwrap();
    service.said(&["watch", "--once", "--file", log.to_str().unwrap()]);
    service.start();
    for bug in ["1", "2"] {
        assert!(service.said(&["bug", bug, "--json"]).contains("\"public\":false"), "{bug}");
        assert_eq!(service.get(&format!("/bug/{bug}")).status, 404, "{bug}");
    }
    // The same with settings of another place.
    let config = service.folder.path().join("other.toml");
    std::fs::write(&config, "public = true\n").unwrap();
    std::fs::write(&log, oops("shop_close", 3)).unwrap();
    let words = ["add", log.to_str().unwrap(), "--config", config.to_str().unwrap()];
    service.said(&words);
    assert_eq!(service.get("/bug/3").status, 200);
    std::fs::write(&config, "public = perhaps\n").unwrap();
    let wrong = service.command(&words).output().unwrap();
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("other.toml cannot be used"));
}

/// The cookie of a login.
fn log_in(service: &Service, token: &str) -> Answer {
    service.request("POST /login", &[FORM], &format!("password={token}&to=%2Fbug%2F1"))
}

fn hidden_field(page: &str, name: &str) -> String {
    let head = format!("name=\"{name}\" value=\"");
    page.split(&head)
        .nth(1)
        .unwrap_or_else(|| panic!("{page}"))
        .split('"')
        .next()
        .unwrap()
        .to_owned()
}

#[test]
fn a_person_goes_from_a_new_crash_to_fixed_without_a_script() {
    let service = service("");
    assert_eq!(log_in(&service, "wrong").status, 403);
    let answer = log_in(&service, "editor-token");
    assert_eq!((answer.status, answer.header("location")), (303, Some("/bug/1")));
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert!(answer.head.contains("HttpOnly; SameSite=Strict"));
    let headers = [("cookie", &*cookie), FORM];
    let list = service.request("GET /bugs?q=shop", &headers, "");
    assert!(list.body.contains("href=\"/bug/1\""));
    let page = service.request("GET /bug/1", &headers, "").body;
    assert!(page.contains("no fix is known") && page.contains("/crash/1/log#L"), "{page}");
    let token = hidden_field(&page, "token");
    let post =
        |body: &str| service.request("POST /bug/1", &headers, &format!("token={token}&{body}"));
    assert_eq!(post("action=reported&value=linux-mm").status, 303);
    assert_eq!(post("action=fix&value=shop%3A+count+what+is+left&why=patch+v3").status, 303);
    let refused = post("action=undup");
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("no duplicate"), "{refused:?}");
    assert_eq!(post("action=fixed&value=6.1.1").status, 303);
    let page = service.request("GET /bug/1", &headers, "").body;
    assert!(
        page.contains("s-fixed")
            && page.contains("shop: count what is left")
            && page.contains("patch v3"),
        "{page}"
    );
    // The history says who.
    assert!(
        service
            .said(&["bug", "1", "show", "--brief"])
            .contains("fixed by \"shop: count what is left\", editor: patch v3")
    );
    let out = service.request("POST /logout", &headers, &format!("token={token}"));
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
}

#[test]
fn another_site_cannot_make_a_browser_change_anything() {
    let service = service("");
    let answer = log_in(&service, "editor-token");
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let page = service.request("GET /bug/1", &[("cookie", &cookie)], "").body;
    let token = hidden_field(&page, "token");
    let other = log_in(&service, "admin-token");
    let other = other.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let post =
        |headers: &[(&str, &str)], body: &str| service.request("POST /bug/1", headers, body).status;
    assert_eq!(
        post(&[("cookie", &cookie), FORM], "action=invalid"),
        403,
        "without the word of the form"
    );
    assert_eq!(
        post(&[("cookie", &other), FORM], &format!("action=invalid&token={token}")),
        403,
        "another's word"
    );
    let foreign = [("cookie", &*cookie), FORM, ("sec-fetch-site", "cross-site")];
    assert_eq!(
        post(&foreign, &format!("action=invalid&token={token}")),
        403,
        "sent by another site"
    );
    let json = service.request(
        "POST /api/v1/bugs/1/actions",
        &[("cookie", &cookie)],
        "{\"action\":\"invalid\"}",
    );
    assert_eq!(json.status, 403, "a cookie is not enough for the interface");
    let forged = cookie.replace("editor", "admin");
    assert!(!service.request("GET /bug/2", &[("cookie", &forged)], "").body.contains("vault_open"));
    for to in
        ["//evil.example", "https://evil.example", "/\\evil.example", "/x%0d%0aSet-Cookie:a=b"]
    {
        let answer =
            service.request("POST /login", &[FORM], &format!("password=editor-token&to={to}"));
        assert_eq!(answer.header("location"), Some("/"), "{to}");
    }
    assert!(service.said(&["bug", "1", "--json"]).contains("\"state\":\"new\""));
}

#[test]
fn a_proxy_is_believed_only_at_its_own_address() {
    let proxy = |from: &str| {
        format!("[proxy]\nheader = \"x-user\"\nfrom = [\"{from}\"]\neditors = [\"eve\"]")
    };
    let own = service(&proxy("127.0.0.1"));
    assert_eq!(own.request("GET /bug/2", &[("x-user", "ann")], "").status, 200);
    assert!(own.request("GET /bug/1", &[("x-user", "eve")], "").body.contains("Say what it is"));
    assert!(!own.request("GET /bug/1", &[("x-user", "ann")], "").body.contains("Say what it is"));
    let other = service(&proxy("192.0.2.1"));
    assert_eq!(other.request("GET /bug/2", &[("x-user", "ann")], "").status, 404);
}

#[test]
fn a_hostile_log_stays_text_on_every_page_and_nothing_is_loaded_from_elsewhere() {
    let mut service = Service::folder(&settings(""));
    let evil = "evil<script>alert(1)</script>\u{1b}[31m\u{202e}\"onload='x'";
    let logs = service.folder.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    std::fs::write(logs.join("1.log"), oops(evil, 1) + &format!("{evil}\n")).unwrap();
    std::fs::write(logs.join("2.log"), format!("[   50.000000] WARNING: {evil} is odd\n")).unwrap();
    service.said(&["add", logs.to_str().unwrap(), "--machine", evil]);
    service.said(&["bug", "1", "note", evil]);
    service.said(&["bug", "1", "label", "x:<script>"]);
    service.said(&["bug", "1", "fix", evil, "--why", evil]);
    service.start();
    let headers = [("authorization", "Bearer admin-token")];
    for path in [
        "/",
        "/bugs?is=all",
        "/bugs?q=%22%3E%3Cscript%3E&kind=%3Cscript%3E&is=%3Cscript%3E,new",
        "/bug/1",
        "/bug/2",
        "/crash/1/log",
        "/jobs",
        "/managers",
        "/health",
        "/login?to=%22%3E%3Cscript%3E",
        "/nothing/%3Cscript%3E",
    ] {
        let answer = service.request(&format!("GET {path}"), &headers, "");
        assert!(answer.header("content-security-policy").unwrap().contains("default-src 'none'"));
        assert_eq!(answer.header("content-type").unwrap(), "text/html; charset=utf-8", "{path}");
        let body = answer.body.replace("<script src=\"/live.js\" defer>", "");
        assert!(
            !body.contains("<script") && !body.contains(['\u{1b}', '\u{202e}']),
            "{path}: {body}"
        );
        assert!(!body.contains("onload='") || !body.contains("\"onload="), "{path}");
        for attribute in ["src=\"", "href=\"", "action=\""] {
            for link in body.split(attribute).skip(1) {
                let link = link.split('"').next().unwrap();
                assert!(
                    link.starts_with(['/', '#']) && !link.starts_with("//") || link == "data:,",
                    "{path}: {link}"
                );
            }
        }
    }
    let text = service.said(&["bug", "1", "--json"]);
    let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
    let raw = service.get(&format!("/text/{}", whole["crashes"][0]["log"].as_str().unwrap()));
    assert_eq!(raw.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(raw.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn what_is_too_large_is_refused_and_the_service_goes_on() {
    let service = service("");
    let headers = [("authorization", "Bearer editor-token"), FORM];
    let long = "x".repeat(200 << 10);
    assert_eq!(service.request("POST /bug/1", &headers, &long).status, 413);
    let path = format!("GET /bugs?q={}", "x".repeat(8_000));
    assert_eq!(service.request(&path, &[], "").status, 200);
    assert_eq!(service.get("/crash/99999999999999999999/log").status, 404);
    assert_eq!(service.get("/bugs?page=99999999999&since=-1&is=zzz").status, 200);
    assert_eq!(service.get("/healthz").body, "ok\n");
}

#[test]
fn whoever_may_not_send_something_is_refused_before_it_is_read() {
    use std::io::{Read as _, Write as _};
    let service = service("");
    for path in ["/api/v1/logs", "/api/v1/bugs/1/jobs", "/api/v1/bugs/1/actions"] {
        for token in ["", "Authorization: Bearer reader-token\r\n"] {
            let mut stream = std::net::TcpStream::connect(service.address()).unwrap();
            stream.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
            let head =
                format!("POST {path} HTTP/1.1\r\nHost: x\r\n{token}Content-Length: 50000\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            let mut start = [0; 12];
            let _ = stream.read_exact(&mut start);
            assert_eq!(String::from_utf8_lossy(&start), "HTTP/1.1 403", "{path} {token}");
        }
    }
}

#[test]
fn two_services_of_one_folder_and_wrong_settings_are_told() {
    let mut service = Service::folder(&settings(""));
    service.start();
    let second = service.command(&["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(
        said.contains(&format!("serves this folder (process {})", service.process()))
            && said.contains("hint:"),
        "{said}"
    );
    let wrong = Service::folder("nme = 1");
    let said = wrong.command(&["serve", "--check"]).output().unwrap();
    assert_eq!(said.status.code(), Some(2));
    assert!(String::from_utf8(said.stderr).unwrap().contains("ktriage.toml"));
    let taken = wrong
        .command(&["serve", "--listen", service.address(), "--config", "/dev/null"])
        .output()
        .unwrap();
    assert!(String::from_utf8(taken.stderr).unwrap().contains("cannot listen on"));
}

#[test]
fn the_interface_adds_logs_and_says_what_became_of_them() {
    let service = service("");
    let headers = [("authorization", "Bearer editor-token")];
    let log = oops("shop_close", 3);
    let added = service.request("POST /api/v1/logs?machine=rack9", &headers, &log).json();
    assert_eq!((&added[0]["is_new"], &added[0]["is_repeat"]), (&true.into(), &false.into()));
    let again = service.request("POST /api/v1/logs?machine=rack9", &headers, &log).json();
    assert_eq!(again[0]["is_repeat"], true);
    let list = service.get("/api/v1/bugs?machine=rack9").json();
    assert_eq!(list["total"], 1);
    let wrong =
        service.request("POST /api/v1/bugs/1/actions", &headers, "{\"action\":\"fix\",\"valu\":1}");
    assert_eq!(wrong.status, 400);
    assert!(wrong.json()["error"].as_str().unwrap().contains("valu"));
    let described = service.get("/api/v1/openapi.json").json();
    assert_eq!(described["openapi"], "3.1.0");
    let metrics = service.request("GET /metrics", &headers, "").body;
    assert!(
        metrics.contains("ktriage_bugs{state=\"new\"} 3\n")
            && metrics.contains("ktriage_crashes_total 3\n"),
        "{metrics}"
    );
}

/// A place for changes to be told to: its address, and each request that came.
fn hook() -> (std::net::SocketAddr, std::sync::mpsc::Receiver<String>) {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, told) = std::sync::mpsc::channel::<String>();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut text = Vec::new();
            let mut piece = [0; 4096];
            // Until the body is there: it ends with the object.
            while !text.ends_with(b"}") {
                let length = stream.read(&mut piece).unwrap();
                text.extend_from_slice(&piece[..length]);
            }
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            if sender.send(String::from_utf8(text).unwrap()).is_err() {
                return;
            }
        }
    });
    (address, told)
}

#[test]
fn others_are_told_of_each_change_in_order_also_after_a_pause() {
    let (address, told) = hook();
    let mut service = service(&format!("webhook = [\"http://{address}/hook\"]"));
    let next = || told.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
    // The position is taken at the first look.
    std::thread::sleep(std::time::Duration::from_secs(3));
    service.said(&["bug", "1", "note", "one"]);
    let first = next();
    assert!(
        first.starts_with("POST /hook HTTP/1.1\r\n") && first.contains("\"text\":\"one\""),
        "{first}"
    );
    service.kill();
    service.said(&["bug", "1", "note", "two"]);
    service.said(&["bug", "1", "invalid"]);
    service.start();
    // The first one may come again: it is not known whether it was told before the end.
    let second =
        std::iter::repeat_with(next).find(|text| !text.contains("\"text\":\"one\"")).unwrap();
    assert!(second.contains("\"text\":\"two\""), "{second}");
    assert!(next().contains("\"state\":\"invalid\""));
}

#[test]
fn a_long_pause_loses_no_change() {
    let (address, told) = hook();
    let mut service = service(&format!("webhook = [\"http://{address}/hook\"]"));
    std::thread::sleep(std::time::Duration::from_secs(3));
    service.kill();
    // More than were ever looked at together.
    let logs = service.folder.path().join("many");
    std::fs::create_dir(&logs).unwrap();
    const BUGS: usize = 1_050;
    for at in 0..BUGS {
        std::fs::write(logs.join(format!("{at}.log")), oops(&format!("many_{at}"), 9)).unwrap();
    }
    service.said(&["add", logs.to_str().unwrap()]);
    service.start();
    for at in 0..BUGS {
        let text = told.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
        // Bugs 1 and 2 were there.
        assert!(text.contains(&format!("/bug/{}\"", at + 3)), "{at}: {text}");
    }
}
