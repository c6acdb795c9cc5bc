//! Options that several programs have: where points go, which database.

use anyhow::{Context, Result, bail};
use clap::Args;
use metrics::influx::address::{Address, Target};
use metrics::influx::sink::{InfluxOptions, InfluxSink};
use metrics::influx::token::Token;
use metrics::{Drain, FileSink, Options, Point, Recorder};
use simnet::delay::Micros;
use std::path::PathBuf;

/// The most points that may wait in memory: the queue has its room from the beginning.
const MOST_CAPACITY: i64 = 1 << 22;

/// A database.
#[derive(Args, Debug)]
pub struct Database {
    /// The database: http://HOST:PORT. TLS is not spoken.
    #[arg(long, env = "INFLUX_HOST", value_name = "URL")]
    url: Option<String>,
    /// The organisation. InfluxDB 2 wants one, VictoriaMetrics has none.
    #[arg(long, env = "INFLUX_ORG", default_value = "")]
    org: String,
    /// The bucket.
    #[arg(long, env = "INFLUX_BUCKET", default_value = "metrics")]
    bucket: String,
    /// The token. Others on this machine can see it in the list of processes: better INFLUX_TOKEN, or --token-file.
    #[arg(long, env = "INFLUX_TOKEN", hide_env_values = true)]
    token: Option<Given>,
    /// A file with the token.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
}

/// A token as it was given. It is looked at later: what is wrong with an argument is said together with the argument.
#[derive(Clone)]
struct Given(String);

impl std::str::FromStr for Given {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Given(text.to_string()))
    }
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Given(…)")
    }
}

impl Database {
    /// The database, if one is named.
    pub fn target(&self) -> Result<Option<Target>> {
        let Some(url) = &self.url else { return Ok(None) };
        let address: Address = url.parse()?;
        let token = match (&self.token, &self.token_file) {
            (Some(token), _) => Token::new(&token.0).map_err(anyhow::Error::msg)?,
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("could not read the token file {}", path.display()))?;
                Token::new(&text).map_err(anyhow::Error::msg)?
            }
            (None, None) => Token::default(),
        };
        if self.bucket.is_empty() {
            bail!("read an empty bucket, expected its name; say which with --bucket");
        }
        Ok(Some(Target { address, org: self.org.clone(), bucket: self.bucket.clone(), token }))
    }

    /// The database, which must be named.
    pub fn needed(&self) -> Result<Target> {
        self.target()?
            .context("no database is named; say where it is with --url http://HOST:PORT, or INFLUX_HOST")
    }
}

/// How a database is written to.
#[derive(Args, Debug)]
pub struct Sending {
    /// Compress what is sent.
    #[arg(long)]
    gzip: bool,
    /// The most lines of a batch.
    #[arg(long, default_value_t = 5000)]
    batch: usize,
    /// How long one request may take.
    #[arg(long, default_value = "10s")]
    request: Micros,
    /// How long lines are kept after they were acknowledged, for servers that lose them when they are killed. The end waits as long. Where
    /// somebody closes idle connections sooner, lines are sent twice: then shorter.
    #[arg(long, default_value = "2s")]
    settle: Micros,
    /// The longest pause between two tries.
    #[arg(long, default_value = "30s")]
    pause: Micros,
}

impl Sending {
    /// With this spool.
    pub fn options(&self, spool: PathBuf) -> InfluxOptions {
        let mut options =
            InfluxOptions { patience: self.request.into(), gzip: self.gzip, ..InfluxOptions::new(spool) };
        options.bounds.most_lines = self.batch.max(1);
        options.bounds.settle_us = self.settle.0;
        options.bounds.most_pause_us = self.pause.0.max(1);
        options.bounds.first_pause_us = options.bounds.first_pause_us.min(options.bounds.most_pause_us);
        options
    }
}

/// Where points go: a file, a database, both.
#[derive(Args, Debug)]
pub struct Sinks {
    /// Write points to this file. What was there is gone, unless --append is given.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Go on at the end of --file.
    #[arg(long, requires = "file")]
    append: bool,
    #[command(flatten)]
    database: Database,
    /// Where lines wait for the database.
    #[arg(long, value_name = "FILE", default_value = "metrics.spool")]
    spool: PathBuf,
    #[command(flatten)]
    sending: Sending,
    /// How many points may wait in memory; what comes then is dropped, and counted.
    #[arg(long, default_value_t = 65_536, value_parser = clap::value_parser!(u32).range(1..=MOST_CAPACITY))]
    capacity: u32,
    /// How long the end may take: what the database has not taken then stays in the spool.
    #[arg(long, default_value = "30s")]
    finish: Micros,
}

/// A recorder for each sink.
pub struct Recorders {
    recorders: Vec<(String, Recorder, Drain)>,
    finish: Micros,
}

impl Sinks {
    /// Starts recording.
    pub fn start(&self) -> Result<Recorders> {
        let options = Options { capacity: self.capacity as usize, ..Options::default() };
        let mut recorders = Vec::new();
        if let Some(path) = &self.file {
            let sink = if self.append { FileSink::append(path)? } else { FileSink::create(path)? };
            if sink.cut() > 0 {
                eprintln!("{}: a torn last line of {} bytes was cut off", path.display(), sink.cut());
            }
            let (recorder, drain) = Recorder::start(sink, options);
            recorders.push((path.display().to_string(), recorder, drain));
        }
        if let Some(target) = self.database.target()? {
            let name = target.address.to_string();
            let sink = InfluxSink::start(target, self.sending.options(self.spool.clone()))?;
            if sink.earlier() > 0 {
                eprintln!(
                    "{}: {} lines of an earlier program are sent first",
                    self.spool.display(),
                    sink.earlier()
                );
            }
            let (recorder, drain) = Recorder::start(sink, options);
            recorders.push((name, recorder, drain));
        }
        Ok(Recorders { recorders, finish: self.finish })
    }
}

impl Recorders {
    /// Records a point everywhere.
    pub fn point(&self, point: &Point) {
        for (_, recorder, _) in &self.recorders {
            recorder.point(point.clone());
        }
    }

    /// A latency in each recorder.
    pub fn latency(&self, name: &str, tags: &[(&str, &str)]) -> Result<Vec<metrics::Latency>> {
        self.recorders.iter().map(|(_, recorder, _)| Ok(recorder.latency(name, tags)?)).collect()
    }

    /// Ends, and says what became of everything. Whether all is where it was to go.
    pub fn finish(self) -> bool {
        let mut complete = true;
        for (name, _, drain) in self.recorders {
            let summary = drain.finish(self.finish.into());
            complete &= summary.is_complete();
            super::terminal::say(&format!("{name}: {summary}"));
        }
        complete
    }
}
