//! Asks a real InfluxDB, in its language Flux, by the crate `influxdb2`. A shell.
//!
//! The crate is used for questions only. Its write hides the headers of an answer, `Retry-After` among them, reads the text of an error without a
//! bound, and panics on an address that is none: so writes go by [`super::connection`]. It also brings 120 crates with it, so it is built with the
//! feature `flux` only.

use super::address::Target;
use super::flux::flux;
use crate::point::Point;
use crate::query::Query;
use influxdb2::ClientBuilder;
use influxdb2::models::Query as Question;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use thiserror::Error;
use tokio::runtime::Builder;
use tokio::time::timeout;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum FluxError {
    /// The runtime could not start.
    #[error("could not start: {0}")]
    Start(#[from] std::io::Error),
    /// The server took too long.
    #[error(
        "{0} has not answered the query within {1:?}; ask for a shorter range, or wait longer with --patience"
    )]
    Slow(String, Duration),
    /// The server said no, or something else.
    #[error(
        "{address} did not answer the query: {why}; `metrics serve-check` says what is wrong. VictoriaMetrics has no Flux"
    )]
    Refused {
        /// The server.
        address: String,
        /// In words, without the token.
        why: String,
    },
}

/// Asks for the points of a query; each has the one field that was asked for.
///
/// # Errors
/// When there is no answer within `patience`.
pub fn points(target: &Target, query: &Query, patience: Duration) -> Result<Vec<Point>, FluxError> {
    let address = target.address.to_string();
    // The address is meant as it is: no proxy from the environment comes in between.
    let direct = reqwest::ClientBuilder::new().no_proxy();
    let builder =
        ClientBuilder::with_builder(direct, address.as_str(), target.org.as_str(), target.token.reveal());
    let client = builder
        .build()
        .map_err(|error| FluxError::Refused { address: address.clone(), why: error.to_string() })?;
    let question = Question::new(flux(query, &target.bucket));
    let runtime = Builder::new_current_thread().enable_all().build()?;
    // The crate panics on a cell that is not what its column says, an empty number for one.
    let asked = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async { timeout(patience, client.query_raw(Some(question))).await })
    }));
    let Ok(asked) = asked else {
        return Err(FluxError::Refused { address, why: "its answer cannot be read".to_string() });
    };
    let records = match asked {
        Err(_) => return Err(FluxError::Slow(address, patience)),
        Ok(Err(error)) => {
            let why = target.token.hide_in(&error.to_string()).chars().take(300).collect();
            return Err(FluxError::Refused { address, why });
        }
        Ok(Ok(records)) => records,
    };
    Ok(records.iter().filter_map(|record| record::point(&record.values)).collect())
}

mod record {
    use crate::point::{Point, Value};
    use influxdb2_structmap::GenericMap;
    use influxdb2_structmap::value::Value as Cell;

    /// The point of a row: columns with an underscore are the database's own, the others tags.
    pub(super) fn point(row: &GenericMap) -> Option<Point> {
        let text = |key: &str| match row.get(key) {
            Some(Cell::String(text)) => Some(text.as_str()),
            _ => None,
        };
        let time_ns = match row.get("_time")? {
            Cell::TimeRFC(time) => time.timestamp_nanos_opt()?,
            _ => return None,
        };
        let value = match row.get("_value")? {
            Cell::Double(value) => Value::Float(value.into_inner()),
            Cell::Long(value) => Value::Integer(*value),
            Cell::UnsignedLong(value) => Value::Unsigned(*value),
            Cell::Bool(value) => Value::Boolean(*value),
            Cell::String(value) => Value::Text(value.clone()),
            _ => return None,
        };
        let mut point = Point::new(text("_measurement")?).field(text("_field")?, value).at(time_ns);
        for (key, cell) in row {
            let own = key.starts_with('_') || ["result", "table", ""].contains(&key.as_str());
            if let (false, Cell::String(value)) = (own, cell) {
                point = point.tag(key, value);
            }
        }
        Some(point)
    }
}
