//! Many to many through one address: `proxy`, `publisher`, `subscriber`; with `--inspect` and `--poller`.

use super::terminal::{run, say};
use super::weather::{Reports, Wanted, publish_reports, subscribe};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use simnet::delay::Micros;
use std::process::ExitCode;
use std::sync::Arc;
use zeromq::{Socket, XPubSocket, XSubSocket};
use zmq::door::Door;
use zmq::endpoint;
use zmq::proxy::inspector::{Inspector, Rule, Verdict};
use zmq::proxy::poller::{Seen, proxy as poll};

/// The usual port for publishers.
const PUBLISHERS: u16 = 5555;
/// The usual port for subscribers.
const SUBSCRIBERS: u16 = 5556;

/// The arguments of `zmq proxy`.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Be the known address in the middle.
    Proxy(Middle),
    /// Publish the weather through a proxy.
    Publisher {
        /// The proxy: a host, tcp://HOST:PORT or ipc://PATH.
        #[arg(default_value = "127.0.0.1")]
        ip: String,
        /// The proxy's port for publishers, where only a host is given.
        #[arg(long, default_value_t = PUBLISHERS)]
        port: u16,
        #[command(flatten)]
        reports: Reports,
        /// How long to wait for a connection.
        #[arg(long, default_value = "5s")]
        patience: Micros,
    },
    /// Average the temperatures of the zips that begin so, through a proxy.
    Subscriber {
        #[command(flatten)]
        wanted: Wanted,
        /// The proxy's port for subscribers, where only a host is given.
        #[arg(long, default_value_t = SUBSCRIBERS)]
        port: u16,
        /// How many temperatures to average.
        #[arg(long, default_value_t = 5)]
        samples: u32,
    },
}

/// The arguments of `zmq proxy proxy`.
#[derive(Args)]
struct Middle {
    /// Where publishers connect: a host or an endpoint.
    #[arg(long, default_value = "127.0.0.1")]
    xsub: String,
    /// Where subscribers connect: a host or an endpoint.
    #[arg(long, default_value = "127.0.0.1")]
    xpub: String,
    /// With 0 the system chooses both ports, and the first line says which.
    #[arg(long, value_parser = free_ports)]
    port: Option<u16>,
    /// Use the crate's own proxy, which sees nothing, and ends with the first connection that breaks.
    #[arg(long, conflicts_with_all = ["poller", "inspect", "drop", "rewrite"])]
    plain: bool,
    /// Say which subscriptions come, and which of them go upstream.
    #[arg(long)]
    poller: bool,
    /// Count what goes by, topic by topic, and say so after so many messages.
    #[arg(long, value_name = "MESSAGES", value_parser = clap::value_parser!(u64).range(1..))]
    inspect: Option<u64>,
    /// Let nothing pass that begins so.
    #[arg(long, value_name = "TOPIC")]
    drop: Vec<String>,
    /// Replace how messages begin.
    #[arg(long, value_name = "FROM=TO")]
    rewrite: Vec<Rule>,
}

fn free_ports(text: &str) -> Result<u16, String> {
    match text {
        "0" => Ok(0),
        text => Err(format!(
            "read `{text}`, expected 0; name two ports with --xsub tcp://HOST:PORT and --xpub tcp://HOST:PORT"
        )),
    }
}

/// Stands in the middle, publishes, or subscribes.
pub fn proxy(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.role {
        Role::Proxy(middle) => run(stand_between(middle)),
        Role::Publisher { ip, port, reports, patience } => {
            let at = endpoint::endpoint(ip, *port)?;
            run(async {
                let mut socket = XPubSocket::new();
                endpoint::connect(&mut socket, &at, (*patience).into()).await?;
                say(&format!("publishing to {at}"));
                publish_reports(&mut socket, reports).await
            })
        }
        Role::Subscriber { wanted, port, samples } => {
            let at = endpoint::endpoint(&wanted.ip, *port)?;
            run(async {
                let average = subscribe(&at, &wanted.zip, *samples, wanted.patience.into()).await?;
                say(&format!(
                    "the average temperature of {samples} reports of zips that begin with {} is {average} F",
                    wanted.zip
                ));
                Ok(ExitCode::SUCCESS)
            })
        }
    }
}

async fn stand_between(middle: &Middle) -> Result<ExitCode> {
    let (mut publishers, mut subscribers) = (XSubSocket::new(), XPubSocket::new());
    let xsub = endpoint::endpoint(&middle.xsub, middle.port.unwrap_or(PUBLISHERS))?;
    let xpub = endpoint::endpoint(&middle.xpub, middle.port.unwrap_or(SUBSCRIBERS))?;
    let publishers_door = Door::open(&xsub, &mut publishers).await?;
    let up = &publishers_door.address;
    if middle.plain {
        let door = Door::open(&xpub, &mut subscribers).await?;
        say(&format!("publishers to {up}, subscribers to {} (plain)", door.address));
        zeromq::proxy(publishers, subscribers, None).await.context("the crate's proxy has ended")?;
        return Ok(ExitCode::SUCCESS);
    }
    let sent_away = Arc::new(|why| say(&format!("sent away: {why}")));
    let door = Door::for_subscribers(&xpub, &mut subscribers, sent_away).await?;
    say(&format!("publishers to {up}, subscribers to {}", door.address));
    let drops = middle.drop.iter().map(|topic| Rule::Drop(topic.clone().into()));
    let mut inspector = Inspector::new(drops.chain(middle.rewrite.iter().cloned()).collect());
    let mut messages = 0;
    let told = |seen, inspector: &Inspector| {
        messages += u64::from(matches!(seen, Seen::Publication(..)));
        let reports = matches!(seen, Seen::Publication(..)).then_some(middle.inspect).flatten();
        tell(seen, middle.poller);
        if reports.is_some_and(|every| messages % every == 0) {
            table(inspector);
        }
    };
    match poll(&mut publishers, &mut subscribers, &mut inspector, told).await {}
}

fn tell(seen: Seen, poller: bool) {
    match seen {
        Seen::Publication(first, verdict) if poller => {
            let verdict = match verdict {
                Verdict::Passed => "",
                Verdict::Rewritten => " (rewritten)",
                Verdict::Dropped => " (dropped)",
            };
            say(&format!("publication \"{}\"{verdict}", first.escape_ascii()));
        }
        Seen::Publication(..) => {}
        Seen::Subscription(subscription, news) if poller => {
            let news: Vec<String> = news.iter().map(ToString::to_string).collect();
            let up = if news.is_empty() { "nothing".to_string() } else { news.join(", ") };
            say(&format!("subscription {subscription}, upstream {up}"));
        }
        Seen::Subscription(..) => {}
        Seen::Malformed(why) => say(&format!("passed over: {why}")),
        Seen::Broken(why) => say(&format!("a connection broke: {why}")),
    }
}

fn table(inspector: &Inspector) {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::TableStyle::new());
    table.set_header(["topic", "messages", "bytes", "dropped"]);
    for (topic, seen) in inspector.seen() {
        let topic = topic.escape_ascii().to_string();
        table.add_row([topic, seen.messages.to_string(), seen.bytes.to_string(), seen.dropped.to_string()]);
    }
    say(&table.to_string());
}
