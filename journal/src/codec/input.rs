use super::CodecError;

/// Encoded values that are still to be read.
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Input(bytes)
    }

    /// How many elements of at least `least_len` bytes the rest can hold: the bound of any allocation.
    pub fn room_for(&self, count: u64, least_len: usize) -> usize {
        count.min((self.0.len() / least_len) as u64) as usize
    }

    pub fn varint(&mut self) -> Result<u64, CodecError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(CodecError::Integer { bits: 64 })
    }

    pub fn byte(&mut self) -> Result<u8, CodecError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let left = self.0.len() as u64;
        let (head, rest) = self.0.split_first_chunk().ok_or(CodecError::Ended { needed: N as u64, left })?;
        self.0 = rest;
        Ok(*head)
    }

    /// A length and that many bytes.
    pub fn bytes(&mut self) -> Result<&'a [u8], CodecError> {
        let needed = self.varint()?;
        let ended = CodecError::Ended { needed, left: self.0.len() as u64 };
        let len = usize::try_from(needed).map_err(|_| ended.clone())?;
        let (head, rest) = self.0.split_at_checked(len).ok_or(ended)?;
        self.0 = rest;
        Ok(head)
    }

    /// Everything was read.
    pub fn finish(self) -> Result<(), CodecError> {
        if self.0.is_empty() { Ok(()) } else { Err(CodecError::LeftOver { extra: self.0.len() as u64 }) }
    }
}
