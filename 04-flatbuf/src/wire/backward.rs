//! A buffer that grows towards its beginning.
//!
//! An offset leads forward, and to what is there already: so strings and vectors are written before the table that refers to them, and the
//! root's offset comes last. While it grows, nobody knows how far the beginning is; so places are counted **from the end**, and that is also
//! why alignment can be kept: in the end the whole buffer is made a multiple of the greatest alignment in it.

/// Bytes, the last one first.
#[derive(Clone, Debug, Default)]
pub struct Backward {
    reversed: Vec<u8>,
    alignment: usize,
}

impl Backward {
    /// How many bytes there are: also the place, from the end, of what was put last.
    pub fn place(&self) -> usize {
        self.reversed.len()
    }

    /// Puts bytes before those that are there.
    pub fn put(&mut self, bytes: &[u8]) {
        self.reversed.extend(bytes.iter().rev());
    }

    /// Puts zeros, as few as will do, so that what begins after `length` more bytes lies at a multiple of `to`.
    pub fn pad(&mut self, length: usize, to: usize) {
        // solution: begin — Part B: as few zeros as will do
        self.alignment = self.alignment.max(to);
        while !(self.place() + length).is_multiple_of(to) {
            self.put(&[0]);
        }
        // solution: end
    }

    /// Puts a number where it is aligned, and returns its place.
    pub fn number<const N: usize>(&mut self, bytes: [u8; N]) -> usize {
        self.pad(N, N);
        self.put(&bytes);
        self.place()
    }

    /// Puts the offset that leads to `place`, and returns where it stands itself.
    pub fn offset(&mut self, place: usize) -> usize {
        // solution: begin — Part B: an offset is counted from where it stands
        self.pad(4, 4);
        let distance = self.place() + 4 - place;
        self.number((distance as u32).to_le_bytes())
        // solution: end
    }

    /// Puts a string: its length, its bytes, a zero that is not counted. Its length is aligned.
    pub fn text(&mut self, text: &str) -> usize {
        // solution: begin — Part B: put a string
        self.pad(text.len() + 1, 4);
        self.put(&[0]);
        self.put(text.as_bytes());
        self.number((text.len() as u32).to_le_bytes())
        // solution: end
    }

    /// Puts a vector of numbers: how many, and the numbers, the first one first.
    pub fn numbers(&mut self, numbers: &[u32]) -> usize {
        // solution: begin — Part B: put a vector
        for number in numbers.iter().rev() {
            self.number(number.to_le_bytes());
        }
        self.number((numbers.len() as u32).to_le_bytes())
        // solution: end
    }

    /// Puts the vtable of a table, after the table's fields, and between them how far back the vtable is. `end` is where the table ends,
    /// `fields` has the place of each field, or 0 for one that is absent. Returns the table's place.
    pub fn vtable(&mut self, end: usize, fields: &[usize]) -> usize {
        let length = 4 + 2 * fields.len();
        let table = self.number((length as i32).to_le_bytes());
        // solution: begin — Part B: a vtable says where the fields are
        for field in fields.iter().rev() {
            let place = if *field == 0 { 0 } else { table - field };
            self.put(&(place as u16).to_le_bytes());
        }
        self.put(&((table - end) as u16).to_le_bytes());
        self.put(&(length as u16).to_le_bytes());
        // solution: end
        table
    }

    /// Puts the offset of the root table, and turns it all round. The whole is a multiple of the greatest alignment in it.
    pub fn finish(mut self, root: usize) -> Vec<u8> {
        self.pad(4, self.alignment.max(4));
        self.offset(root);
        self.reversed.reverse();
        self.reversed
    }
}
