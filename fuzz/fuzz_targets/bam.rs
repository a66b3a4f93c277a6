//! Any bytes as a BAM record, as its optional fields, as those of a SAM line and as the name of a read: read or refused,
//! never a panic.

#![no_main]

use ferrome_cell::count::bam::Raw;
use ferrome_cell::count::read_name::Style;
use ferrome_cell::count::tags::{self, Slot, Wanted};
use libfuzzer_sys::fuzz_target;

fn wanted() -> Wanted {
    let slots = [(Slot::Cell, b"CB"), (Slot::Umi, b"UB"), (Slot::Gene, b"GX"), (Slot::Filter, b"xf")];
    slots.into_iter().fold(Wanted::default(), |wanted, (slot, tag)| wanted.with(slot, Some(*tag)))
}

fuzz_target!(|data: &[u8]| {
    fields(data);
    if let Ok(raw) = Raw::parse(data, 3) {
        assert!(raw.name.len() + raw.tags.len() < data.len());
        fields(raw.tags);
    }
    let _ = tags::scan_text(data.split(|byte| *byte == b'\t'), &wanted());
    for separator in [b"_".as_slice(), b"", b"::"] {
        let barcodes = Style::of(data).barcodes(data, separator);
        assert!(barcodes.umi.is_none_or(|umi| umi.len() <= data.len()));
    }
});

fn fields(data: &[u8]) {
    // Nothing is looked for: all fields are passed over.
    let all = tags::scan(data, &Wanted::default());
    let found = tags::scan(data, &wanted());
    if all.is_ok() {
        let found = found.expect("what is looked for does not decide what can be read");
        let names = tags::names(data);
        assert_eq!(found.value(Slot::Cell).is_some(), names.contains(b"CB"));
        assert!(found.text(Slot::Umi).is_none_or(|umi| umi.len() < data.len()));
    } else {
        assert!(!all.unwrap_err().contains('\n'));
    }
}
