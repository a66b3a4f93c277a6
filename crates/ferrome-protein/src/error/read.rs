use std::sync::Arc;

use crate::read::Place;

/// What is wrong with an input of proteins or nucleotides.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The input file does not exist.
    #[error("{file}: no such file")]
    Missing {
        /// The path as the user gave it.
        file: Arc<str>,
    },

    /// The input path is a folder.
    #[error("{file}: expected a FASTA file, found a folder")]
    Folder {
        /// The path as the user gave it.
        file: Arc<str>,
    },

    /// The input has no record at all.
    #[error("{file}: expected FASTA records, found {found}")]
    NoRecords {
        /// The input's name.
        file: Arc<str>,
        /// What there is instead: nothing, or blank and comment lines.
        found: &'static str,
    },

    /// The first line that is neither blank nor a comment is not a FASTA header.
    #[error("{file}: line {line}: expected a FASTA header starting with `>`, found {found}")]
    NotFasta {
        /// The input's name.
        file: Arc<str>,
        /// The 1-based line.
        line: u64,
        /// The start of that line, and what kind of file it looks like.
        found: String,
    },

    /// A compressed input ends before its end.
    #[error("{file}: {place}: expected {expected}, found the end of the file (is it cut short?)")]
    Truncated {
        /// The input's name.
        file: Arc<str>,
        /// How far reading came.
        place: Place,
        /// What should have followed.
        expected: &'static str,
    },

    /// A compressed input cannot be decompressed.
    #[error("{file}: {place}: expected intact {format} data, found a damaged block ({reason})")]
    Damaged {
        /// The input's name.
        file: Arc<str>,
        /// How far reading came.
        place: Place,
        /// The compression: gzip or BGZF.
        format: &'static str,
        /// What the decompressor says.
        reason: String,
    },

    /// A record holds a NUL byte, so the input is not text.
    #[error("{file}: {place}: expected text, found a NUL byte (is it a binary or damaged file?)")]
    NulByte {
        /// The input's name.
        file: Arc<str>,
        /// How far reading came.
        place: Place,
    },

    /// A line, header or sequence is longer than anything in biology.
    #[error("{file}: {place}: expected {what} of at most {limit} bytes, found more (is it a binary file?)")]
    TooLong {
        /// The input's name.
        file: Arc<str>,
        /// How far reading came.
        place: Place,
        /// A line, a header or a sequence.
        what: &'static str,
        /// The most that is read.
        limit: usize,
    },

    /// NCBI has no genetic code of that number.
    #[error("genetic code: expected an NCBI table number (1 to 6, 9 to 16 or 21 to 33), found {found}")]
    GeneticCode {
        /// The number given.
        found: u8,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place::in_record(3, "sp|P1", 42)
    }

    #[test]
    fn messages_of_whole_files() {
        let file: Arc<str> = "a.fa".into();
        let cases = [
            (ReadError::Missing { file: file.clone() }, "a.fa: no such file"),
            (ReadError::Folder { file: file.clone() }, "a.fa: expected a FASTA file, found a folder"),
            (
                ReadError::NoRecords { file: file.clone(), found: "an empty file" },
                "a.fa: expected FASTA records, found an empty file",
            ),
            (
                ReadError::NotFasta { file, line: 2, found: "`@r1` (FASTQ?)".into() },
                "a.fa: line 2: expected a FASTA header starting with `>`, found `@r1` (FASTQ?)",
            ),
            (
                ReadError::GeneticCode { found: 7 },
                "genetic code: expected an NCBI table number (1 to 6, 9 to 16 or 21 to 33), found 7",
            ),
        ];
        for (error, message) in cases {
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn messages_of_places() {
        let file: Arc<str> = "a.fa".into();
        let cases = [
            (
                ReadError::Truncated { file: file.clone(), place: place(), expected: "more gzip data" },
                "a.fa: record `sp|P1` (line 42), after 3 whole records: expected more gzip data, found the end of the \
                 file (is it cut short?)",
            ),
            (
                ReadError::Damaged {
                    file: file.clone(),
                    place: Place::start(),
                    format: "BGZF",
                    reason: "checksum mismatch".into(),
                },
                "a.fa: before the first record: expected intact BGZF data, found a damaged block (checksum mismatch)",
            ),
            (
                ReadError::NulByte { file: file.clone(), place: place() },
                "a.fa: record `sp|P1` (line 42), after 3 whole records: expected text, found a NUL byte (is it a \
                 binary or damaged file?)",
            ),
            (
                ReadError::TooLong { file, place: place(), what: "a line", limit: 100 },
                "a.fa: record `sp|P1` (line 42), after 3 whole records: expected a line of at most 100 bytes, found \
                 more (is it a binary file?)",
            ),
        ];
        for (error, message) in cases {
            assert_eq!(error.to_string(), message);
        }
    }
}
