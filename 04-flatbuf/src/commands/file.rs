//! Files that somebody names: buffers and schemas. None is read that is longer than allowed.

use anyhow::{Context, Result, bail};
use flatbuf::schema::{self, Schema, read::LONGEST};
use flatbuf::station::read::IDENTIFIER;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The schemas that this program brings.
const TOPIC: &[u8] = include_bytes!("../../buffers/topic.bfbs");
const STATION: &[u8] = include_bytes!("../../buffers/station.bfbs");

/// A buffer: the bytes of a file of at most `longest`.
pub fn buffer(path: &Path, longest: usize) -> Result<Vec<u8>> {
    match bytes(path, longest)? {
        Some(bytes) => Ok(bytes),
        None => bail!("{} has more than {longest} bytes; allow more with --longest", path.display()),
    }
}

/// The schema in a file.
pub fn schema(path: &Path) -> Result<Schema> {
    let Some(bytes) = bytes(path, LONGEST)? else {
        bail!("{} has more than {LONGEST} bytes, which no schema needs", path.display());
    };
    schema::read::read(&bytes).with_context(|| {
        format!("{} is no binary schema; make one with: flatc --binary --schema FILE.fbs", path.display())
    })
}

/// The bytes of a file; none, when they are more than `longest`.
fn bytes(path: &Path, longest: usize) -> Result<Option<Vec<u8>>> {
    let file = File::open(path).with_context(|| format!("could not read {}", path.display()))?;
    let mut bytes = Vec::new();
    let more = (longest as u64).saturating_add(1);
    file.take(more).read_to_end(&mut bytes).with_context(|| format!("could not read {}", path.display()))?;
    Ok((bytes.len() <= longest).then_some(bytes))
}

/// Whether a buffer says that it is a station's.
pub fn is_station(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(IDENTIFIER.as_bytes())
}

/// The schema of a buffer, of those that this program brings: a station's has an identifier, a topic's has none.
pub fn own_schema(bytes: &[u8]) -> Result<Schema> {
    Ok(schema::read::read(if is_station(bytes) { STATION } else { TOPIC })?)
}
