//! Any bytes, as they are and as the content of a file that comes in pieces: the reader ends, and never panics.

#![no_main]

use std::{
    io::{Cursor, Read},
    num::NonZeroUsize,
    sync::LazyLock,
};

use ferrome_protein::read::{
    Fasta, Protein,
    translate::{GeneticCode, Mode, Translation},
};
use libfuzzer_sys::fuzz_target;

/// Both kinds of translation, by every genetic code.
static TRANSLATIONS: LazyLock<Vec<Translation>> = LazyLock::new(|| {
    let orfs = Mode::Orfs { min_length: 1, alternative_starts: true };
    let both = |code: &GeneticCode| [Translation::cds(code.id), Translation::new(code.id, orfs)];
    GeneticCode::all().iter().flat_map(both).flatten().collect()
});

/// Gives one byte at a time, so that every line and every block crosses the end of a read.
struct Drip(Cursor<Vec<u8>>);

impl Read for Drip {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let one = buffer.len().min(1);
        self.0.read(&mut buffer[..one])
    }
}

/// The records, and the message of the error that ended them.
fn read(reader: impl Read + Send + 'static) -> (Vec<Protein>, Option<String>) {
    let mut proteins = Vec::new();
    let records = match Fasta::from_reader(reader, "fuzz", NonZeroUsize::MIN) {
        Ok(records) => records,
        Err(error) => return (proteins, Some(error.to_string())),
    };
    for record in records {
        match record {
            Ok(protein) => proteins.push(protein),
            Err(error) => return (proteins, Some(error.to_string())),
        }
    }
    (proteins, None)
}

fuzz_target!(|data: &[u8]| {
    let whole = read(Cursor::new(data.to_vec()));
    let dripped = read(Drip(Cursor::new(data.to_vec())));
    if data.starts_with(b"\x1f\x8b") && whole.1.is_some() {
        // How much comes out of damaged data before the damage is seen depends on the pieces.
        assert!(dripped.1.is_some());
    } else {
        assert_eq!(whole, dripped);
    }
    let (proteins, message) = whole;
    if let Some(message) = message {
        assert!(message.starts_with("fuzz: ") && !message.contains('\n'), "{message:?}");
    }
    for protein in &proteins {
        assert!(!protein.sequence.iter().any(|letter| b" \t\r\n\0".contains(letter) || letter.is_ascii_lowercase()));
        for translation in TRANSLATIONS.get(data.len() % TRANSLATIONS.len()) {
            let translated = translation.translate(protein.clone());
            assert!(!translated.is_empty());
            assert!(translated.iter().all(|record| record.sequence.len() <= protein.sequence.len() / 3));
        }
    }
});
