//! Headless Chromium, driven over WebDriver: JSON over HTTP to a `chromedriver` of this test's own. Every wait has a bound.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long the driver may take to start.
const START: Duration = Duration::from_secs(30);
/// How long one command may take, in seconds.
const COMMAND_SECONDS: u64 = 60;
/// How long a script may take, in milliseconds.
const SCRIPT_MS: u64 = 30_000;

/// What a page does wrong is collected from before its first script runs.
const WATCH: &str = "
    window.__wrong = [];
    addEventListener('error', (event) => __wrong.push(`error: ${event.message}`));
    addEventListener('unhandledrejection', (event) => __wrong.push(`rejection: ${event.reason}`));
    addEventListener('securitypolicyviolation', (event) => __wrong.push(`policy: ${event.violatedDirective} ${event.blockedURI}`));
    window.alert = () => __wrong.push('alert');";

/// The keys that have no letter, as WebDriver names them.
pub mod key {
    pub const ENTER: &str = "\u{e007}";
    pub const ESCAPE: &str = "\u{e00c}";
    pub const END: &str = "\u{e010}";
    pub const HOME: &str = "\u{e011}";
    pub const LEFT: &str = "\u{e012}";
    pub const UP: &str = "\u{e013}";
    pub const RIGHT: &str = "\u{e014}";
    pub const DOWN: &str = "\u{e015}";
}

/// A browser with one window, which ends with this value.
pub struct Browser {
    driver: Child,
    url: String,
    /// The folder of its profile and its downloads.
    folder: tempfile::TempDir,
}

impl Browser {
    /// Starts a driver and a browser.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut driver = Command::new("chromedriver")
            .args(["--port=0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A group of its own: should the driver not end its browser, the group is what is ended.
            .process_group(0)
            .spawn()
            .expect("chromedriver starts; on Debian: apt-get install chromium chromium-driver");
        let port = port(&mut driver);
        let mut browser = Browser { driver, url: format!("http://127.0.0.1:{port}"), folder };
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1400,900",
            &format!("--user-data-dir={}", browser.folder.path().join("profile").display()),
        ];
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "goog:chromeOptions": {
                "args": arguments,
                "prefs": { "download.default_directory": browser.folder.path().join("downloads") },
            },
            "timeouts": { "script": SCRIPT_MS, "pageLoad": 60_000, "implicit": 0 },
        } } });
        let session = browser.command("POST", "/session", &capabilities);
        let id = session["sessionId"].as_str().expect("a session has an id").to_owned();
        browser.url = format!("{}/session/{id}", browser.url);
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH }));
        browser
    }

    /// Opens a page that is a file, and waits until it says that it is ready.
    pub fn open(&self, page: &Path) {
        self.load(&format!("file://{}", page.display()));
        self.wait("document.documentElement.dataset.ready === 'true'");
        self.frames(2);
    }

    /// Opens an address.
    pub fn load(&self, url: &str) {
        // An address that differs in what follows `#` alone would not load the page again.
        self.command("POST", "/url", &json!({ "url": "about:blank" }));
        self.command("POST", "/url", &json!({ "url": url }));
    }

    /// What a script returns.
    pub fn script(&self, script: &str) -> Value {
        self.command("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// What an expression is.
    pub fn value(&self, expression: &str) -> Value {
        self.script(&format!("return {expression};"))
    }

    /// What an expression is, as text.
    pub fn text(&self, expression: &str) -> String {
        match self.value(expression) {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }

    /// Waits until an expression holds, frame by frame.
    pub fn wait(&self, expression: &str) {
        let script = format!(
            "const done = arguments[0]; let left = 1200;
             const look = () => {{ let holds = false; try {{ holds = {expression}; }} catch {{}}
               if (holds || left-- === 0) done(Boolean(holds)); else requestAnimationFrame(look); }};
             look();"
        );
        let held = self.command("POST", "/execute/async", &json!({ "script": script, "args": [] }));
        assert_eq!(
            held,
            true,
            "waited in vain for: {expression}; wrong so far: {}",
            self.value("window.__wrong")
        );
    }

    /// What a script hands to the function that is its last argument.
    pub fn async_script(&self, script: &str, arguments: Value) -> Value {
        self.command("POST", "/execute/async", &json!({ "script": script, "args": arguments }))
    }

    /// The document as it is now, as HTML.
    pub fn source(&self) -> String {
        self.command("GET", "/source", &Value::Null).as_str().unwrap_or_default().to_owned()
    }

    /// Lets so many frames pass.
    pub fn frames(&self, frames: u32) {
        let script = "const [left, done] = arguments;
            const next = (left) => left === 0 ? done(true) : requestAnimationFrame(() => next(left - 1)); next(left);";
        self.command("POST", "/execute/async", &json!({ "script": script, "args": [frames] }));
    }

    /// Presses keys one after the other, wherever the focus is.
    pub fn press(&self, keys: &[&str]) {
        let actions: Vec<Value> = keys
            .iter()
            .flat_map(|key| {
                [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })]
            })
            .collect();
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] });
        self.command("POST", "/actions", &actions);
        self.frames(2);
    }

    /// Clicks what a selector finds, in its middle.
    pub fn click(&self, selector: &str) {
        let found = self.command("POST", "/element", &json!({ "using": "css selector", "value": selector }));
        let id = found.as_object().and_then(|map| map.values().next()).and_then(Value::as_str);
        let id = id.unwrap_or_else(|| panic!("no element {selector}: {found}"));
        self.command("POST", &format!("/element/{id}/click"), &json!({}));
        self.frames(2);
    }

    /// Clicks a point of the window.
    pub fn click_at(&self, x: i64, y: i64) {
        let actions = json!({ "actions": [{ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": [
            { "type": "pointerMove", "duration": 0, "x": x, "y": y },
            { "type": "pointerDown", "button": 0 },
            { "type": "pointerUp", "button": 0 },
        ] }] });
        self.command("POST", "/actions", &actions);
        self.frames(2);
    }

    /// Empties the search, and types into it.
    pub fn search(&self, text: &str) {
        self.script("document.getElementById('search').focus(); document.getElementById('search').select();");
        self.press(&["\u{e017}"]);
        let letters: Vec<String> = text.chars().map(String::from).collect();
        self.press(&letters.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// Asks the browser for what only its own protocol offers.
    pub fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.command("POST", "/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// Makes the system dark or light, as the page sees it.
    pub fn prefer(&self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [feature] }));
    }

    /// Makes the window so large.
    pub fn resize(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size);
        self.frames(3);
    }

    /// Keeps what is seen, for people, in the folder that `PAGE_SCREENSHOTS` names.
    pub fn screenshot(&self, name: &str) {
        self.frames(3);
        self.screenshot_now(name);
    }

    /// The same where no script runs, which could tell of frames.
    pub fn screenshot_now(&self, name: &str) {
        let shot = self.command("GET", "/screenshot", &Value::Null);
        self.keep(&format!("{name}.png"), shot.as_str().expect("a picture"));
    }

    /// Keeps a file that came as base64, beside the screenshots.
    pub fn keep(&self, name: &str, base64: &str) {
        let Some(folder) = std::env::var_os("PAGE_SCREENSHOTS") else { return };
        let file = BASE64_STANDARD.decode(base64).expect("base64");
        std::fs::create_dir_all(&folder).expect("the folder of screenshots can be made");
        std::fs::write(Path::new(&folder).join(name), file).expect("it can be written");
    }

    /// What the browser has logged since it was asked last: `browser` or `performance`.
    pub fn log(&self, kind: &str) -> Vec<String> {
        let entries = self.command("POST", "/se/log", &json!({ "type": kind }));
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The addresses that the browser has asked for since it was asked last, its own empty page left out.
    pub fn requests(&self) -> Vec<String> {
        let messages = self.log("performance");
        let events = messages.iter().filter_map(|message| serde_json::from_str::<Value>(message).ok());
        let sent = events.filter(|event| event["message"]["method"] == "Network.requestWillBeSent");
        let urls = sent.map(|event| {
            event["message"]["params"]["request"]["url"].as_str().unwrap_or_default().to_owned()
        });
        urls.filter(|url| url != "about:blank").collect()
    }

    /// Fails when the page did anything wrong: an error, a broken promise, something that its policy forbids, a line on the console.
    pub fn nothing_is_wrong(&self) {
        assert_eq!(self.value("window.__wrong"), json!([]), "the page did something wrong");
        assert_eq!(self.log("browser"), Vec::<String>::new(), "the page wrote to the console");
    }

    /// The file that a download made, once it is there.
    pub fn downloaded(&self) -> String {
        let folder = self.folder.path().join("downloads");
        for _ in 0..300 {
            let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let whole =
                files.map(|file| file.path()).find(|path| path.extension().is_some_and(|end| end == "txt"));
            if let Some(text) =
                whole.and_then(|path| std::fs::read_to_string(path).ok()).filter(|text| !text.is_empty())
            {
                return text;
            }
            self.frames(1);
        }
        panic!("nothing was downloaded to {}", folder.display());
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.url);
        let request = match method {
            "GET" => minreq::get(url),
            "DELETE" => minreq::delete(url),
            _ => {
                minreq::post(url).with_header("Content-Type", "application/json").with_body(body.to_string())
            }
        };
        let answer = request.with_timeout(COMMAND_SECONDS).send();
        let answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let mut json: Value = serde_json::from_slice(answer.as_bytes())
            .unwrap_or_else(|error| panic!("{method} {path} is answered by no JSON: {error}"));
        assert_eq!(answer.status_code, 200, "{method} {path} {body}: {}", json["value"]["message"]);
        json["value"].take()
    }
}

/// The port that the driver says it listens on.
#[allow(clippy::disallowed_methods, reason = "a read with a bound takes a thread; no protocol runs here")]
fn port(driver: &mut Child) -> u16 {
    let stdout = driver.stdout.take().expect("its output is piped");
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        // It goes on reading: a driver whose output nobody reads would block.
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let port =
                line.split_once(" started successfully on port ").map(|(_, rest)| rest.trim_end_matches('.'));
            if let Some(port) = port.and_then(|port| port.parse().ok()) {
                let _ = tell.send(port);
            }
        }
    });
    told.recv_timeout(START).unwrap_or_else(|_| {
        let _ = driver.kill();
        panic!("chromedriver did not say within {START:?} on which port it listens")
    })
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends the browser with the session. Whatever is left after that is in the driver's group.
        let _ = minreq::delete(self.url.as_str()).with_timeout(10).send();
        let group = format!("-{}", self.driver.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
