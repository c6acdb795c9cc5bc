//! Whole runs: a discovery, publishers, subscribers, perhaps a broker, and the weather between them. Given whole.

use super::application::{Publisher, Subscriber};
use super::config::Dissemination;
use super::discovery::{Discovery, Expected};
use super::frequency::Frequency;
use super::invariants::{self, ENDED, Invariants};
use super::message::{Endpoint, Role};
use super::node::{Node, Station, View};
use super::participant::{AnyApplication, Identity, PATIENCE, Participant};
use super::topic::Topic;
use super::turn::Output;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use simnet::delay::Micros;
use simnet::random::Purpose;
use simnet::sim::Told;
use simnet::swarm::{Storm, Swarm, Weather};
use simnet::trace::Name;
use simnet::{Chance, Cluster, Delay, NodeId, Observe, Random, RandomSource, Sim, Trial, Violation};
use std::collections::BTreeMap;
use std::time::Duration;

/// Who takes part: the discovery `d`, publishers `pub1` …, subscribers `sub1` …, and with `Broker` the broker `b`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Roles {
    /// Publishers.
    pub publishers: u32,
    /// Subscribers.
    pub subscribers: u32,
    /// How samples travel.
    pub dissemination: Dissemination,
    /// So many topics each publisher draws, of nine.
    pub publisher_topics: u32,
    /// So many topics each subscriber draws.
    pub subscriber_topics: u32,
    /// How often a publisher measures, a second: a number in quotes, such as "0.25".
    #[serde(with = "as_text")]
    pub frequency: Frequency,
    /// How often it measures in all.
    pub iterations: u64,
    /// After how long what is not answered is said again.
    pub resend: Micros,
}

mod as_text {
    use crate::middleware::frequency::Frequency;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &Frequency, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Frequency, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Default for Roles {
    fn default() -> Self {
        Roles {
            publishers: 2,
            subscribers: 2,
            dissemination: Dissemination::Direct,
            publisher_topics: 5,
            subscriber_topics: 5,
            frequency: "50".parse().expect("a frequency"),
            iterations: 5,
            resend: Duration::from_millis(60).into(),
        }
    }
}

impl Roles {
    /// The discovery.
    pub const DISCOVERY: NodeId = NodeId(0);

    /// Whether a run can have these roles.
    ///
    /// # Errors
    /// What was read and expected.
    pub fn check(&self) -> Result<(), String> {
        for (what, count, most) in [
            ("publishers", self.publishers, 100),
            ("subscribers", self.subscribers, 100),
            ("publisher_topics", self.publisher_topics, 9),
            ("subscriber_topics", self.subscriber_topics, 9),
        ] {
            if !(1..=most).contains(&count) {
                return Err(format!("read {what} = {count}, expected 1 to {most}"));
            }
        }
        if self.iterations > 1_000_000 {
            return Err(format!("read iterations = {}, expected 1000000 at most", self.iterations));
        }
        if self.resend.0 == 0 {
            return Err("read resend = 0, expected a length of time such as \"60ms\"".to_string());
        }
        Ok(())
    }

    /// What the discovery waits for.
    pub fn expected(&self) -> Expected {
        Expected {
            publishers: self.publishers,
            subscribers: self.subscribers,
            dissemination: self.dissemination,
        }
    }

    /// All nodes.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        let broker = self.expected().of(Role::Broker);
        (0..1 + self.publishers + self.subscribers + broker).map(NodeId)
    }

    /// The participants, in the order of their ids, which begin after the discovery's.
    fn participants(&self) -> Vec<(String, Role)> {
        let of = |role: Role, name: &'static str| {
            (1..=self.expected().of(role)).map(move |number| (format!("{name}{number}"), role))
        };
        let broker = (0..self.expected().of(Role::Broker)).map(|_| ("b".to_string(), Role::Broker));
        of(Role::Publisher, "pub").chain(of(Role::Subscriber, "sub")).chain(broker).collect()
    }

    fn participant(&self, node: NodeId, name: &str, role: Role) -> Participant {
        let application = match role {
            Role::Publisher => AnyApplication::Publisher(Publisher::new(
                self.publisher_topics as usize,
                self.frequency,
                self.iterations,
            )),
            Role::Subscriber => AnyApplication::Subscriber(Subscriber::new(self.subscriber_topics as usize)),
            Role::Broker => AnyApplication::Subscriber(Subscriber::broker()),
        };
        let port = u16::try_from(node.0).expect("fewer nodes than ports");
        let endpoint = (role != Role::Subscriber).then(|| Endpoint { address: "node".to_string(), port });
        let identity = Identity {
            name: name.to_string(),
            endpoint,
            dissemination: self.dissemination,
            session: node.0.into(),
        };
        Participant::new(identity, application, Some(self.resend.into()))
    }

    /// The nodes.
    pub fn cluster(&self) -> Cluster<Node> {
        let mut cluster = Cluster::new();
        let expected = self.expected();
        cluster.node("d", move || Node::Discovery(Discovery::new(expected)));
        for (place, (name, role)) in self.participants().into_iter().enumerate() {
            let (roles, node) = (self.clone(), NodeId(place as u32 + 1));
            cluster.node(name.clone(), move || {
                let participant = roles.participant(node, &name, role);
                Node::Participant(Box::new(Station::new(participant, Roles::DISCOVERY)))
            });
        }
        cluster
    }

    /// The names of the nodes, by id.
    pub fn names(&self) -> Vec<String> {
        self.cluster().names().map(|name| name.to_string()).collect()
    }

    /// The rules.
    pub fn rules(&self) -> Invariants {
        Invariants::new(self.expected(), self.names())
    }
}

/// A cluster and its storm.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Who takes part.
    pub roles: Roles,
    /// What goes wrong.
    pub storm: Storm,
    /// How long the storm lasts, or a run without a storm at most.
    pub length: Duration,
}

impl Scene {
    /// The scene of a seed. Nobody crashes: the middleware remembers nothing, and does not promise to.
    pub fn draw(seed: u64) -> Self {
        let mut random = Random::new(seed, Purpose::Swarm);
        let dissemination = *random.pick(&[Dissemination::Direct, Dissemination::Broker]);
        let roles = Roles {
            publishers: 1 + random.below(3) as u32,
            subscribers: 1 + random.below(3) as u32,
            dissemination,
            publisher_topics: *random.pick(&[1, 3, 9]),
            subscriber_topics: *random.pick(&[1, 3, 9]),
            frequency: random.pick(&["20", "200", "1000"]).parse().expect("a frequency"),
            iterations: *random.pick(&[0, 1, 5, 20]),
            resend: Duration::from_millis(*random.pick(&[15, 60, 200])).into(),
        };
        let length = Duration::from_millis(*random.pick(&[100, 300, 600]));
        let names: Vec<Name> = roles.cluster().names().cloned().collect();
        let messages = [
            "Register",
            "Registered",
            "Ready",
            "Found",
            "Subscribe",
            "Welcome",
            "Sample",
            "End",
            "Completed",
        ];
        let mut storm =
            Swarm { nodes: names, messages: messages.map(Name::from).to_vec(), length, ..Swarm::default() }
                .draw(&mut random);
        // A clock that is ahead measures other latencies, and no rule speaks of them.
        storm.plan.faults.retain(|scheduled| scheduled.fault.kind() != "clock");
        Scene { roles, storm, length }
    }

    /// A scene in which nothing is lost.
    pub fn calm(roles: Roles) -> Self {
        Scene { roles, storm: Storm::calm(), length: Duration::from_secs(60) }
    }

    /// Whether nothing is lost on the way, nor so late that a subscriber has given it up.
    pub fn loses_nothing(&self) -> bool {
        let weather = &self.storm.weather;
        let hops = if self.roles.dissemination == Dissemination::Broker { 2 } else { 1 };
        let in_time = match weather.delay {
            Delay::Fixed { us } => Some(us),
            Delay::Uniform { max_us, .. } => Some(max_us),
            // Without a longest delay, each is exceeded some time.
            Delay::Exponential { .. } => None,
        }
        .is_some_and(|longest_us| longest_us * hops < self.roles.resend.0 * u64::from(PATIENCE));
        let [loss, straggling] = [weather.loss, weather.straggling].map(|chance| chance == Chance::NEVER);
        in_time && loss && straggling && self.storm.plan.faults.is_empty()
    }

    /// The run of this scene, about to begin, under its rules.
    pub fn begin(&self, trial: &Trial) -> Sim<Node> {
        trial
            .sim(&self.roles.cluster())
            .with_hub(self.storm.weather.hub())
            .with_plan(&self.storm.plan)
            .described(self.to_string())
            .with_monitor(self.roles.rules())
    }

    /// The storm, then a calm in which everybody must be released.
    pub fn survive_and_end(&self, trial: &Trial) -> Sim<Node> {
        let mut sim = self.begin(trial);
        sim.run_for(self.length);
        let everybody: Vec<NodeId> = self.roles.nodes().collect();
        let hub =
            Weather { delay: Delay::Uniform { min_us: 1_000, max_us: 10_000 }, ..Weather::default() }.hub();
        sim.calm(&everybody, hub);
        let steps = Duration::from(self.roles.resend) * 5 + Duration::from_millis(100);
        let measuring = self.roles.frequency.period() * (self.roles.iterations as u32 + 1);
        sim.must_reach(ENDED, steps * 12 + measuring, |sim| all_over(sim, &self.roles));
        self.judge(&mut sim);
        sim
    }

    /// (5), where nothing was lost.
    pub fn judge(&self, sim: &mut Sim<Node>) {
        if self.loses_nothing()
            && let Some(violation) = self.lost(sim.outputs())
        {
            sim.violate(violation);
        }
    }

    /// (5) of these outputs.
    pub fn lost(&self, outputs: &[Told<Output>]) -> Option<Violation> {
        invariants::missed(outputs, &self.roles.names())
    }
}

impl std::fmt::Display for Scene {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Roles { publishers, subscribers, dissemination, frequency, iterations, .. } = &self.roles;
        write!(
            f,
            "{publishers} publishers and {subscribers} subscribers, {dissemination}, {iterations} times at {frequency} a second; {}",
            self.storm
        )
    }
}

/// Whether everybody is released.
pub fn all_over(sim: &Sim<Node>, roles: &Roles) -> bool {
    roles.nodes().all(|node| is_over(sim.process(node)))
}

/// Whether a node has nothing left to do.
pub fn is_over(node: Option<&Node>) -> bool {
    match node.map(Observe::view) {
        Some(View::Discovery { done, .. }) => done,
        Some(View::Participant { over, .. }) => over,
        None => false,
    }
}

/// What a run came to, in the lab's own words, from what the nodes told.
pub fn outcome(outputs: &[Told<Output>], names: &[String]) -> Map<String, Value> {
    let mut published: BTreeMap<&str, u64> = BTreeMap::new();
    let mut heard: BTreeMap<&str, Value> = BTreeMap::new();
    let mut refused: BTreeMap<&str, &str> = BTreeMap::new();
    let mut latencies: BTreeMap<Topic, Histogram<u64>> = BTreeMap::new();
    let mut released = 0;
    for told in outputs {
        let name = names[told.node.index()].as_str();
        match &told.output {
            Output::Published { .. } => *published.entry(name).or_default() += 1,
            Output::Received { topic, latency_us, .. } => {
                latencies.entry(*topic).or_insert_with(latency_histogram).saturating_record(*latency_us);
            }
            Output::Heard { received, missed } => {
                heard.insert(name, json!({"received": received, "missed": missed}));
            }
            Output::Refused(why) => drop(refused.insert(name, why)),
            Output::Released => released += 1,
            Output::Topics(_) | Output::Entered(_) => {}
        }
    }
    let latencies: Map<String, Value> =
        latencies.iter().map(|(topic, times)| (topic.to_string(), json!(in_words(times)))).collect();
    let outcome = [
        ("released", json!(released)),
        ("published", json!(published)),
        ("heard", json!(heard)),
        ("latency", json!(latencies)),
    ];
    let mut outcome: Map<String, Value> =
        outcome.into_iter().map(|(what, value)| (what.to_string(), value)).collect();
    if !refused.is_empty() {
        outcome.insert("refused".to_string(), json!(refused));
    }
    outcome
}

/// An empty histogram of latencies: microseconds up to an hour, three digits kept.
pub fn latency_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("bounds that are allowed")
}

/// A histogram of latencies on one line.
pub fn in_words(times: &Histogram<u64>) -> String {
    let ms = |us: u64| format!("{}.{:03}", us / 1000, us % 1000);
    let at = |quantile| ms(times.value_at_quantile(quantile));
    format!(
        "{} samples: p50 {} ms, p90 {} ms, p99 {} ms, max {} ms",
        times.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        ms(times.max())
    )
}
