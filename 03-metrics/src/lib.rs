//! What happened, when: timestamps, latencies, time series.
//!
//! A measured program holds a [`Recorder`] in its hands, which never waits and whose memory has a bound. A background thread, the
//! [`Drain`], empties it into a [`Sink`]: a file of lines ([`FileSink`]), or a database.
//!
//! # The files, in reading order
//!
//! | file | idea |
//! |---|---|
//! | [`point`] | what is measured: measurement, tags, fields, a moment |
//! | [`mod@line`] | a point as a line of text (InfluxDB's line protocol), and back |
//! | [`stamp`] | the moment of a point is part of its name |
//! | [`queue`] | between the measured path and the background: never waits, counts what it drops |
//! | [`histogram`] | latencies in bounded memory |
//! | [`recorder`] | counters, gauges, latencies, points |
//! | [`drain`] | the background: from the queue to the sink |
//! | [`sink`] | where points go |
//! | [`mod@file`] | a file of lines, whole after a crash |
//! | [`reader`] | a file of lines, read back |
//! | [`percentile`] | nearest rank |
//! | [`query`] | range, filter, groups, rate, downsampling |
//! | [`chart`] | pictures |
//! | [`clock`] | what clocks say, and how far apart they are |
//! | [`sample`] | a message that says when it was sent |
//! | [`influx`] | a database as a sink: batches, pauses, a spool |

pub mod chart;
pub mod clock;
pub mod drain;
pub mod file;
pub mod histogram;
pub mod influx;
pub mod line;
pub mod percentile;
pub mod point;
pub mod query;
pub mod queue;
pub mod reader;
pub mod recorder;
pub mod sample;
pub mod sink;
pub mod stamp;

pub use drain::{Drain, Summary};
pub use file::FileSink;
pub use percentile::Percentiles;
pub use point::{Point, Value};
pub use recorder::{Counter, Gauge, Latency, Options, Recorder};
pub use sink::{Delivered, MemorySink, Sink, SinkError, Taken};
