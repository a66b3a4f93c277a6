use crate::weights::problem::PytorchProblem;

/// A cursor over the bytes of a pickle.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Says that the pickle is damaged here.
    pub(super) fn bad(&self, what: &'static str) -> PytorchProblem {
        PytorchProblem::BadPickle { at: self.at, what }
    }

    /// The next `count` bytes, which may be any number that a pickle claims.
    pub(super) fn take(&mut self, count: u64) -> Result<&'a [u8], PytorchProblem> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = usize::try_from(count).ok();
        let taken = count.and_then(|count| rest.get(..count)).ok_or_else(|| self.bad("it ends early"))?;
        self.at += taken.len();
        Ok(taken)
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], PytorchProblem> {
        self.take(N as u64)?.try_into().map_err(|_| self.bad("it ends early"))
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Result<u8, PytorchProblem> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    /// The next four bytes as a length.
    pub(super) fn length4(&mut self) -> Result<u64, PytorchProblem> {
        Ok(u32::from_le_bytes(self.array()?).into())
    }

    /// The next eight bytes as a length.
    pub(super) fn length8(&mut self) -> Result<u64, PytorchProblem> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// The text up to the next line end, which is skipped.
    pub(super) fn line(&mut self) -> Result<String, PytorchProblem> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().take(LONGEST_NAME).position(|&byte| byte == b'\n');
        let line = self.take(end.ok_or_else(|| self.bad("a global has no line end"))? as u64)?;
        self.at += 1;
        Ok(line.escape_ascii().to_string())
    }
}

/// Longest module or class name that is read.
const LONGEST_NAME: usize = 1 << 10;
