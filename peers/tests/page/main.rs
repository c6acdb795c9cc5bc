//! The page of a run, in a real browser: what is on it, and that clicks and keys do what they say.
//!
//! `PAGE_SCREENSHOTS=FOLDER` keeps pictures of what the tests have seen.

#![cfg(target_os = "linux")]

mod browser;
mod runs;

use browser::{Browser, key};
use serde_json::{Value, json};
use simnet::page::{Explained, write};
use simnet::trace::Trace;
use std::path::PathBuf;

const REPLAY: &str = "cargo course replay 07 --test part_c_agrees --seed 3";

/// A page in a folder of its own.
fn page(name: &str, run: &Explained<'_>) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pages").join(format!("{name}.html"));
    write(run, &path).expect("the page can be written");
    path
}

/// A browser that shows a trace, and asked for nothing but the page.
fn shown(name: &str, trace: &Trace) -> Browser {
    let browser = Browser::start();
    open(&browser, name, &Explained::of(trace).in_test("part_c_agrees").replayed_by(REPLAY));
    browser
}

fn open(browser: &Browser, name: &str, run: &Explained<'_>) {
    let path = page(name, run);
    browser.requests();
    browser.open(&path);
    assert_eq!(browser.requests(), [format!("file://{}", path.display())], "the page is one file");
}

/// What is selected, in words.
fn said(browser: &Browser) -> String {
    browser.text("document.getElementById('said').textContent")
}

/// The place of the selected event in its run.
fn selected(browser: &Browser) -> u64 {
    let hash = browser.text("location.hash");
    hash.rsplit('-')
        .next()
        .and_then(|place| place.parse().ok())
        .unwrap_or_else(|| panic!("the address is {hash}"))
}

fn count(browser: &Browser, selector: &str) -> u64 {
    browser.value(&format!("document.querySelectorAll({selector:?}).length")).as_u64().expect("a number")
}

/// The selected line is in the picture, wholly.
fn selected_is_seen(browser: &Browser) {
    browser.wait(
        "(() => { const line = document.querySelector('.line.selected').getBoundingClientRect();
           const box = document.getElementById('scroller').getBoundingClientRect();
           const heads = document.getElementById('heads').getBoundingClientRect();
           return line.height > 2 && line.top >= heads.bottom - 1 && line.bottom <= box.bottom + 1; })()",
    );
}

#[test]
#[ignore = "needs chromium and chromedriver; run: cargo test -p peers --test page -- --include-ignored"]
fn what_is_seen_first_is_the_rule_and_the_picture() {
    let browser = Browser::start();
    for (name, trace) in [
        ("forgetful-acceptor", runs::forgetful_acceptor()),
        ("hasty-learner", runs::hasty_learner()),
        ("lonely-proposer", runs::lonely_proposer()),
    ] {
        let violation = trace
            .events
            .iter()
            .find(|event| event.why.is_some() && event.kind == simnet::trace::Kind::Violation);
        let rule = violation.and_then(|event| event.why.clone()).expect("the run breaks a rule");
        for (width, height) in [(1400, 900), (1280, 720)] {
            browser.resize(width, height);
            open(&browser, name, &Explained::of(&trace).replayed_by(REPLAY));
            assert_eq!(browser.text("document.getElementById('rule').textContent"), rule);
            // The rule is the largest text of all, and both it and the broken line are in the window.
            let largest = "Math.max(...[...document.querySelectorAll('body *')].map((one) => parseFloat(getComputedStyle(one).fontSize)))";
            assert_eq!(
                browser.value("parseFloat(getComputedStyle(document.getElementById('rule')).fontSize)"),
                browser.value(largest)
            );
            selected_is_seen(&browser);
            let inside = "['rule', 'canvas', 'event-title'].every((id) => document.getElementById(id).getBoundingClientRect().top < innerHeight - 40)";
            assert_eq!(browser.value(inside), true);
            assert_eq!(count(&browser, ".line.broken.selected"), 1);
            assert!(count(&browser, ".arrow .tip") > 5, "arrows are drawn");
            assert!(count(&browser, ".fact-got dd") == 1 && count(&browser, ".fact-expected dd") == 1);
            assert_eq!(browser.text("document.getElementById('command').textContent"), REPLAY);
            // Nothing is wider than the window.
            assert_eq!(
                browser.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth"),
                true
            );
            browser.screenshot(&format!("first-{name}-{width}"));
        }
        browser.nothing_is_wrong();
    }
}

#[test]
#[ignore = "needs chromium and chromedriver; run: cargo test -p peers --test page -- --include-ignored"]
fn keys_walk_the_events() {
    let trace = runs::forgetful_acceptor();
    let browser = shown("keys", &trace);
    let walked: Vec<u64> = (0..trace.events.len() as u64)
        .filter(|&place| trace.events[place as usize].kind != simnet::trace::Kind::State)
        .collect();
    browser.press(&[key::HOME]);
    assert_eq!(selected(&browser), walked[0]);
    // Each event in turn, and back.
    for place in &walked[1..] {
        browser.press(&[key::RIGHT]);
        assert_eq!(selected(&browser), *place);
    }
    selected_is_seen(&browser);
    browser.press(&[key::RIGHT]);
    assert_eq!(selected(&browser), *walked.last().unwrap(), "it stays at the end");
    browser.press(&[key::LEFT, key::LEFT]);
    assert_eq!(selected(&browser), walked[walked.len() - 3]);
    browser.press(&[key::END]);
    assert_eq!(selected(&browser), *walked.last().unwrap());

    // Up and down stay at the node.
    let place = trace.events.iter().rposition(|event| event.kind == simnet::trace::Kind::Deliver).unwrap();
    browser.script(&format!("location.hash = '#original-{place}'"));
    browser.press(&["v"]);
    assert!(said(&browser).contains("RULE BROKEN"), "{}", said(&browser));
    browser.press(&[key::UP]);
    let node = trace.events[selected(&browser) as usize].node.clone();
    for _ in 0..4 {
        let before = selected(&browser);
        browser.press(&[key::UP]);
        assert!(selected(&browser) < before);
        assert_eq!(trace.events[selected(&browser) as usize].node, node);
    }
    let above = selected(&browser);
    browser.press(&[key::DOWN, key::UP]);
    assert_eq!(selected(&browser), above);

    // From a delivery to its send, and back.
    browser.press(&[key::HOME]);
    while trace.events[selected(&browser) as usize].kind != simnet::trace::Kind::Deliver {
        browser.press(&[key::RIGHT]);
    }
    let delivery = selected(&browser);
    browser.press(&["m"]);
    let send = &trace.events[selected(&browser) as usize];
    assert_eq!((send.kind, send.id), (simnet::trace::Kind::Send, trace.events[delivery as usize].id));
    browser.screenshot("stepping");
    browser.press(&["m"]);
    assert_eq!(selected(&browser), delivery);

    // What cannot have led here is dimmed, what led here is not.
    browser.press(&["v", "c"]);
    assert!(count(&browser, ".arrow.dim, .mark.dim") > 0);
    assert_eq!(count(&browser, ".line.selected.dim"), 0);
    browser.screenshot("causes");
    browser.press(&["c"]);
    assert_eq!(count(&browser, ".arrow.dim, .mark.dim"), 0);

    // The keys are told on the page, and a dialog takes them.
    browser.press(&["?"]);
    assert_eq!(browser.value("document.getElementById('help').open"), true);
    assert!(count(&browser, "#keys kbd") > 20);
    browser.screenshot("help");
    let before = selected(&browser);
    browser.press(&[key::LEFT]);
    assert_eq!(selected(&browser), before);
    browser.press(&[key::ESCAPE]);
    assert_eq!(browser.value("document.getElementById('help').open"), false);
    browser.nothing_is_wrong();
}

#[test]
#[ignore = "needs chromium and chromedriver; run: cargo test -p peers --test page -- --include-ignored"]
fn clicks_select_what_was_clicked() {
    let trace = runs::forgetful_acceptor();
    let browser = shown("clicks", &trace);
    // An arrow, at a point of it where nothing else lies.
    let point = browser.script(
        "for (const arrow of document.querySelectorAll('.arrow.read')) {
           const hit = arrow.querySelector('.hit'), length = hit.getTotalLength(), to = hit.getScreenCTM();
           for (const part of [0.3, 0.5, 0.7]) {
             const at = hit.getPointAtLength(length * part).matrixTransform(to);
             if (document.elementFromPoint(at.x, at.y)?.closest('.arrow') === arrow) return [Math.round(at.x), Math.round(at.y), Number(arrow.dataset.event)];
           }
         }",
    );
    browser.click_at(point[0].as_i64().expect("an arrow can be hit"), point[1].as_i64().unwrap());
    assert_eq!(Some(selected(&browser)), point[2].as_u64());
    assert_eq!(count(&browser, ".arrow.on"), 1, "the arrow of the selected delivery stands out");
    let delivery = &trace.events[selected(&browser) as usize];
    let title = browser.text("document.getElementById('event-title').textContent");
    assert!(
        title.contains(&**delivery.node.as_ref().unwrap())
            && title.contains(&**delivery.name.as_ref().unwrap()),
        "{title}"
    );
    // Its message: the fields, the way, the time.
    let body =
        trace.events.iter().find(|event| event.id == delivery.id).and_then(|send| send.body.clone()).unwrap();
    let told: Value =
        serde_json::from_str(&browser.text("document.querySelector('#message-part .body').textContent"))
            .unwrap();
    assert_eq!(told, body);
    assert!(browser.text("document.querySelector('#message-part .path').textContent").contains("sent "));
    // The link to its send, a step's other events, the buttons.
    browser.click("#message-part .path button:not(:disabled)");
    assert_eq!(trace.events[selected(&browser) as usize].kind, simnet::trace::Kind::Send);
    let here = selected(&browser);
    browser.click("#step-part button:not(:disabled)");
    assert_ne!(selected(&browser), here);
    browser.click("#other-end");
    browser.click("#to-violation");
    assert!(said(&browser).contains("RULE BROKEN"));
    let end = selected(&browser);
    browser.click("#back");
    assert!(selected(&browser) < end);
    browser.click("#on");
    assert_eq!(selected(&browser), end);
    // A line, beside its words.
    let line = browser.script(
        "const line = [...document.querySelectorAll('.line')].at(-3), box = line.getBoundingClientRect();
         return [Math.round(box.left + 8), Math.round(box.top + box.height / 2), line.id];",
    );
    browser.click_at(line[0].as_i64().unwrap(), line[1].as_i64().unwrap());
    assert_eq!(browser.value("document.querySelector('.line.selected').id"), line[2]);
    // The page comes back to what was selected.
    let here = selected(&browser);
    let address = browser.text("location.href");
    browser.load(&address);
    browser.wait("document.documentElement.dataset.ready === 'true'");
    assert_eq!(selected(&browser), here);
    browser.nothing_is_wrong();
}

#[test]
#[ignore = "needs chromium and chromedriver; run: cargo test -p peers --test page -- --include-ignored"]
fn the_state_before_and_after_is_told_for_each_node_and_what_changed_is_marked() {
    let trace = runs::forgetful_acceptor();
    let browser = shown("states", &trace);
    // Each event that has a state after it tells the state before, and this one.
    let mut known: std::collections::BTreeMap<String, Value> = Default::default();
    let mut checked = 0;
    for (place, event) in trace.events.iter().enumerate() {
        if event.kind != simnet::trace::Kind::State {
            continue;
        }
        let node = event.node.as_ref().unwrap().to_string();
        let before = known.insert(node.clone(), event.body.clone().unwrap());
        let Some(before) = before else { continue };
        if trace.events[place - 1].kind == simnet::trace::Kind::Restart {
            continue;
        }
        browser.script(&format!(
            "location.hash = '#original-{}'; dispatchEvent(new HashChangeEvent('hashchange'))",
            place - 1
        ));
        browser.frames(1);
        assert_eq!(selected(&browser), place as u64 - 1);
        let differs = format!("document.querySelector('tbody.differs[data-node=\"{node}\"]')");
        assert_eq!(browser.value("document.querySelectorAll('tbody.differs').length"), 1, "one node acts");
        let marked =
            browser.value(&format!("[...{differs}.querySelectorAll('ins')].length")).as_u64().unwrap();
        assert!(marked > 0, "from {before} to {:?}", event.body);
        let same = browser.value(&format!(
            "[...{differs}.querySelectorAll('tr:not(.changed) ins, tr:not(.changed) del')].length"
        ));
        assert_eq!(same, 0, "what did not change is not marked");
        checked += 1;
    }
    assert!(checked > 5, "only {checked} states have one before");
    assert_eq!(count(&browser, ".states tbody"), trace.header.nodes.len() as u64, "every node has its row");
    // At the broken rule: the step that broke it.
    browser.press(&["v"]);
    assert!(
        browser
            .text("document.querySelector('.states thead').textContent")
            .contains("the step that broke the rule")
    );
    // A crash takes the state; a restart shows what it had been.
    let crash = trace.events.iter().position(|event| event.kind == simnet::trace::Kind::Crash).unwrap();
    browser.script(&format!("location.hash = '#original-{crash}'"));
    browser.frames(2);
    assert!(browser.text("document.querySelector('tbody.differs').textContent").ends_with("down"));
    let restart = trace.events.iter().position(|event| event.kind == simnet::trace::Kind::Restart).unwrap();
    browser.script(&format!("location.hash = '#original-{restart}'"));
    browser.frames(2);
    assert!(
        browser
            .text("document.querySelector('tbody.differs').textContent")
            .contains("down; when it crashed:")
    );
    browser.screenshot("restart");
    browser.nothing_is_wrong();
}

#[test]
#[ignore = "needs chromium and chromedriver; run: cargo test -p peers --test page -- --include-ignored"]
fn search_finds_and_filters_leave_out() {
    let trace = runs::forgetful_acceptor();
    let browser = shown("search", &trace);
    let named =
        |name: &str| trace.events.iter().filter(|event| event.name.as_deref() == Some(name)).count() as u64;
    let matches = |browser: &Browser| browser.text("document.getElementById('matches').textContent");

    // A search by name finds these events, and n and N go through them.
    browser.search("name:request");
    let found = named("Request");
    assert!(found > 1, "the run has requests");
    assert!(matches(&browser).ends_with(&format!("{found}")), "{} of {found}", matches(&browser));
    assert!(count(&browser, ".line.dim") > 0);
    browser.press(&[key::ENTER]);
    let first = selected(&browser);
    assert_eq!(trace.events[first as usize].name.as_deref(), Some("Request"));
    browser.screenshot("search");
    browser.press(&[key::ESCAPE, "n"]);
    let second = selected(&browser);
    assert!(second != first && trace.events[second as usize].name.as_deref() == Some("Request"));
    browser.press(&["N"]);
    assert_eq!(selected(&browser), first);

    // Terms hold together; a minus excludes.
    browser.search("node:p1 kind:deliver -name:promise");
    let expected = trace.events.iter().filter(|event| {
        event.kind == simnet::trace::Kind::Deliver
            && [&event.node, &event.peer].iter().any(|name| name.as_deref() == Some("p1"))
            && event.name.as_deref() != Some("Promise")
    });
    let told = matches(&browser);
    assert_eq!(told.rsplit(' ').next(), Some(expected.count().to_string().as_str()));
    // A word of a state finds the step that led to it.
    browser.search("phase=accepting");
    assert_ne!(matches(&browser), "none");
    browser.search("no such thing");
    assert_eq!(matches(&browser), "none");

    // Only matches: the rest is gone, the broken rule stays.
    browser.search("name:request");
    browser.click("#only");
    assert_eq!(browser.value("[...document.querySelectorAll('.line:not(.broken) .words')].every((words) => words.textContent.includes('Request'))"), true);
    assert_eq!(count(&browser, ".line.broken"), 1);
    browser.search("no such thing");
    assert_eq!(count(&browser, ".line"), 1, "only the broken rule is left");
    browser.click("#only");
    browser.search("");

    // By node: its column and its lines go.
    let all = count(&browser, ".head");
    browser.click("#filter summary");
    browser.click("#filter-nodes input[value=p2]");
    assert_eq!(count(&browser, ".head"), all - 1);
    assert_eq!(
        browser.value(
            "[...document.querySelectorAll('.line .words b')].some((node) => node.textContent === 'p2')"
        ),
        false
    );
    // By kind and by name.
    browser.click("#filter-kinds input[value=deliver]");
    assert_eq!(count(&browser, "#canvas .mark-deliver"), 0);
    browser.click("#filter-names input[value=Prepare]");
    assert_eq!(browser.value("[...document.querySelectorAll('.label, .words .name')].some((name) => name.textContent.startsWith('Prepare'))"), false);
    browser.screenshot("filter");
    assert_eq!(browser.text("document.getElementById('hidden-count').textContent"), " (3 off)");
    browser.click("#filter-all");
    assert_eq!(count(&browser, ".head"), all);
    browser.nothing_is_wrong();
}

#[test]
#[ignore = "needs chromium and chromedriver; run: cargo test -p peers --test page -- --include-ignored"]
fn the_shortened_run_is_first_and_the_original_is_one_key_away() {
    let original = runs::forgetful_acceptor();
    let shortened = runs::seen_by(&original, &["p1", "p2", "a1", "c1"]);
    let removed = ["1 fault: partition {a3 c2} | {p1 c1}".to_owned(), "4 nodes: a2 a3 l1 c2".to_owned()];
    let browser = Browser::start();
    open(
        &browser,
        "shortened",
        &Explained::of(&original).shortened_to(&shortened, &removed).replayed_by(REPLAY),
    );
    let pressed =
        |id: &str| browser.text(&format!("document.getElementById('{id}').getAttribute('aria-pressed')"));
    assert_eq!((pressed("run-shortened").as_str(), pressed("run-original").as_str()), ("true", "false"));
    assert!(
        browser
            .text("document.getElementById('run-shortened').textContent")
            .contains(&format!("{}", shortened.events.len()))
    );
    browser.screenshot("shortened");
    assert_eq!(count(&browser, ".head"), 4, "a node that nothing happens to has no column");
    browser.click("#removed summary");
    assert_eq!(
        browser.value("[...document.querySelectorAll('#removed-list li')].map((line) => line.textContent)"),
        json!(removed)
    );
    assert_eq!(browser.text("location.hash"), format!("#shortened-{}", shortened.events.len() - 1));
    browser.press(&[key::ESCAPE]);
    browser.click("#run-original");
    assert_eq!(pressed("run-original"), "true");
    assert!(browser.text("location.hash").starts_with("#original-"));
    selected_is_seen(&browser);
    assert_eq!(browser.value("document.getElementById('removed').hidden"), true);
    browser.press(&["o"]);
    assert_eq!(pressed("run-shortened"), "true");
    browser.nothing_is_wrong();
    // With one run there is nothing to choose.
    open(&browser, "one-run", &Explained::of(&original));
    assert_eq!(browser.value("document.getElementById('runs').hidden"), true);
    assert_eq!(browser.value("document.getElementById('replay').hidden"), true);
}

#[test]
#[ignore = "needs chromium and chromedriver; run: cargo test -p peers --test page -- --include-ignored"]
fn time_is_compact_or_true_and_the_picture_has_any_size() {
    let trace = runs::forgetful_acceptor();
    let browser = shown("scale", &trace);
    let tops = |browser: &Browser| -> Vec<i64> {
        let tops = browser.value("[...document.querySelectorAll('.line')].map((line) => Math.round(line.getBoundingClientRect().top))");
        tops.as_array().unwrap().iter().map(|top| top.as_i64().unwrap()).collect()
    };
    let compact = tops(&browser);
    assert!(compact.windows(2).all(|pair| pair[1] - pair[0] >= 20), "a line a step");
    browser.press(&["t"]);
    assert_eq!(browser.text("document.getElementById('scale-true').getAttribute('aria-pressed')"), "true");
    selected_is_seen(&browser);
    // Lines stand as far apart as their times.
    let same = browser.value(
        "(() => { const lines = [...document.querySelectorAll('.line')].filter((line) => line.querySelector('.time'));
           const at = lines.map((line) => [parseFloat(line.querySelector('.time').textContent), parseFloat(line.style.top) + parseFloat(line.style.height) / 2]);
           const [t0, y0] = at[0], [t1, y1] = at.at(-1);
           return at.every(([t, y]) => Math.abs((y - y0) / (y1 - y0) - (t - t0) / (t1 - t0)) < 0.01); })()",
    );
    assert_eq!(same, true);
    browser.screenshot("true-time");
    browser.click("#scale-compact");
    assert_eq!(tops(&browser), compact);
    let height =
        |browser: &Browser| browser.value("document.getElementById('canvas').offsetHeight").as_u64().unwrap();
    let normal = height(&browser);
    browser.press(&["+"]);
    assert!(height(&browser) > normal);
    browser.press(&["0"]);
    assert_eq!(height(&browser), normal);
    browser.click("#smaller");
    assert!(height(&browser) < normal);
    browser.click("#fit");
    assert_eq!(browser.value("document.getElementById('scroller').scrollHeight <= document.getElementById('scroller').clientHeight + 2"), true);
    browser.screenshot("fit");
    browser.nothing_is_wrong();
}

#[test]
#[ignore = "needs chromium and chromedriver; run: cargo test -p peers --test page -- --include-ignored"]
fn the_shiviz_log_is_what_shiviz_reads() {
    let trace = runs::forgetful_acceptor();
    let browser = shown("shiviz", &trace);
    browser.click("#export summary");
    browser.click("#shiviz-save");
    let log = browser.downloaded();
    browser.script("Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => { window.__copied = text; } } })");
    browser.click("#shiviz-copy");
    assert_eq!(browser.text("window.__copied"), log);
    // Two lines an event: (?<event>.*)\n(?<host>\S*) (?<clock>{.*}), and each host counts its own events from 1.
    let lines: Vec<&str> = log.lines().collect();
    assert!(lines.len() > 100 && lines.len().is_multiple_of(2));
    let mut counted: std::collections::BTreeMap<&str, u64> = Default::default();
    for pair in lines.chunks(2) {
        assert!(!pair[0].is_empty());
        let (host, clock) = pair[1].split_once(' ').expect("a host and a clock");
        let clock: std::collections::BTreeMap<String, u64> =
            serde_json::from_str(clock).expect("a clock is JSON");
        let own = counted.entry(host).or_default();
        *own += 1;
        assert_eq!(clock.get(host), Some(&*own), "{pair:?}");
        assert!(clock.values().all(|&ticks| ticks > 0));
    }
    browser.nothing_is_wrong();
}

#[test]
#[ignore = "needs chromium and chromedriver; run: cargo test -p peers --test page -- --include-ignored"]
fn it_is_good_in_light_and_in_dark() {
    let trace = runs::forgetful_acceptor();
    let browser = Browser::start();
    // How well text stands out, by WCAG: 4.5 is asked for, of everything that is read.
    let contrast = "
        const number = (colour) => { const c = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
          c.fillStyle = colour; c.fillRect(0, 0, 1, 1); return [...c.getImageData(0, 0, 1, 1).data]; };
        const light = ([r, g, b]) => { const f = (v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }; return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
        const ground = (one) => { for (; one; one = one.parentElement) { const c = number(getComputedStyle(one).backgroundColor); if (c[3] === 255) return c; } return number(getComputedStyle(document.documentElement).backgroundColor); };
        const bad = [];
        for (const selector of ['#rule', '.tag', '.fact dt', '.fact dd', '#what', '#command', '.head', '.time', '.words', '.words .name', '.is-bad', '.is-fault', '.states del', '.states ins', '.states .field', '.states tbody.same td', '#event-title', '.where', '#tools button:not(:disabled)', '#tools summary', 'summary', '.label']) {
          for (const one of document.querySelectorAll(selector)) {
            const style = getComputedStyle(one), ink = one.namespaceURI.endsWith('svg') ? style.fill : style.color;
            const [a, b] = [light(number(ink)), light(one.namespaceURI.endsWith('svg') ? number(getComputedStyle(document.documentElement).backgroundColor) : ground(one))];
            const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
            if (ratio < 4.5) bad.push(`${selector} ${one.textContent.slice(0, 20)} ${ratio.toFixed(2)}`);
          }
        }
        return [...new Set(bad)];";
    let ground = "getComputedStyle(document.documentElement).backgroundColor";
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        open(&browser, "schemes", &Explained::of(&trace).in_test("part_c_agrees").replayed_by(REPLAY));
        assert_eq!(browser.text("document.documentElement.dataset.theme"), scheme);
        assert_eq!(browser.script(contrast), json!([]), "in {scheme}");
        grounds.push(browser.text(ground));
        browser.screenshot(&format!("scheme-{scheme}"));
    }
    assert_ne!(grounds[0], grounds[1]);
    // The button and the key change it, and the page remembers.
    browser.click("#theme");
    assert_eq!(browser.text(ground), grounds[0]);
    browser.press(&["d"]);
    assert_eq!(browser.text(ground), grounds[1]);
    browser.press(&["d"]);
    let address = browser.text("location.href");
    browser.load(&address);
    browser.wait("document.documentElement.dataset.ready === 'true'");
    assert_eq!(browser.text(ground), grounds[0]);
    browser.nothing_is_wrong();
}

#[test]
#[ignore = "needs chromium and chromedriver; run: cargo test -p peers --test page -- --include-ignored"]
fn ten_thousand_events_are_no_slower_to_walk() {
    let trace = runs::ten_thousand();
    let browser = shown("ten-thousand", &trace);
    let loaded = browser.value("performance.getEntriesByType('navigation')[0].domComplete").as_f64().unwrap();
    assert!(loaded < 15_000.0, "it took {loaded} ms to load");
    assert!(count(&browser, "*") < 9_000, "{} elements", count(&browser, "*"));
    browser.screenshot("ten-thousand");
    // So many frames pass until a key has done its work, at three places of the run.
    let script = "const [key, done] = arguments, before = location.hash, begun = performance.now(); let frames = 0;
        const look = () => { frames++; if (location.hash !== before) done([frames, performance.now() - begun]); else if (frames > 200) done([frames, 0]); else requestAnimationFrame(look); };
        requestAnimationFrame(look);
        document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));";
    let mut slowest = 0.0_f64;
    for place in [100, trace.events.len() / 2, trace.events.len() - 400] {
        browser.script(&format!("location.hash = '#original-{place}'"));
        browser.frames(2);
        for key in ["ArrowRight", "ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "PageDown", "PageUp"] {
            let took = browser.async_script(script, json!([key]));
            assert!(took[0].as_u64().unwrap() <= 3, "{key} took {took} frames, ms");
            slowest = slowest.max(took[1].as_f64().unwrap());
        }
        selected_is_seen(&browser);
    }
    println!(
        "10,000 events: loaded in {loaded:.0} ms, the slowest key took {slowest:.0} ms, {} elements",
        count(&browser, "*")
    );
    // A whole second of a held key: no frame is much longer than the others.
    let held = "const [done] = arguments; const frames = []; let last = performance.now(), left = 40, busy = 0;
        const next = () => { const now = performance.now(); frames.push(now - last); last = now;
          document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true, cancelable: true }));
          busy += performance.now() - now;
          if (left-- > 0) requestAnimationFrame(next); else done([...frames.sort((a, b) => a - b), busy / frames.length]); };
        requestAnimationFrame(next);";
    browser.script("location.hash = '#original-5000'");
    let frames = browser.async_script(held, json!([]));
    let took = |place: usize| frames[place].as_f64().expect("milliseconds");
    println!(
        "a held key: a frame takes {:.1} ms (median), {:.1} ms (longest), of which the page's scripts take {:.1} ms",
        took(20),
        took(40),
        took(41)
    );
    assert!(took(20) < 250.0, "a frame takes {} ms", took(20));
    // Scrolled anywhere, there is a picture.
    for part in [0.2, 0.5, 0.9] {
        browser.script(&format!(
            "const one = document.getElementById('scroller'); one.scrollTop = one.scrollHeight * {part}"
        ));
        browser.wait(
            "(() => { const box = document.getElementById('scroller').getBoundingClientRect();
               return document.elementsFromPoint(box.left + 300, box.top + box.height / 2).some((one) => one.classList.contains('line')); })()",
        );
    }
    browser.click("#fit");
    browser.screenshot("ten-thousand-fit");
    browser.search("name:prepare kind:drop");
    browser.press(&[key::ENTER]);
    selected_is_seen(&browser);
    browser.nothing_is_wrong();
}

#[test]
#[ignore = "needs chromium and chromedriver; run: cargo test -p peers --test page -- --include-ignored"]
fn a_run_that_breaks_no_rule_has_a_page_too() {
    let trace = runs::held();
    let browser = shown("held", &trace);
    assert_eq!(browser.text("document.querySelector('.tag').textContent"), "No rule was broken");
    assert_eq!(browser.value("document.getElementById('to-violation').hidden"), true);
    assert_eq!(selected(&browser), 0);
    browser.press(&["v", key::RIGHT, key::DOWN]);
    browser.screenshot("held");
    browser.press(&[key::END]);
    selected_is_seen(&browser);
    browser.nothing_is_wrong();
}

#[test]
#[ignore = "needs chromium and chromedriver; run: cargo test -p peers --test page -- --include-ignored"]
fn hostile_and_odd_traces_do_no_harm() {
    const NASTY: &str = "</script><img src=x onerror=alert(1)><b>\u{2028}\u{202e}'\"&lt;";
    let mut trace = runs::forgetful_acceptor();
    for event in &mut trace.events {
        event.name = event.name.as_ref().map(|_| NASTY.into());
        event.why = Some(NASTY.into());
        event.body = Some(json!({ NASTY: { "__proto__": NASTY, "constructor": [NASTY] }, "toString": 1 }));
        event.node =
            event.node.as_ref().map(|node| if &**node == "a1" { NASTY.into() } else { node.clone() });
    }
    let removed = [NASTY.to_owned()];
    let browser = Browser::start();
    let run = Explained::of(&trace).shortened_to(&trace, &removed).in_test(NASTY).replayed_by(NASTY);
    open(&browser, "hostile", &run);
    assert_eq!(count(&browser, "img, b b"), 0);
    for keys in [[key::HOME, "m", "c", "t", "o"], ["?", key::ESCAPE, key::RIGHT, key::DOWN, key::END]] {
        browser.press(&keys);
    }
    browser.search("onerror");
    browser.screenshot("hostile");
    browser.nothing_is_wrong();

    // Each kind of event with nothing told of it, and with things that do not fit together.
    let kinds = [
        "send",
        "deliver",
        "drop",
        "duplicate",
        "timer",
        "start",
        "crash",
        "restart",
        "pause",
        "resume",
        "partition",
        "heal",
        "fault",
        "write",
        "sync",
        "output",
        "note",
        "state",
        "violation",
    ];
    let header = r#"{"simnet_trace":1,"lab":"","commit":"","seed":18446744073709551615,"world":"","nodes":["a","a"],"run":""}"#;
    let mut lines = vec![header.to_owned()];
    for (place, kind) in kinds.iter().enumerate() {
        lines.push(json!({ "at": 0, "seq": place, "kind": kind }).to_string());
        lines.push(json!({ "at": u64::MAX, "seq": place, "kind": kind, "node": "x", "peer": "y", "id": 9, "body": [[[1, null]]], "clock": [] }).to_string());
        lines.push(json!({ "at": 5, "seq": place, "kind": kind, "node": "a", "peer": "a", "id": u64::MAX - 1, "name": "", "body": null, "why": "" }).to_string());
    }
    let odd = Trace::read(lines.join("\n").as_bytes()).expect("it is a trace");
    open(&browser, "odd", &Explained::of(&odd));
    for _ in 0..3 {
        browser.press(&[key::HOME]);
        let steps: Vec<&str> = std::iter::repeat_n(key::RIGHT, kinds.len() * 3).collect();
        browser.press(&steps);
        browser.press(&["t", "c", key::UP, "m", "+"]);
    }
    browser.screenshot("odd");
    browser.nothing_is_wrong();
    let empty = Trace::read(header.as_bytes()).expect("it is a trace");
    open(&browser, "empty", &Explained::of(&empty));
    browser.press(&[key::RIGHT, key::END, "n", "m", "v", "t", "c", "+"]);
    browser.nothing_is_wrong();
}

#[test]
#[ignore = "needs chromium and chromedriver; run: cargo test -p peers --test page -- --include-ignored"]
fn it_is_read_without_a_mouse_in_small_windows_and_without_scripts() {
    let trace = runs::forgetful_acceptor();
    let browser = shown("reach", &trace);
    // The picture has the focus, and says what is selected.
    assert_eq!(browser.text("document.activeElement.id"), "scroller");
    let active = browser.text("document.activeElement.getAttribute('aria-activedescendant')");
    assert_eq!(
        browser.text(&format!("document.getElementById('{active}').getAttribute('aria-selected')")),
        "true"
    );
    assert_eq!(browser.text("document.getElementById('said').getAttribute('aria-live')"), "polite");
    // Every control has a name.
    let nameless = "[...document.querySelectorAll('button, input, summary, [role=listbox], aside, nav')].filter((one) =>
        !(one.getAttribute('aria-label') || one.textContent.trim() || one.closest('label')?.textContent.trim())).map((one) => one.outerHTML)";
    assert_eq!(browser.value(nameless), json!([]));
    // Tab reaches all of them, in the order of the page.
    let reached = browser.script(
        "const all = [...document.querySelectorAll('a[href], button, input, summary, [tabindex]')].filter((one) => one.checkVisibility() && !one.disabled);
         return all.every((one) => one.tabIndex >= 0);",
    );
    assert_eq!(reached, true);
    // Small windows: nothing is wider than they are.
    browser.resize(420, 800);
    browser.wait("document.documentElement.scrollWidth <= document.documentElement.clientWidth");
    browser.screenshot("small");
    // Without scripts: the rule, and the run as text.
    browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    browser.load(&format!("file://{}", page("reach", &Explained::of(&trace)).display()));
    browser.screenshot_now("without-scripts");
    let source = browser.source();
    assert!(source.contains("<details id=\"twin\" open"), "it is open");
    assert!(
        source.contains("<h1 id=\"rule\">(4)") && source.contains("RULE BROKEN"),
        "the rule and the run as text are there"
    );
}

#[test]
#[ignore = "needs chromium and chromedriver; run: cargo test -p peers --test page -- --include-ignored"]
fn it_can_be_printed() {
    let (short, long) = (runs::forgetful_acceptor(), runs::ten_thousand());
    let browser = Browser::start();
    for (name, trace) in [("paper", &short), ("paper-long", &long)] {
        open(&browser, name, &Explained::of(trace).replayed_by(REPLAY));
        browser.script(
            "addEventListener('beforeprint', () => {
               window.__sheets = [document.querySelectorAll('#sheets .sheet').length, document.querySelectorAll('#sheets .line').length,
                 document.querySelectorAll('#sheets .line.broken').length]; })",
        );
        let printed = browser
            .devtools("Page.printToPDF", json!({ "printBackground": true, "preferCSSPageSize": true }));
        browser.keep(&format!("{name}.pdf"), printed["data"].as_str().expect("a PDF"));
        let sheets: Vec<u64> =
            browser.value("window.__sheets").as_array().unwrap().iter().filter_map(Value::as_u64).collect();
        let lines = browser
            .value("Number(document.querySelector('.line').getAttribute('aria-setsize'))")
            .as_u64()
            .unwrap();
        // Every line of a short run, and of a long one those up to the broken rule; a sheet has 42.
        assert_eq!(sheets[1], lines.min(300));
        assert_eq!((sheets[0], sheets[2]), (sheets[1].div_ceil(42), 1));
        assert_eq!(count(&browser, "#sheets *"), 0, "nothing is left of it");
    }
    browser.nothing_is_wrong();
}
