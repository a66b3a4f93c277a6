//! Counting molecules: BAM or SAM in, UMIs per gene and cell out.
//!
//! Reads go by once, in whatever order; what stays is one entry for each (gene, cell, UMI). Then every cell or gene is
//! deduplicated for itself, and the counts are ordered by barcode and gene, so that the order of the file, the number of
//! threads and the version of an index change nothing.

mod alignments;
pub mod bam;
mod bases;
mod bgzf;
mod counted;
mod dedup;
mod gather;
mod input;
mod knee;
mod molecules;
mod names;
mod preset;
pub mod read_name;
mod sam;
mod summary;
mod table;
pub mod tags;
mod tally;
mod umi;
mod whitelist;

use std::num::NonZeroUsize;
use std::path::Path;

pub use counted::Counted;
pub use dedup::Dedup;
pub use knee::knee;
pub use preset::{Options, Preset, Reads, SKIP_GENES, Tags, UmiSource};
pub use summary::Summary;
pub use table::Form;
pub use tally::{Dropped, Tally};
pub use whitelist::Whitelist;

use alignments::Alignments;
use gather::{Gathered, Gatherer};

use crate::{Error, Result};

/// Reads between two looks at whether someone wants the run to stop.
const WATCHED: u64 = 1 << 16;

/// Counts the molecules of a BAM or SAM file, `-` for standard input.
///
/// `watch` is called with the number of reads so far, now and then; where it says `false`, counting stops.
///
/// A gene with reads on several contigs is one gene: its reads are taken together before UMIs are compared.
///
/// # Errors
///
/// The file is damaged or cut short ([`Error::File`], with the record), no read can be counted (with the reasons), or the
/// run was stopped ([`Error::Stopped`]).
pub fn count(path: &Path, options: &Options, watch: &mut dyn FnMut(u64) -> bool) -> Result<Counted> {
    let mut alignments = Alignments::open(path, options.threads)?;
    let gathered = gather(&mut alignments, options, watch)?;
    let mut warnings: Vec<String> = alignments.warning().into_iter().collect();
    if gathered.tally.counted == 0 {
        return Err(Error::file(alignments.path(), nothing(&gathered, options)));
    }
    if gathered.merged_suffixes {
        let path = alignments.path().display();
        warnings.push(format!("{path}: barcodes that differ behind their first `-` only were taken for one cell"));
    }
    drop(alignments);
    in_pool(options.threads, || deduplicated(gathered, options, warnings))
}

fn gather(alignments: &mut Alignments, options: &Options, watch: &mut dyn FnMut(u64) -> bool) -> Result<Gathered> {
    let mut gatherer = Gatherer::new(options);
    let mut read = 0;
    loop {
        let Some(alignment) = alignments.next()? else { return Ok(gatherer.finish()) };
        if let Err(reason) = gatherer.take(&alignment) {
            return Err(alignments.trouble(&reason));
        }
        read += 1;
        if read % WATCHED == 0 && !watch(read) {
            return Err(Error::Stopped);
        }
    }
}

fn deduplicated(mut gathered: Gathered, options: &Options, warnings: Vec<String>) -> Counted {
    let molecules = std::mem::take(&mut gathered.molecules);
    let entries = dedup::dedup(molecules, options.dedup, options.has_corrected_umis(), &gathered.umis);
    let mut counted = Counted::new(gathered, entries, options.min_umis);
    counted.warn(warnings);
    counted
}

fn in_pool(threads: NonZeroUsize, job: impl FnOnce() -> Counted + Send) -> Result<Counted> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build();
    let pool = pool.map_err(|error| Error::Io(std::io::Error::other(error)))?;
    Ok(pool.install(job))
}

// Why no read could be counted.
fn nothing(gathered: &Gathered, options: &Options) -> String {
    if gathered.tally.reads == 0 {
        return "holds no reads".to_owned();
    }
    let reasons: Vec<String> =
        gathered.tally.reasons().map(|(reason, count)| format!("{count} {}", reason.reason())).collect();
    let mut text = format!("none of {} reads can be counted: {}", gathered.tally.reads, reasons.join(", "));
    if let Some(example) = &gathered.example {
        let list = |tags: &[tags::Tag]| match tags {
            [] => "none".to_owned(),
            tags => tags.iter().map(|tag| tag.escape_ascii().to_string()).collect::<Vec<_>>().join(" "),
        };
        let Tags { cell, umi, gene, .. } = options.tags;
        let wanted = match options.source {
            UmiSource::Tags if options.per_cell => vec![cell, umi, gene],
            UmiSource::Tags => vec![umi, gene],
            UmiSource::ReadName(_) => vec![gene],
        };
        text += &format!("; expected the tags {}, the first read without has {}", list(&wanted), list(example));
    }
    text
}
