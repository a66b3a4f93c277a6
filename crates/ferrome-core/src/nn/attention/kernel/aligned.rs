use std::ops::{Deref, DerefMut};

use super::LANES;

/// Numbers of 32 bits that begin where a line of the cache does: a register loaded from two lines costs two loads.
#[derive(Debug)]
pub(crate) struct Aligned<T> {
    cells: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Copy + Default> Aligned<T> {
    pub(super) fn new(len: usize) -> Self {
        let mut numbers = Self { cells: Vec::new(), start: 0, len: 0 };
        numbers.resize(len);
        numbers
    }

    /// Makes room for `len` numbers; what they are is whatever was there.
    pub(super) fn resize(&mut self, len: usize) {
        if self.cells.len() < len + LANES {
            self.cells = vec![T::default(); len + LANES];
            self.start = self.cells.as_ptr().align_offset(size_of::<T>() * LANES).min(LANES);
        }
        self.len = len;
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.cells.get(self.start..self.start + self.len).unwrap_or_default()
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.cells.get_mut(self.start..self.start + self.len).unwrap_or_default()
    }
}
