//! Buffers of samples, written one after the other.

use super::Topic;
use crate::generated::topic::my_pub_sub::TopicArgs;
use crate::sample::Sample;
use flatbuffers::FlatBufferBuilder;

/// Writes samples. Its builder is kept, and with it the memory: once that is enough, nothing more is allocated.
#[derive(Default)]
pub struct Writer {
    builder: FlatBufferBuilder<'static>,
}

impl Writer {
    /// The buffer of a sample. It is the writer's, until the next one is written.
    pub fn write(&mut self, sample: &Sample) -> &[u8] {
        self.write_parts(sample.seq_no, sample.ts, &sample.name, &sample.data)
    }

    /// The same from its parts. What a table refers to is written before the table: the string, then the vector.
    pub fn write_parts(&mut self, seq_no: u32, ts: f64, name: &str, data: &[u32]) -> &[u8] {
        // solution: begin — Part B: write a sample with the builder
        self.builder.reset();
        let name = self.builder.create_string(name);
        let data = self.builder.create_vector(data);
        let fields = TopicArgs { seq_no, ts, name: Some(name), data: Some(data) };
        let topic = Topic::create(&mut self.builder, &fields);
        self.builder.finish(topic, None);
        self.builder.finished_data()
        // solution: end
    }
}
