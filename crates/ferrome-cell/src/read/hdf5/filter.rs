//! Undoing the filters of a chunk without the library, so that many threads can do it at once.

use std::cell::RefCell;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;

use hdf5_metno::filters::Filter;
use libdeflater::Decompressor;

use super::lzf;

/// Where a chunk lies in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    pub(super) address: u64,
    pub(super) size: usize,
    /// Bit `i`: filter `i` was left out.
    pub(super) mask: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Compression {
    Deflate,
    Lzf,
}

/// The filters of a dataset: bytes shuffled, then compressed, each only where it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pipeline {
    /// The position of the filter, and the size of an element.
    shuffle: Option<(u32, usize)>,
    compression: Option<(u32, Compression)>,
}

impl Pipeline {
    /// The pipeline of `filters`; `None` if the library has to undo them.
    pub(super) fn of(filters: &[Filter], width: usize) -> Option<Self> {
        let mut pipeline = Self::default();
        for (position, filter) in (0..32).zip(filters) {
            match filter {
                Filter::Shuffle if pipeline.shuffle.is_none() && pipeline.compression.is_none() => {
                    pipeline.shuffle = Some((position, width));
                }
                Filter::Deflate(_) if pipeline.compression.is_none() => {
                    pipeline.compression = Some((position, Compression::Deflate));
                }
                Filter::LZF if pipeline.compression.is_none() => {
                    pipeline.compression = Some((position, Compression::Lzf));
                }
                _ => return None,
            }
        }
        Some(pipeline)
    }
}

thread_local! {
    static DECODER: RefCell<Decoder> = RefCell::default();
}

/// Reads a chunk into `output`, which is as long as the chunk once decompressed; the error says what is wrong.
pub(super) fn read(file: &File, chunk: Chunk, pipeline: Pipeline, output: &mut [u8]) -> Result<(), String> {
    DECODER.with_borrow_mut(|decoder| decoder.read(file, chunk, pipeline, output))
}

/// What a thread keeps from one chunk to the next.
struct Decoder {
    stored: Vec<u8>,
    shuffled: Vec<u8>,
    inflate: Decompressor,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { stored: Vec::new(), shuffled: Vec::new(), inflate: Decompressor::new() }
    }
}

impl Decoder {
    fn read(&mut self, file: &File, chunk: Chunk, pipeline: Pipeline, output: &mut [u8]) -> Result<(), String> {
        let used = |position: u32| chunk.mask & (1 << position) == 0;
        let compression = pipeline.compression.filter(|&(position, _)| used(position)).map(|(_, kind)| kind);
        let shuffle = pipeline.shuffle.filter(|&(position, _)| used(position)).map(|(_, width)| width);
        if compression.is_none() && chunk.size != output.len() {
            return Err(format!("expected {} bytes, found {}", output.len(), chunk.size));
        }
        if compression.is_none() && shuffle.is_none() {
            return pread(file, chunk.address, output);
        }
        if chunk.size > 2 * output.len() + 4096 {
            return Err(format!("expected at most {} bytes, found {}", output.len(), chunk.size));
        }
        self.stored.resize(chunk.size, 0);
        pread(file, chunk.address, &mut self.stored)?;
        match (compression, shuffle) {
            (Some(kind), None) => expand(&mut self.inflate, kind, &self.stored, output),
            (Some(kind), Some(width)) => {
                self.shuffled.resize(output.len(), 0);
                expand(&mut self.inflate, kind, &self.stored, &mut self.shuffled)?;
                unshuffle(&self.shuffled, output, width);
                Ok(())
            }
            (None, width) => {
                unshuffle(&self.stored, output, width.unwrap_or(1));
                Ok(())
            }
        }
    }
}

/// Reads exactly the bytes at `address`.
pub(super) fn pread(file: &File, address: u64, output: &mut [u8]) -> Result<(), String> {
    file.read_exact_at(output, address).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => format!("{} bytes at {address} are beyond the end of the file", output.len()),
        _ => error.to_string(),
    })
}

fn expand(inflate: &mut Decompressor, kind: Compression, input: &[u8], output: &mut [u8]) -> Result<(), String> {
    let done = match kind {
        Compression::Lzf => lzf::expand(input, output).ok_or("LZF"),
        Compression::Deflate => {
            let length = inflate.zlib_decompress(input, output);
            length.ok().filter(|length| *length == output.len()).map(|_| ()).ok_or("gzip")
        }
    };
    done.map_err(|kind| format!("{kind} data are damaged (expected {} bytes)", output.len()))
}

/// Puts back together elements of `width` bytes whose first bytes, second bytes and so on lie together.
fn unshuffle(input: &[u8], output: &mut [u8], width: usize) {
    match width {
        4 => unshuffle_by::<4>(input, output),
        8 => unshuffle_by::<8>(input, output),
        _ => {
            let count = input.len() / width.max(1);
            for (byte, plane) in input.chunks_exact(count.max(1)).take(width).enumerate() {
                for (element, value) in output.chunks_exact_mut(width.max(1)).zip(plane) {
                    element[byte] = *value;
                }
            }
            let rest = count * width;
            output[rest..].copy_from_slice(&input[rest..]);
        }
    }
}

fn unshuffle_by<const W: usize>(input: &[u8], output: &mut [u8]) {
    let count = input.len() / W;
    let (elements, rest) = output.as_chunks_mut::<W>();
    rest.copy_from_slice(&input[count * W..]);
    let planes: [&[u8]; W] = std::array::from_fn(|byte| &input[byte * count..(byte + 1) * count]);
    for (i, element) in elements.iter_mut().enumerate() {
        *element = std::array::from_fn(|byte| planes[byte][i]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unshuffle_elements_of_any_width() {
        for width in [1, 2, 3, 4, 8, 12] {
            let plain: Vec<u8> = (0..=255).cycle().take(5 * width).collect();
            let mut shuffled = Vec::new();
            for byte in 0..width {
                shuffled.extend(plain.chunks_exact(width).map(|element| element[byte]));
            }
            shuffled.push(77);
            let mut output = vec![0; plain.len() + 1];
            unshuffle(&shuffled, &mut output, width);
            assert_eq!(output[..plain.len()], plain, "{width}");
        }
    }

    #[test]
    fn pipelines_beyond_shuffle_and_one_compression_are_left_to_the_library() {
        let of = |filters: &[Filter]| Pipeline::of(filters, 4).is_some();
        assert!(of(&[]) && of(&[Filter::Shuffle, Filter::Deflate(4)]) && of(&[Filter::LZF]));
        assert!(!of(&[Filter::Fletcher32]) && !of(&[Filter::Deflate(1), Filter::Shuffle]));
        assert!(!of(&[Filter::Deflate(1), Filter::Deflate(1)]) && !of(&[Filter::NBit]));
    }
}
