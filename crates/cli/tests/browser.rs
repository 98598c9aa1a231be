//! The pages in a real browser.

#[path = "support/http.rs"]
mod http;
#[path = "support/webdriver.rs"]
mod webdriver;

use http::Service;
use webdriver::Browser;

fn service() -> Service {
    let hash = http::hash_of("admin-token");
    Service::folder(&format!(
        "[[person]]\nname = \"ann\"\nrole = \"admin\"\ntoken_blake3 = \"{hash}\"\n"
    ))
}

fn oops(function: &str) -> String {
    format!(
        "[   50.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n[   50.000001] Oops: 0000 [#1] PREEMPT SMP\n[   50.000002] CPU: 0 PID: 7 Comm: w Not tainted 6.1.0 #1\n[   50.000003] RIP: 0010:{function}+0x1/0x9\n[   50.000004] Call Trace:\n[   50.000005]  <TASK>\n[   50.000006]  shop_write+0x1/0x9\n[   50.000007]  vfs_write+0x1/0x9\n[   50.000008]  </TASK>\n[   50.000009] ---[ end trace 0000000000000000 ]---\n"
    )
}

fn add(service: &Service, name: &str, log: &str, machine: &str) {
    let path = service.folder.path().join(name);
    std::fs::write(&path, log).unwrap();
    service.said(&["add", path.to_str().unwrap(), "--machine", machine]);
}

fn log_in(browser: &Browser, home: &str) {
    browser.go(&format!("{home}/login"));
    browser.type_into("input[name=password]", "admin-token");
    browser.click("form[action='/login'] button");
    browser.until("location.pathname === '/'");
}

/// Nothing was asked of anybody but the service.
fn asked_only(browser: &Browser, home: &str) {
    for url in browser.requests() {
        let own = url.starts_with(&format!("{home}/")) || url.starts_with("data:");
        assert!(own || url.starts_with("about:") || url.starts_with("chrome:"), "{url}");
    }
}

#[test]
fn a_person_goes_from_a_new_crash_to_fixed() {
    let Some(browser) = Browser::open() else { return };
    let mut service = service();
    add(&service, "1.log", &oops("shop_reset"), "rack7");
    service.start();
    let home = format!("http://{}", service.address());
    log_in(&browser, &home);
    browser.go(&format!("{home}/"));
    // From the first page to the new bug.
    browser.click("a[href='/bug/1']");
    browser.until("location.pathname === '/bug/1'");
    for word in ["new", "6.1.0", "rack7", "no fix is known"] {
        browser.until_read("dl.facts", word);
    }
    let say = |action: &str, value: &str, seen: &str| {
        browser.click(&format!("form.act option[value={action}]"));
        browser.type_into("form.act input[name=value]", value);
        browser.click("form.act button[type=submit]");
        browser.until_read("dl.facts", seen);
    };
    say("reported", "linux-mm", "reported");
    say("fix", "shop: count what is left", "shop: count what is left");
    say("fixed", "6.1.1", "fixed");
    browser.until_read("ol.line", "the fix is in 6.1.1");
    // It is no longer among the open ones, and found again by a search.
    browser.go(&format!("{home}/bugs"));
    assert_eq!(browser.script("return document.querySelectorAll(\"a[href='/bug/1']\").length"), 0);
    browser.go(&format!("{home}/bugs?is=all&q=shop_reset"));
    browser.click("a[href='/bug/1']");
    // A line of the diagnosis opens the log at that line.
    browser.click("a[href^='/crash/1/log#L']");
    browser.until("location.pathname === '/crash/1/log' && location.hash.startsWith('#L')");
    asked_only(&browser, &home);
}

#[test]
fn a_hostile_log_does_nothing_on_any_page_and_every_page_fits_a_telephone() {
    let Some(browser) = Browser::open() else { return };
    let mut service = service();
    let evil = "evil<script>window.hacked=1;alert(1)</script><img/src=x/onerror=window.hacked=2>\u{1b}[31m\u{202e}\"onmouseover='window.hacked=3'";
    let long = "a_function_name_that_is_so_long_that_no_telephone_shows_it_in_one_line_of_its_screen_at_all";
    add(&service, "1.log", &(oops(evil) + evil + "\n"), evil);
    add(&service, "2.log", &oops(long), "http://evil.example/x.png");
    service.said(&["bug", "1", "note", evil]);
    service.said(&["bug", "1", "label", "subsystems:<script>window.hacked=4</script>"]);
    service.said(&["bug", "2", "proposed", "javascript:window.hacked=5", "--why", evil]);
    service.start();
    let home = format!("http://{}", service.address());
    log_in(&browser, &home);
    for path in [
        "/",
        "/bugs?is=all",
        "/bugs?q=%22%3E%3Cscript%3Ewindow.hacked=6%3C/script%3E",
        "/bug/1",
        "/bug/2",
        "/crash/1/log",
        "/crash/2/log",
        "/jobs",
        "/managers",
        "/health",
        "/login?to=%22%3E%3Cscript%3E",
        "/nothing/%3Cscript%3E",
    ] {
        for width in [400, 1300] {
            browser.resize(width, 900);
            browser.go(&format!("{home}{path}"));
            assert_eq!(browser.dialog(), None, "{path}");
            assert!(browser.script("return window.hacked").is_null(), "{path}");
            let odd = "return [...document.querySelectorAll('script')].filter(s => !s.src.endsWith('/live.js')).length";
            assert_eq!(browser.script(odd), 0, "{path}");
            let foreign = "return [...document.querySelectorAll('a[href],img[src],form[action]')].map(e => new URL(e.getAttribute('href') || e.getAttribute('src') || e.getAttribute('action'), location.href)).filter(u => u.origin !== location.origin).length";
            assert_eq!(browser.script(foreign), 0, "{path}");
            let over = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert!(browser.script(over).as_i64().unwrap() <= 1, "{path} is wider than {width}");
        }
    }
    asked_only(&browser, &home);
}
