//! Makes a coordinate-sorted BAM file as Cell Ranger writes them: skewed cells and genes, copies of molecules, errors in
//! UMIs, all of the usual tags; and its index. The same seed gives the same file.
//!
//! ```text
//! cargo run --release -p ferrome-cell --example make_bam -- OUT.bam [--reads N] [--seed N]
//! ```

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a tool of the benchmarks")]

use std::f64::consts::TAU;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::num::NonZeroUsize;

use noodles::{bam, bgzf};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const CELLS: usize = 6_000;
const AMBIENT: usize = 60_000;
const GENES: usize = 20_000;
const CONTIGS: usize = 20;
const SPACING: u32 = 20_000;
const LENGTH: u32 = 91;
const UMI: usize = 12;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |flag: &str, default| {
        let place = arguments.iter().position(|argument| argument == flag);
        place.map_or(default, |place| arguments[place + 1].parse().unwrap())
    };
    let (path, reads, seed) = (&arguments[1], number("--reads", 5_000_000), number("--seed", 1));
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut writer = bgzf::io::MultithreadedWriter::with_worker_count(threads, file);
    writer.write_all(&header())?;
    let mut run = Run::new(seed);
    for (gene, count) in run.shares(reads).into_iter().enumerate() {
        run.gene(gene, count, &mut writer)?;
    }
    writer.finish()?.flush()?;
    // umi_tools needs it.
    match bam::fs::index(path)? {
        bam::Index::Bai(index) => bam::bai::fs::write(format!("{path}.bai"), &index),
        bam::Index::Csi(_) => Err(io::Error::other("contigs are too long for a BAI index")),
    }
}

fn header() -> Vec<u8> {
    let length = GENES as u32 / CONTIGS as u32 * SPACING;
    let names: Vec<String> = (1..=CONTIGS).map(|contig| format!("chr{contig}")).collect();
    let mut text = "@HD\tVN:1.4\tSO:coordinate\n".to_owned();
    names.iter().for_each(|name| text += &format!("@SQ\tSN:{name}\tLN:{length}\n"));
    let mut bytes = b"BAM\x01".to_vec();
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend((CONTIGS as u32).to_le_bytes());
    for name in names {
        bytes.extend((name.len() as u32 + 1).to_le_bytes());
        bytes.extend(name.as_bytes());
        bytes.push(0);
        bytes.extend(length.to_le_bytes());
    }
    bytes
}

/// One read of a molecule.
struct Read {
    start: u32,
    cell: u32,
    umi: u32,
    /// The UMI as it was read.
    raw: u32,
    number: u64,
}

struct Run {
    random: ChaCha8Rng,
    barcodes: Vec<[u8; 16]>,
    /// Cumulative shares of the cells.
    cells: Vec<f64>,
    number: u64,
    record: Vec<u8>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let barcodes =
            (0..CELLS + AMBIENT).map(|_| std::array::from_fn(|_| b"ACGT"[random.random_range(0..4)])).collect();
        let mut sum = 0.0;
        let mut cells: Vec<f64> = (0..CELLS)
            .map(|_| {
                sum += (0.7 * normal(&mut random)).exp();
                sum
            })
            .collect();
        cells.iter_mut().for_each(|share| *share /= sum);
        Self { random, barcodes, cells, number: 0, record: Vec::new() }
    }

    /// Reads of each gene, which sum to `reads`.
    fn shares(&mut self, reads: u64) -> Vec<u64> {
        let weights: Vec<f64> = (0..GENES).map(|_| (2.0 * normal(&mut self.random)).exp()).collect();
        let whole: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let mut given = 0;
        let mut share = |weight: &f64| {
            sum += weight;
            let upto = (reads as f64 * sum / whole).round() as u64;
            let count = upto - given;
            given = upto;
            count
        };
        weights.iter().map(&mut share).collect()
    }

    fn gene(&mut self, gene: usize, count: u64, out: &mut impl Write) -> io::Result<()> {
        let mut reads = Vec::with_capacity(count as usize);
        while (reads.len() as u64) < count {
            self.molecule(gene, count, &mut reads);
        }
        reads.sort_unstable_by_key(|read: &Read| (read.start, read.number));
        for read in &reads {
            self.write(gene, read);
            out.write_all(&self.record)?;
        }
        Ok(())
    }

    // A molecule and its copies.
    fn molecule(&mut self, gene: usize, count: u64, reads: &mut Vec<Read>) {
        let cell = self.cell();
        let umi = self.random.random_range(0..1 << (2 * UMI));
        let copies = 1 + (-3.0 * (1.0 - self.random.random::<f64>()).ln()) as u64;
        for _ in 0..copies.min(count - reads.len() as u64) {
            let error = self.random.random_range(0..100) == 0;
            let change = self.random.random_range(1..4_u32) << (2 * self.random.random_range(0..UMI));
            let raw = if error { umi ^ change } else { umi };
            let within = self.random.random_range(0..2_000);
            let start = (gene % (GENES / CONTIGS)) as u32 * SPACING + within;
            self.number += 1;
            reads.push(Read { start, cell, umi, raw, number: self.number });
        }
    }

    fn cell(&mut self) -> u32 {
        if self.random.random_range(0..10) == 0 {
            return (CELLS + self.random.random_range(0..AMBIENT)) as u32;
        }
        let share: f64 = self.random.random();
        self.cells.partition_point(|cell| *cell < share).min(CELLS - 1) as u32
    }

    fn write(&mut self, gene: usize, read: &Read) {
        let mut record = std::mem::take(&mut self.record);
        record.clear();
        let name =
            format!("A00519:593:H3TJ5DSXY:1:{}:{}:{}", 1101 + read.number % 400, read.number % 32_000, read.number);
        record.extend([0; 4]);
        record.extend(((gene / (GENES / CONTIGS)) as u32).to_le_bytes());
        record.extend(read.start.to_le_bytes());
        record.extend([name.len() as u8 + 1, 255]);
        record.extend(bin(read.start, read.start + LENGTH).to_le_bytes());
        record.extend(1_u16.to_le_bytes());
        record.extend(0_u16.to_le_bytes());
        record.extend(LENGTH.to_le_bytes());
        record.extend((-1_i32).to_le_bytes());
        record.extend((-1_i32).to_le_bytes());
        record.extend(0_i32.to_le_bytes());
        record.extend(name.as_bytes());
        record.push(0);
        record.extend((LENGTH << 4).to_le_bytes());
        let base = |place: u32| 1_u8 << (mix(u64::from(place) | ((gene as u64) << 32)) & 3);
        record.extend((0..LENGTH).step_by(2).map(|place| {
            let second = if place + 1 < LENGTH { base(read.start + place + 1) } else { 0 };
            (base(read.start + place) << 4) | second
        }));
        self.qualities(&mut record, LENGTH as usize, 0);
        self.tags(gene, read, &mut record);
        let size = record.len() as u32 - 4;
        record[..4].copy_from_slice(&size.to_le_bytes());
        self.record = record;
    }

    // Four values, as current sequencers give them; most are the best one.
    fn qualities(&mut self, record: &mut Vec<u8>, count: usize, offset: u8) {
        let mut bits: u64 = 0;
        for place in 0..count {
            if place % 8 == 0 {
                bits = self.random.random();
            }
            let quality = match (bits >> (8 * (place % 8))) & 0xff {
                0..=2 => 2,
                3..=8 => 11,
                9..=24 => 25,
                _ => 37,
            };
            record.push(quality + offset);
        }
    }

    fn tags(&mut self, gene: usize, read: &Read, record: &mut Vec<u8>) {
        let kind = self.random.random_range(0..100);
        let bits = match kind {
            0..=9 => 0_u8,
            10 | 11 => 1,
            _ => 25,
        };
        record.extend(b"NHC\x01HIC\x01ASC\x59nMC\x00RGZsample:0:1:H3TJ5DSXY:1\0");
        record.extend(if bits == 0 { b"REAI" } else { b"REAE" });
        record.extend([b'x', b'f', b'C', bits]);
        let barcode = self.barcodes[read.cell as usize];
        text(record, *b"CR", &barcode);
        record.extend(b"CYZ");
        self.qualities(record, 16, 33);
        record.push(0);
        if kind % 33 != 0 {
            text(record, *b"CB", &[&barcode[..], b"-1"].concat());
        }
        text(record, *b"UR", &bases(read.raw));
        record.extend(b"UYZ");
        self.qualities(record, UMI, 33);
        record.push(0);
        text(record, *b"UB", &bases(read.umi));
        if bits != 0 {
            let id = format!("ENSG{gene:011}");
            text(record, *b"TX", format!("ENST{gene:011},+{},91M", read.start % 2_000).as_bytes());
            let other = if bits == 1 { format!(";ENSG{:011}", gene + 1) } else { String::new() };
            text(record, *b"GX", (id + &other).as_bytes());
            text(record, *b"GN", format!("GENE{gene}{}", if bits == 1 { ";OTHER" } else { "" }).as_bytes());
        }
    }
}

fn text(record: &mut Vec<u8>, tag: [u8; 2], value: &[u8]) {
    record.extend(tag);
    record.push(b'Z');
    record.extend(value);
    record.push(0);
}

fn bases(umi: u32) -> [u8; UMI] {
    std::array::from_fn(|place| b"ACGT"[(umi >> (2 * place)) as usize & 3])
}

fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (radius, angle): (f64, f64) = (random.random(), random.random());
    (-2.0 * (1.0 - radius).ln()).sqrt() * (TAU * angle).cos()
}

// A made-up genome: its bases follow from their places.
fn mix(place: u64) -> u64 {
    let mixed = place.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40
}

// The bin of the SAM specification, section 5.3.
fn bin(start: u32, end: u32) -> u16 {
    let end = end - 1;
    let levels = [(14, 4681), (17, 585), (20, 73), (23, 9), (26, 1)];
    let level = levels.into_iter().find(|(shift, _)| start >> shift == end >> shift);
    level.map_or(0, |(shift, first)| (first + (start >> shift)) as u16)
}
