//! Proteins from FASTA: plain, gzip (of one or several members) or BGZF, from a file or from standard input.
//!
//! What is read:
//!
//! - The compression is seen in the content, never in the name. BGZF is decompressed by several threads;
//!   plain gzip members behind BGZF blocks are not read (an error).
//! - Lines end with LF, CRLF or a lone CR. A UTF-8 byte order mark at the start of any line is dropped, so that
//!   concatenated files work.
//! - A line that starts with `;`, `#` or `!` is a comment (as in NCBI BLAST), a blank line is nothing, wherever they are.
//! - The id is the first word of the header; blanks between `>` and the id do not count. A header without a word has
//!   the id `""`; its record is kept, as is a record whose id was seen before. Bytes that are not UTF-8 become `U+FFFD`.
//! - Blanks and tabs in a sequence are dropped, lower case becomes upper case, one `*` at the end is dropped. Every other
//!   byte is handed on as it is, `-`, `.`, an inner `*`, digits and bytes beyond ASCII too: the tokenizer rejects the
//!   record and says why.
//! - A record without a sequence is a record; the tokenizer rejects it, and its row stays.
//! - A NUL byte, a header beyond 16 MiB and a sequence beyond 1 GiB mean that the input is not text: an error.
//!
//! Why not `noodles::fasta` throughout: its reader knows neither line numbers, nor comments, nor byte order marks, nor
//! lone CR, all of which the messages and the files of users need. BGZF is read by noodles; lines are split here.
//!
//! ```
//! use std::num::NonZeroUsize;
//! use ferrome_protein::read::Fasta;
//!
//! let bytes = b"; a comment\n>sp|P1 first one\nmk tay\r\nIAK*\n\n>sp|P2\n";
//! let records: Vec<_> = Fasta::from_reader(&bytes[..], "proteins.fa", NonZeroUsize::MIN)?.collect::<Result<_, _>>()?;
//! assert_eq!(records.len(), 2);
//! assert_eq!(records[0].id, "sp|P1");
//! assert_eq!(records[0].description, "first one");
//! assert_eq!(records[0].sequence, b"MKTAYIAK");
//! assert_eq!(records[1].line, 6);
//! assert_eq!(records[1].sequence, b"");
//! # Ok::<(), ferrome_protein::Error>(())
//! ```

mod content;
mod fasta;
mod foreign;
mod input;
mod lines;
mod place;
mod protein;
mod survey;
pub mod translate;

pub use fasta::{Fasta, open};
pub use place::Place;
pub use protein::Protein;
pub use survey::{Survey, survey};
