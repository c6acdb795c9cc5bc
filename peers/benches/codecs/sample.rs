//! The same sample in four formats: FlatBuffers, serde with postcard, JSON, Protocol Buffers.

use flatbuf::limits::Limits;
use flatbuf::sample::Sample;
use flatbuf::topic::read::read;
use flatbuf::topic::write::Writer;
use prost::Message;
use serde::{Deserialize, Serialize};

/// The sample for serde: a borrowed name, as far as a format can.
#[derive(Debug, Serialize, Deserialize)]
struct Plain<'a> {
    seq_no: u32,
    ts: f64,
    #[serde(borrow)]
    name: std::borrow::Cow<'a, str>,
    data: Vec<u32>,
}

/// The sample for Protocol Buffers. `data` is packed, as proto3 has it.
#[derive(Clone, PartialEq, Message)]
struct Proto {
    #[prost(uint32, tag = "1")]
    seq_no: u32,
    #[prost(double, tag = "2")]
    ts: f64,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(uint32, repeated, tag = "4")]
    data: Vec<u32>,
}

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// FlatBuffers: a builder that is kept; verified, and read where it lies.
    FlatBuffers,
    /// serde with postcard: numbers of as many bytes as they need.
    Postcard,
    /// serde with JSON: text.
    Json,
    /// Protocol Buffers, by prost.
    Prost,
}

/// All of them; the others are compared with the first.
pub const ALL: [Codec; 4] = [Codec::FlatBuffers, Codec::Postcard, Codec::Json, Codec::Prost];

impl Codec {
    /// What it is called in the table.
    pub fn name(self) -> &'static str {
        match self {
            Codec::FlatBuffers => "FlatBuffers",
            Codec::Postcard => "postcard",
            Codec::Json => "JSON",
            Codec::Prost => "prost",
        }
    }
}

/// What writes samples, one after the other, into memory that it keeps.
pub struct Encoder {
    codec: Codec,
    writer: Writer,
    bytes: Vec<u8>,
}

impl Encoder {
    /// An encoder of this format.
    pub fn new(codec: Codec) -> Self {
        Encoder { codec, writer: Writer::default(), bytes: Vec::new() }
    }

    /// The bytes of a sample.
    pub fn encode(&mut self, sample: &Sample) -> &[u8] {
        let plain = |sample: &'_ Sample| Proto {
            seq_no: sample.seq_no,
            ts: sample.ts,
            name: sample.name.clone(),
            data: sample.data.clone(),
        };
        match self.codec {
            Codec::FlatBuffers => return self.writer.write(sample),
            Codec::Postcard => {
                self.bytes.clear();
                let bytes = std::mem::take(&mut self.bytes);
                self.bytes = postcard::to_extend(&Borrowed::from(sample), bytes).expect("it has room");
            }
            Codec::Json => {
                self.bytes.clear();
                serde_json::to_writer(&mut self.bytes, &Borrowed::from(sample)).expect("it has room");
            }
            Codec::Prost => {
                self.bytes.clear();
                plain(sample).encode(&mut self.bytes).expect("it has room");
            }
        }
        &self.bytes
    }
}

/// The sample for serde, to write.
#[derive(Serialize)]
struct Borrowed<'a> {
    seq_no: u32,
    ts: f64,
    name: &'a str,
    data: &'a [u32],
}

impl<'a> From<&'a Sample> for Borrowed<'a> {
    fn from(sample: &'a Sample) -> Self {
        Borrowed { seq_no: sample.seq_no, ts: sample.ts, name: &sample.name, data: &sample.data }
    }
}

impl Codec {
    /// Decodes, or verifies, and looks at everything: the sum of all numbers.
    pub fn read_all(self, bytes: &[u8]) -> u64 {
        let sum = |seq_no: u32, name: &str, data: &mut dyn Iterator<Item = u32>| {
            u64::from(seq_no) + name.len() as u64 + data.map(u64::from).sum::<u64>()
        };
        match self {
            Codec::FlatBuffers => {
                let topic = read(bytes, &Limits::default()).expect("we wrote it");
                sum(
                    topic.seq_no(),
                    topic.name().unwrap_or_default(),
                    &mut topic.data().unwrap_or_default().iter(),
                )
            }
            Codec::Postcard => {
                let plain: Plain<'_> = postcard::from_bytes(bytes).expect("we wrote it");
                sum(plain.seq_no, &plain.name, &mut plain.data.iter().copied())
            }
            Codec::Json => {
                let plain: Plain<'_> = serde_json::from_slice(bytes).expect("we wrote it");
                sum(plain.seq_no, &plain.name, &mut plain.data.iter().copied())
            }
            Codec::Prost => {
                let proto = Proto::decode(bytes).expect("we wrote it");
                sum(proto.seq_no, &proto.name, &mut proto.data.iter().copied())
            }
        }
    }

    /// Decodes, or verifies, and looks at one field.
    pub fn read_one(self, bytes: &[u8]) -> u32 {
        match self {
            Codec::FlatBuffers => read(bytes, &Limits::default()).expect("we wrote it").seq_no(),
            Codec::Postcard => postcard::from_bytes::<Plain<'_>>(bytes).expect("we wrote it").seq_no,
            Codec::Json => serde_json::from_slice::<Plain<'_>>(bytes).expect("we wrote it").seq_no,
            Codec::Prost => Proto::decode(bytes).expect("we wrote it").seq_no,
        }
    }
}
