use std::{
    io::{self, Read},
    ops::Range,
};

use memchr::memchr2;

const CAPACITY: usize = 1 << 18;

/// What [`Lines::advance`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Line,
    End,
    TooLong,
}

/// Lines that end with LF, CRLF or CR, borrowed from one buffer that grows to the longest of them.
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    line: Range<usize>,
    next: usize,
    filled: usize,
    number: u64,
    limit: usize,
    after_carriage_return: bool,
    /// An error that [`Lines::peek`] met behind bytes that are still to be read.
    failure: Option<io::Error>,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R, limit: usize) -> Self {
        let buffer = vec![0; CAPACITY.min(limit.max(1))];
        let (after_carriage_return, failure) = (false, None);
        Self { reader, buffer, line: 0..0, next: 0, filled: 0, number: 0, limit, after_carriage_return, failure }
    }

    /// The current line, without its end.
    pub(super) fn line(&self) -> &[u8] {
        self.buffer.get(self.line.clone()).unwrap_or_default()
    }

    /// The 1-based number of the current line.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn reader(&self) -> &R {
        &self.reader
    }

    /// Up to `count` bytes that are still to come, or fewer at the end of the input and before an error.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.filled - self.next < count {
            match self.fill() {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if self.next == self.filled => return Err(error),
                Err(error) => {
                    self.failure = Some(error);
                    break;
                }
            }
        }
        let ahead = self.buffer.get(self.next..self.filled).unwrap_or_default();
        Ok(ahead.get(..count).unwrap_or(ahead))
    }

    /// Moves to the next line.
    pub(super) fn advance(&mut self) -> io::Result<Step> {
        let mut searched = 0;
        loop {
            self.skip_line_feed();
            let ahead = self.buffer.get(self.next + searched..self.filled).unwrap_or_default();
            if let Some(at) = memchr2(b'\n', b'\r', ahead) {
                self.after_carriage_return = ahead.get(at) == Some(&b'\r');
                let end = self.next + searched + at;
                return Ok(self.take(end, end + 1));
            }
            searched = self.filled - self.next;
            if searched > self.limit {
                return Ok(Step::TooLong);
            }
            if self.fill()? == 0 {
                return Ok(if searched == 0 { Step::End } else { self.take(self.filled, self.filled) });
            }
        }
    }

    fn take(&mut self, end: usize, next: usize) -> Step {
        self.line = self.next..end;
        self.next = next;
        self.number += 1;
        if self.line.len() > self.limit { Step::TooLong } else { Step::Line }
    }

    /// The LF of a CRLF belongs to the line before.
    fn skip_line_feed(&mut self) {
        if self.after_carriage_return && self.next < self.filled {
            self.after_carriage_return = false;
            if self.buffer.get(self.next) == Some(&b'\n') {
                self.next += 1;
            }
        }
    }

    /// Moves the unfinished line to the front, grows the buffer if that line fills it, and reads.
    fn fill(&mut self) -> io::Result<usize> {
        if self.next > 0 {
            self.buffer.copy_within(self.next..self.filled, 0);
            self.filled -= self.next;
            self.next = 0;
        }
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        let space = self.buffer.get_mut(self.filled..).unwrap_or_default();
        loop {
            match self.reader.read(space) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(count) => {
                    self.filled += count;
                    return Ok(count);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, so that every line crosses the end of a read.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(buffer.len()).min(1);
            self.0.read(&mut buffer[..count])
        }
    }

    fn split(reader: impl Read) -> Vec<String> {
        let mut lines = Lines::new(reader, 1000);
        let mut found = Vec::new();
        while lines.advance().unwrap() == Step::Line {
            found.push(format!("{}:{}", lines.number(), String::from_utf8_lossy(lines.line())));
        }
        found
    }

    #[test]
    fn split_lines_with_every_kind_of_end() {
        let bytes = b"a\nb\r\nc\rd\r\r\n\ne";
        let expected = ["1:a", "2:b", "3:c", "4:d", "5:", "6:", "7:e"];
        assert_eq!(split(&bytes[..]), expected);
        assert_eq!(split(Drip(bytes)), expected);
    }

    #[test]
    fn split_lines_without_final_end() {
        assert_eq!(split(&b"a\r"[..]), ["1:a"]);
        assert_eq!(split(&b"a\r\n"[..]), ["1:a"]);
        assert_eq!(split(&b""[..]), [""; 0]);
    }

    #[test]
    fn split_line_longer_than_the_buffer() {
        let long = "x".repeat(3 * CAPACITY);
        let mut lines = Lines::new(long.as_bytes(), usize::MAX >> 1);
        assert_eq!(lines.advance().unwrap(), Step::Line);
        assert_eq!(lines.line().len(), 3 * CAPACITY);
    }

    #[test]
    fn refuse_line_beyond_the_limit() {
        assert_eq!(Lines::new(&b"12345\n"[..], 5).advance().unwrap(), Step::Line);
        assert_eq!(Lines::new(&b"123456\n"[..], 5).advance().unwrap(), Step::TooLong);
        assert_eq!(Lines::new(&b"123456"[..], 5).advance().unwrap(), Step::TooLong);
    }

    #[test]
    fn peek_keeps_the_lines() {
        let mut lines = Lines::new(Drip(b"ab\ncd"), 1000);
        assert_eq!(lines.peek(4).unwrap(), b"ab\nc");
        assert_eq!(lines.peek(9).unwrap(), b"ab\ncd");
        lines.advance().unwrap();
        assert_eq!(lines.line(), b"ab");
    }

    #[test]
    fn peek_keeps_the_lines_before_an_error() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let mut lines = Lines::new(b"ab\ncd".chain(Failing), 1000);
        assert_eq!(lines.peek(9).unwrap(), b"ab\ncd");
        assert_eq!(lines.advance().unwrap(), Step::Line);
        assert_eq!(lines.advance().unwrap_err().to_string(), "gone");
    }
}
