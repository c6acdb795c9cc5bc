//! Experiment files: TOML for people, JSON for the labs' programs.

use crate::seed;
use anyhow::{Context, Result, bail};
use serde_json::Value as Json;
use std::fs;
use std::path::Path;
use toml::Value;

/// An experiment as a lab gets it.
#[derive(Debug, PartialEq)]
pub struct Experiment {
    /// All but the seed.
    pub json: Json,
    /// The seed. It is taken out, so that a lab has only the one of `--seed` to obey.
    pub seed: Option<u64>,
}

/// Reads an experiment file.
pub fn load(path: &Path) -> Result<Experiment> {
    let text = fs::read_to_string(path).with_context(|| {
        format!("{} cannot be read; expected an experiment file (NN-lab/experiments/*.toml)", path.display())
    })?;
    parse(&text).with_context(|| path.display().to_string())
}

/// Reads the text of an experiment file.
pub fn parse(text: &str) -> Result<Experiment> {
    let mut table: toml::Table = text.parse()?;
    let seed = match table.remove("seed") {
        None => None,
        Some(Value::Integer(seed)) => match u64::try_from(seed) {
            Ok(seed) => Some(seed),
            Err(_) => bail!("read seed = {seed}, expected a number from 0"),
        },
        // TOML's numbers end where i64 ends.
        Some(Value::String(read)) => match seed::parse(&read) {
            Ok(seed) => Some(seed),
            Err(wrong) => bail!("seed: {wrong}"),
        },
        Some(other) => bail!("read seed = {other}, expected a number, or text like \"0xff\" for the largest"),
    };
    Ok(Experiment { json: json(Value::Table(table)), seed })
}

fn json(value: Value) -> Json {
    match value {
        Value::String(text) => Json::String(text),
        Value::Integer(number) => Json::from(number),
        // NaN and the infinities have no JSON.
        Value::Float(number) => serde_json::Number::from_f64(number).map_or(Json::Null, Json::Number),
        Value::Boolean(truth) => Json::Bool(truth),
        Value::Datetime(time) => Json::String(time.to_string()),
        Value::Array(values) => Json::Array(values.into_iter().map(json).collect()),
        Value::Table(table) => {
            Json::Object(table.into_iter().map(|(key, value)| (key, json(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_becomes_json_without_the_seed() {
        let read =
            parse("seed = 17\nnodes = 5\nrate = 0.5\n[[fault]]\nat = \"10ms\"\nwhen = 2026-01-01\n").unwrap();
        assert_eq!(read.seed, Some(17));
        assert_eq!(
            read.json,
            serde_json::json!({"nodes": 5, "rate": 0.5, "fault": [{"at": "10ms", "when": "2026-01-01"}]})
        );
    }

    #[test]
    fn a_large_seed_is_text() {
        assert_eq!(parse("seed = \"0xffffffffffffffff\"").unwrap().seed, Some(u64::MAX));
        for wrong in ["seed = -1", "seed = \"x\"", "seed = 1.5", "seed = [1]", "seed ="] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
