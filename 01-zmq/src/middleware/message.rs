//! What travels, and what of it is refused.
//!
//! Between a participant and the discovery: numbered requests and answers, as JSON (the original has protocol buffers; the fields are
//! theirs). Between publishers and subscribers: publications in two frames, the topic and JSON.

use super::config::Dissemination;
use super::topic::Topic;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A frame may have so many bytes. What is longer is refused before anybody looks into it.
pub const LONGEST: usize = 64 * 1024;

/// The number of what the discovery says unasked. Requests are counted from 1.
pub const UNASKED: u32 = 0;

/// Where a publisher or the broker can be heard.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// A name or an address.
    pub address: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.address, self.port)
    }
}

/// What somebody takes part as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Measures and publishes.
    Publisher,
    /// Wants to know.
    Subscriber,
    /// Passes on.
    Broker,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Publisher => "publisher",
            Role::Subscriber => "subscriber",
            Role::Broker => "broker",
        })
    }
}

/// Somebody who wants to take part.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registrant {
    /// As what.
    pub role: Role,
    /// Its name: 1 to 64 letters, digits, `.`, `-` and `_`.
    pub name: String,
    /// Where it can be heard; a subscriber has none.
    pub endpoint: Option<Endpoint>,
    /// What it publishes, or wants to hear; a broker has none of its own.
    pub topics: Vec<Topic>,
    /// What its `config.ini` says.
    pub dissemination: Dissemination,
    /// One number for each start of a program: a second program of the same name has another.
    pub session: u64,
}

/// What a participant asks of the discovery.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Let me take part.
    Register(Registrant),
    /// May I go on? It is answered when it is so: subscribers and the broker go on once all are registered, publishers once
    /// all subscriptions are in force, too.
    IsReady,
    /// Who publishes these topics?
    LookupByTopic(Vec<Topic>),
    /// Who publishes?
    LookupAll,
    /// All my subscriptions are in force.
    Subscribed,
    /// I have published, or heard, all. It is answered once all have said so.
    Done,
}

/// What the discovery answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Response {
    /// You take part.
    Registered,
    /// It cannot be; the reason is one sentence for a person.
    Refused(String),
    /// You may go on.
    Ready,
    /// These publish.
    Found(Vec<Provider>),
    /// It is noted that your subscriptions are in force.
    Noted,
    /// All are done.
    Completed,
}

/// Where a publisher's samples can be had: from itself, or from the broker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The publisher.
    pub publisher: String,
    /// Where to subscribe.
    pub endpoint: Endpoint,
    /// Its topics, of those that were asked for.
    pub topics: Vec<Topic>,
}

/// A request with its number. A copy has the same number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The participant counts its requests.
    pub number: u32,
    /// What it asks.
    pub request: Request,
}

/// An answer, with the number of its request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// The number of the request.
    pub number: u32,
    /// What is answered.
    pub response: Response,
}

/// What a publisher says on a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Content {
    /// A subscription to this topic is in force: whoever hears this hears all samples.
    Welcome,
    /// One measurement.
    Sample {
        /// How many samples of this publisher and topic were before it.
        number: u64,
        /// What was measured.
        value: String,
        /// When, by the publisher's clock, in microseconds.
        sent_us: u64,
    },
    /// That was all.
    End {
        /// How many samples there were.
        samples: u64,
    },
}

/// Something published.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Publication {
    /// On which topic.
    pub topic: Topic,
    /// By whom. A broker passes it on as it is.
    pub publisher: String,
    /// What.
    pub content: Content,
}

/// The second frame of a publication; the first is the topic.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    publisher: String,
    content: Content,
}

/// Bytes of this message. All of these types can be written as JSON.
pub fn to_bytes<T: Serialize>(message: &T) -> Vec<u8> {
    serde_json::to_vec(message).expect("maps with names as keys")
}

/// The message that these bytes are, if they are one.
///
/// # Errors
/// What was read, and why it is no such message; one line.
pub fn from_bytes<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, String> {
    // solution: begin — Part F: refuse what is no message
    if bytes.len() > LONGEST {
        return Err(format!("read {} bytes, expected {what} of {LONGEST} at most", bytes.len()));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| format!("read `{}`, expected {what}: {error}", beginning(bytes)))
    // solution: end
}

/// The beginning of what somebody sent, fit to be shown on one line.
fn beginning(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
    let shown: String = text.chars().map(|c| if c.is_control() { '�' } else { c }).collect();
    if bytes.len() > 60 { format!("{shown}…") } else { shown }
}

impl Publication {
    /// Its two frames.
    pub fn to_frames(&self) -> [Vec<u8>; 2] {
        let body = Body { publisher: self.publisher.clone(), content: self.content.clone() };
        [self.topic.name().as_bytes().to_vec(), to_bytes(&body)]
    }

    /// The publication that these frames are, if they are one.
    ///
    /// # Errors
    /// What was read and expected; one line.
    pub fn from_frames<F: AsRef<[u8]>>(frames: &[F]) -> Result<Self, String> {
        let [topic, body] = frames else {
            return Err(format!(
                "read {} frames, expected two: a topic and what is published on it",
                frames.len()
            ));
        };
        let topic = beginning(topic.as_ref()).parse()?;
        let Body { publisher, content } = from_bytes("a publication", body.as_ref())?;
        Ok(Publication { topic, publisher, content })
    }
}
