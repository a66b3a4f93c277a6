//! Blocks of a BGZF file, decompressed in order by several threads.
//!
//! The file is cut into chunks of whole blocks, so that threads speak to each other once in a quarter of a megabyte and not
//! for every block; noodles decompresses them.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::mem;
use std::num::NonZeroUsize;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use noodles_bgzf as bgzf;

/// Compressed bytes of a chunk, about.
const CHUNK: usize = 1 << 18;

/// The 28 bytes with which every whole BGZF file ends: an empty block.
const END: [u8; 28] = *b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0\x1b\0\x03\0\0\0\0\0\0\0\0\0";

/// The header of a block; its last two bytes tell the size of the block.
const HEADER: usize = 18;

/// Bytes that a block holds at most.
const LARGEST: usize = 1 << 16;

/// The checksum and the size of the content, behind every block.
const TRAILER: usize = 8;

/// A file's bytes, as they are read.
pub(super) type Source = BufReader<Box<dyn Read + Send>>;

/// Some blocks.
#[derive(Default)]
struct Chunk {
    raw: Vec<u8>,
    /// The size of what is in its blocks, by their own account.
    content: usize,
    data: Vec<u8>,
    /// What is wrong behind `data`.
    error: Option<io::Error>,
}

/// The decompressed bytes of a BGZF file.
pub(super) struct Blocks {
    source: Source,
    jobs: Sender<(Chunk, Sender<Chunk>)>,
    /// Chunks in work, in their order.
    ahead: VecDeque<Receiver<Chunk>>,
    most_ahead: usize,
    current: Chunk,
    place: usize,
    spare: Vec<Chunk>,
    ended: bool,
    has_end: bool,
}

impl Blocks {
    pub(super) fn new(source: Source, threads: NonZeroUsize) -> Self {
        let (jobs, taken) = unbounded();
        for _ in 0..threads.get() {
            let taken = taken.clone();
            thread::spawn(move || work(&taken));
        }
        Self {
            source,
            jobs,
            ahead: VecDeque::new(),
            most_ahead: 2 * threads.get(),
            current: Chunk::default(),
            place: 0,
            spare: Vec::new(),
            ended: false,
            has_end: false,
        }
    }

    /// After the last byte: whether the file ended with the block that says so.
    pub(super) fn has_end(&self) -> bool {
        self.has_end
    }

    // The next chunk that holds anything; none at the end of the file.
    fn advance(&mut self) -> io::Result<bool> {
        loop {
            if let Some(error) = self.current.error.take() {
                return Err(error);
            }
            self.read_ahead();
            let Some(next) = self.ahead.pop_front() else { return Ok(false) };
            let next = next.recv().map_err(|_| io::Error::other("a thread that decompresses ended early"))?;
            self.place = 0;
            self.spare.push(mem::replace(&mut self.current, next));
            if !self.current.data.is_empty() {
                self.read_ahead();
                return Ok(true);
            }
        }
    }

    fn read_ahead(&mut self) {
        while !self.ended && self.ahead.len() < self.most_ahead {
            let mut chunk = self.spare.pop().unwrap_or_default();
            self.cut(&mut chunk);
            let (done, when_done) = bounded(1);
            self.ahead.push_back(when_done);
            // Threads end with the sender only.
            let _ = self.jobs.send((chunk, done));
        }
    }

    // Fills a chunk with whole blocks; what stops it before the end of the file becomes its error.
    fn cut(&mut self, chunk: &mut Chunk) {
        chunk.raw.clear();
        chunk.content = 0;
        chunk.error = None;
        while chunk.raw.len() < CHUNK {
            match self.cut_block(chunk) {
                Ok(true) => {}
                Ok(false) => {
                    self.ended = true;
                    return;
                }
                Err(error) => {
                    self.ended = true;
                    chunk.error = Some(error);
                    return;
                }
            }
        }
    }

    fn cut_block(&mut self, chunk: &mut Chunk) -> io::Result<bool> {
        let start = chunk.raw.len();
        self.source.by_ref().take(HEADER as u64).read_to_end(&mut chunk.raw)?;
        let size = match chunk.raw.get(start..).unwrap_or_default() {
            [] => return Ok(false),
            header if header.len() < HEADER => return Err(damaged("cut short inside the header of a BGZF block")),
            [0x1f, 0x8b, 8, 4, _, _, _, _, _, _, 6, 0, b'B', b'C', 2, 0, low, high] => {
                usize::from(u16::from_le_bytes([*low, *high])) + 1
            }
            _ => return Err(damaged("something that is no BGZF block follows")),
        };
        let rest = size.checked_sub(HEADER + TRAILER).ok_or_else(|| damaged("damaged BGZF block: it has no size"))?;
        self.source.by_ref().take((rest + TRAILER) as u64).read_to_end(&mut chunk.raw)?;
        let block = chunk.raw.get(start..).unwrap_or_default();
        if block.len() < size {
            return Err(damaged("cut short inside a BGZF block"));
        }
        self.has_end = block == END;
        let content = block.last_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize);
        chunk.content += content.min(LARGEST);
        Ok(true)
    }
}

fn damaged(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

fn work(jobs: &Receiver<(Chunk, Sender<Chunk>)>) {
    while let Ok((mut chunk, done)) = jobs.recv() {
        decompress(&mut chunk);
        // Nobody waits for it any more when the run is over.
        let _ = done.send(chunk);
    }
}

// Block by block, so that what stands before a damaged one is kept. Where there is room for the largest block, noodles
// decompresses into it and needs no buffer of its own.
fn decompress(chunk: &mut Chunk) {
    let Chunk { raw, content, data, error } = chunk;
    data.resize(*content + LARGEST, 0);
    let mut reader = bgzf::io::Reader::new(raw.as_slice());
    let mut end = 0;
    while end < *content {
        match reader.read(data.get_mut(end..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(count) => end += count,
            Err(failure) => {
                *error = Some(damaged(&reason(&failure)));
                break;
            }
        }
    }
    data.truncate(end);
}

// noodles and its decompressors say little, or too much.
fn reason(failure: &io::Error) -> String {
    match failure.to_string().as_str() {
        "block data checksum mismatch" => "damaged BGZF block: its checksum does not fit".to_owned(),
        message @ ("invalid frame size" | "invalid BGZF ISIZE") => format!("damaged BGZF block: {message}"),
        _ => "damaged BGZF block: it cannot be decompressed".to_owned(),
    }
}

impl Read for Blocks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Blocks {
    #[inline]
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.place >= self.current.data.len() && !self.advance()? {
            return Ok(&[]);
        }
        Ok(self.current.data.get(self.place..).unwrap_or_default())
    }

    #[inline]
    fn consume(&mut self, count: usize) {
        self.place += count;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    fn text() -> Vec<u8> {
        (0..3_000_000_u32).flat_map(|n| (n.wrapping_mul(n) >> 7).to_le_bytes()).collect()
    }

    fn compressed(text: &[u8]) -> Vec<u8> {
        let mut writer = bgzf::io::Writer::new(Vec::new());
        writer.write_all(text).unwrap();
        writer.finish().unwrap()
    }

    fn read(bytes: Vec<u8>, threads: usize) -> (Vec<u8>, Result<bool, String>) {
        let source = BufReader::new(Box::new(Cursor::new(bytes)) as Box<_>);
        let mut blocks = Blocks::new(source, NonZeroUsize::new(threads).unwrap());
        let mut out = Vec::new();
        let result = blocks.read_to_end(&mut out).map(|_| blocks.has_end()).map_err(|error| error.to_string());
        (out, result)
    }

    #[test]
    fn many_blocks_come_back_in_order() {
        let text = text();
        let bytes = compressed(&text);
        assert!(bytes.len() > 4 * CHUNK, "{} bytes are too few", bytes.len());
        for threads in [1, 2, 5] {
            assert!(read(bytes.clone(), threads) == (text.clone(), Ok(true)));
        }
    }

    #[test]
    fn what_stands_before_a_damage_is_kept() {
        let text = text();
        let whole = compressed(&text);
        let end = whole.len() - END.len();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 16;
        let mut behind = whole.clone();
        behind.extend(b"something else that is longer than a header");
        let mut short = whole.clone();
        short.extend(&END[..10]);
        let cases = [
            (flipped, "damaged BGZF block: it cannot be decompressed|damaged BGZF block: its checksum does not fit"),
            (behind, "something that is no BGZF block follows"),
            (short, "cut short inside the header of a BGZF block"),
            (whole[..end - 5].to_vec(), "cut short inside a BGZF block"),
        ];
        for (bytes, expected) in cases {
            let (out, result) = read(bytes, 2);
            assert!(text.starts_with(&out) && out.len() > text.len() / 3, "{expected}");
            assert!(expected.split('|').any(|message| result == Err(message.to_owned())), "{result:?}");
        }
        assert!(read(whole[..end].to_vec(), 2) == (text, Ok(false)));
    }
}
