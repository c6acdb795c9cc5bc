//! Bytes of somebody else: numbers, offsets, strings and vectors, if they are there.

use super::malformed::Malformed;

/// The bytes of a buffer. Whatever is read from it is looked for first: no length and no offset is believed.
#[derive(Clone, Copy, Debug)]
pub struct Buffer<'a>(pub &'a [u8]);

impl<'a> Buffer<'a> {
    /// `length` bytes from `at` on. `what` is for the error.
    ///
    /// # Errors
    /// When they are not all there; `at` and `length` may be any numbers.
    pub fn slice(self, at: usize, length: usize, what: &'static str) -> Result<&'a [u8], Malformed> {
        let outside = Malformed::Outside { what, at, length, buffer: self.0.len() };
        // solution: begin — Part A: so many bytes, if they are there
        let end = at.checked_add(length).ok_or(outside.clone())?;
        self.0.get(at..end).ok_or(outside)
        // solution: end
    }

    /// The bytes of a number of `N` bytes. It lies at a multiple of `N`.
    ///
    /// # Errors
    /// When it does not, or is not there.
    pub fn number<const N: usize>(self, at: usize, what: &'static str) -> Result<[u8; N], Malformed> {
        // solution: begin — Part A: a number lies at a multiple of its size
        if !at.is_multiple_of(N) {
            return Err(Malformed::Unaligned { what, at, to: N });
        }
        let bytes = self.slice(at, N, what)?;
        Ok(bytes.try_into().expect("a slice is as long as it was asked to be"))
        // solution: end
    }

    /// A number of two bytes without a sign.
    ///
    /// # Errors
    /// When it is not there.
    pub fn u16(self, at: usize, what: &'static str) -> Result<u16, Malformed> {
        Ok(u16::from_le_bytes(self.number(at, what)?))
    }

    /// A number of four bytes without a sign.
    ///
    /// # Errors
    /// When it is not there.
    pub fn u32(self, at: usize, what: &'static str) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.number(at, what)?))
    }

    /// A number of four bytes with a sign.
    ///
    /// # Errors
    /// When it is not there.
    pub fn i32(self, at: usize, what: &'static str) -> Result<i32, Malformed> {
        Ok(i32::from_le_bytes(self.number(at, what)?))
    }

    /// A float of eight bytes.
    ///
    /// # Errors
    /// When it is not there.
    pub fn f64(self, at: usize, what: &'static str) -> Result<f64, Malformed> {
        Ok(f64::from_le_bytes(self.number(at, what)?))
    }

    /// Where the offset at `at` leads: so many bytes further on. Nothing is said of what is there.
    ///
    /// # Errors
    /// When the offset itself is not there.
    pub fn follow(self, at: usize, what: &'static str) -> Result<usize, Malformed> {
        // solution: begin — Part A: follow an offset
        let offset = self.u32(at, what)?;
        // On a machine of 32 bits the sum may be too great: then nothing is there either.
        Ok(at.saturating_add(offset as usize))
        // solution: end
    }

    /// The string at `at`: how many bytes, those bytes in UTF-8, and a zero that is not counted.
    ///
    /// # Errors
    /// When it is not there, is no UTF-8, or has no zero at its end.
    pub fn text(self, at: usize, what: &'static str) -> Result<&'a str, Malformed> {
        // solution: begin — Part A: a string
        let length = self.u32(at, what)? as usize;
        let begin = at + 4;
        let bytes = self.slice(begin, length, what)?;
        let text = std::str::from_utf8(bytes)
            .map_err(|error| Malformed::NotText { what, at: begin + error.valid_up_to() })?;
        let end = begin + length;
        match self.0.get(end) {
            Some(0) => Ok(text),
            _ => Err(Malformed::NoTerminator { what, at: end }),
        }
        // solution: end
    }

    /// The vector of numbers at `at`: how many, and the numbers. Nothing is copied.
    ///
    /// # Errors
    /// When they are not all there.
    pub fn numbers(self, at: usize, what: &'static str) -> Result<Numbers<'a>, Malformed> {
        // solution: begin — Part A: a vector of numbers
        let count = self.u32(at, what)? as usize;
        let bytes = self.slice(at + 4, count.saturating_mul(4), what)?;
        Ok(Numbers(bytes))
        // solution: end
    }
}

/// Numbers of four bytes each, where they lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers<'a>(&'a [u8]);

impl<'a> Numbers<'a> {
    /// Their bytes, in the buffer.
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// The numbers, in order. They may lie at any address: each is put together from its bytes.
    pub fn iter(self) -> impl ExactSizeIterator<Item = u32> + 'a {
        self.0.chunks_exact(4).map(|bytes| u32::from_le_bytes(bytes.try_into().expect("chunks of four")))
    }
}
