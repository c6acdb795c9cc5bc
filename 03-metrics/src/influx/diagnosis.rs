//! What is wrong with an address, a token, a bucket, a clock: from answers to words. Pure.

use super::verdict::blames_a_line;

/// What was asked and came back.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The server.
    pub address: String,
    /// The answer to `GET /ping`, or why there is none.
    pub ping: Option<Result<Ping, String>>,
    /// Status and body of the answer to a write of one malformed line, or why there is none.
    pub write: Option<Result<(u16, String), String>>,
    /// Whether a token was sent.
    pub has_token: bool,
    /// The bucket.
    pub bucket: String,
    /// The organisation.
    pub org: String,
}

/// The answer to a ping.
#[derive(Clone, Debug, Default)]
pub struct Ping {
    /// What the server calls itself.
    pub version: Option<String>,
    /// The server's clock in whole seconds since 1970, cut off.
    pub date_s: Option<i64>,
    /// Our clock before the question, in nanoseconds.
    pub before_ns: i64,
    /// Our clock after the answer.
    pub after_ns: i64,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub what: &'static str,
    /// Whether it is wrong.
    pub wrong: bool,
    /// In words; what to do when it is wrong.
    pub says: String,
}

fn found(what: &'static str, wrong: bool, says: impl Into<String>) -> Finding {
    Finding { what, wrong, says: says.into() }
}

/// What there is to say, in the order in which to put it right.
pub fn diagnose(observed: &Observed) -> Vec<Finding> {
    let mut findings = Vec::new();
    let address = &observed.address;
    match &observed.ping {
        None => {}
        Some(Err(why)) => findings.push(found("address", true, why)),
        Some(Ok(ping)) => {
            let name = ping
                .version
                .as_deref()
                .map_or("it does not say what it is".into(), |name| format!("InfluxDB {name}"));
            findings.push(found("address", false, format!("{address} answers; {name}")));
            findings.extend(ping.date_s.map(|date_s| clocks(date_s, ping.before_ns, ping.after_ns)));
        }
    }
    match &observed.write {
        None => {}
        Some(Err(why)) => findings.push(found("write", true, why)),
        Some(Ok((status, body))) => findings.extend(written(observed, *status, body)),
    }
    findings
}

/// How far the server's clock may be from ours, in nanoseconds: least and most. Its answer has whole seconds only, and was made at some moment
/// between our question and its arrival.
pub fn clock_range_ns(date_s: i64, before_ns: i64, after_ns: i64) -> (i64, i64) {
    // solution: begin — Part E: how far off may the server's clock be?
    let date_ns = date_s.saturating_mul(1_000_000_000);
    (date_ns.saturating_sub(after_ns), date_ns.saturating_add(1_000_000_000).saturating_sub(before_ns))
    // solution: end
}

fn clocks(date_s: i64, before_ns: i64, after_ns: i64) -> Finding {
    let (least, most) = clock_range_ns(date_s, before_ns, after_ns);
    let seconds = |ns: i64| format!("{}.{}", ns / 1_000_000_000, ns % 1_000_000_000 / 100_000_000);
    if least <= 0 && most >= 0 {
        let apart = seconds(most.max(least.saturating_neg()));
        return found(
            "clock",
            false,
            format!("the server's and this machine's are no more than {apart} s apart"),
        );
    }
    let (way, least, most) = match least > 0 {
        true => ("ahead of", least, most),
        false => ("behind", most.saturating_neg(), least.saturating_neg()),
    };
    let says = format!(
        "the server's is {} to {} s {way} this machine's: ranges such as the last hour miss points; set the clocks (NTP)",
        seconds(least),
        seconds(most)
    );
    found("clock", true, says)
}

/// What the answer to a malformed line says about token, bucket and server.
fn written(observed: &Observed, status: u16, body: &str) -> Vec<Finding> {
    let (org, bucket) = (&observed.org, &observed.bucket);
    let token = |wrong, says: &str| found("token", wrong, says);
    // solution: begin — Part E: what a refusal says
    let blames_a_line = status == 422 || blames_a_line(body);
    match status {
        400 | 422 if blames_a_line => vec![
            token(false, "it may write"),
            found("bucket", false, format!("`{bucket}` of `{org}` is there")),
            found("lines", false, "a malformed line is refused, as it should be"),
        ],
        400 => vec![found(
            "org",
            true,
            format!(
                "what is asked for is refused before any line is looked at (400): {body}; InfluxDB 2 wants an organisation: name it with --org, not `{org}`"
            ),
        )],
        401 if observed.has_token => vec![token(
            true,
            "the server does not know it (401); make one with `influx auth create`, and copy it whole",
        )],
        401 => vec![token(
            true,
            "the server wants one (401), and there is none; put it into INFLUX_TOKEN or --token-file",
        )],
        403 => vec![token(
            true,
            "it may not write to this bucket (403); give it the permission, or take another",
        )],
        404 if body.contains("bucket") || body.contains("organization") => vec![
            token(false, "the server knows it"),
            found(
                "bucket",
                true,
                format!(
                    "there is no `{bucket}` of `{org}` (404): {body}; make it with `influx bucket create`, or name another"
                ),
            ),
        ],
        404 => vec![found(
            "address",
            true,
            "there is no /api/v2/write (404); is it InfluxDB 2, and the address without a path?",
        )],
        200..=299 => vec![
            found("token", false, "not looked at by this server"),
            found("bucket", false, "not looked at by this server"),
            found(
                "lines",
                false,
                format!(
                    "a malformed line is answered {status}, as a good one: what was written is known only once it is read back"
                ),
            ),
        ],
        429 | 500..=599 => {
            vec![found("server", true, format!("it cannot now ({status}): {body}; try again later"))]
        }
        _ => vec![found("server", true, format!("it answered {status}: {body}; is it InfluxDB 2?"))],
    }
    // solution: end
}

/// A date as HTTP writes it, such as `Sun, 06 Nov 1994 08:49:37 GMT`, in seconds since 1970. `None` when it is none.
pub fn http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split([' ', ':']).collect();
    let [_, day, month, year, hour, minute, second, "GMT"] = words[..] else { return None };
    let number = |text: &str, range: std::ops::RangeInclusive<i64>| -> Option<i64> {
        text.parse().ok().filter(|number| range.contains(number))
    };
    let month = MONTHS.iter().position(|name| *name == month)? as i64 + 1;
    let (year, day) = (number(year, 1970..=9999)?, number(day, 1..=31)?);
    let (hour, minute, second) = (number(hour, 0..=23)?, number(minute, 0..=59)?, number(second, 0..=60)?);
    // Days since 1970 of a date: years begin in March, so that the leap day is the last of one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}
