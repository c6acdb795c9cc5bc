//! A table: where it is, and where its vtable says that its fields are.

use super::buffer::Buffer;
use super::malformed::Malformed;

/// What stands in a vtable before the places of the fields: its own length, and the table's.
const VTABLE_HEAD: usize = 4;

/// A table whose vtable is there, all of it.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    /// The buffer that it is in.
    pub buffer: Buffer<'a>,
    /// Where it begins.
    pub at: usize,
    /// Where its vtable begins.
    pub vtable: usize,
    /// How many bytes its vtable has.
    pub vtable_length: usize,
}

impl<'a> Table<'a> {
    /// The root table: the first four bytes of a buffer lead to it.
    ///
    /// # Errors
    /// When there is no table.
    pub fn root(buffer: Buffer<'a>) -> Result<Self, Malformed> {
        Table::new(buffer, buffer.follow(0, "the offset of the root table")?)
    }

    /// The table at `at`. It begins with how far **back** its vtable is, with a sign: it may also be further on. The vtable must lie in the
    /// buffer, begin at an even byte, and have an even length.
    ///
    /// # Errors
    /// When one of them is not there.
    pub fn new(buffer: Buffer<'a>, at: usize) -> Result<Self, Malformed> {
        let back = buffer.i32(at, "a table")?;
        let outside = Malformed::Outside { what: "a vtable", at, length: 0, buffer: buffer.0.len() };
        // solution: begin — Part A: find the vtable
        let vtable = at as i64 - i64::from(back);
        let vtable = usize::try_from(vtable).map_err(|_| outside)?;
        let vtable_length = usize::from(buffer.u16(vtable, "a vtable")?);
        if !vtable_length.is_multiple_of(2) {
            return Err(Malformed::OddVtable { at: vtable, length: vtable_length });
        }
        buffer.slice(vtable, vtable_length, "a vtable")?;
        Ok(Table { buffer, at, vtable, vtable_length })
        // solution: end
    }

    /// Where field `id` is, counted from 0 in the order of the schema; `None` when it is absent, and so its default.
    ///
    /// # Errors
    /// When the vtable is not there: not after [`Table::new`].
    pub fn field(&self, id: u16) -> Result<Option<usize>, Malformed> {
        // solution: begin — Part A: the place of a field
        let slot = VTABLE_HEAD + 2 * usize::from(id);
        if slot + 2 > self.vtable_length {
            // The writer knew no such field.
            return Ok(None);
        }
        let place = self.buffer.u16(self.vtable + slot, "the place of a field")?;
        Ok((place != 0).then(|| self.at + usize::from(place)))
        // solution: end
    }
}
