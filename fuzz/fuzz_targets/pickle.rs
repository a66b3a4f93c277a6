//! Any bytes as a weight file, and as the pickle of a PyTorch zip file: read or refused, never a panic, and whatever is
//! listed can be read.
#![no_main]

use std::io::{Cursor, Write};
use std::path::Path;

use ferrome_core::weights::Checkpoint;
use libfuzzer_sys::fuzz_target;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fuzz_target!(|bytes: &[u8]| {
    read("fuzz.pt", bytes.to_vec());
    read("fuzz.safetensors", bytes.to_vec());
    if let Ok(archive) = archive(bytes) {
        read("archive.pt", archive);
    }
});

/// Reads all tensors of a file, when it can be opened.
fn read(name: &str, bytes: Vec<u8>) {
    if let Ok(mut checkpoint) = Checkpoint::from_bytes(Path::new(name), bytes) {
        let names: Vec<String> = checkpoint.names().map(str::to_owned).collect();
        for name in names {
            let expected = checkpoint.info(&name).map(|info| info.byte_len());
            assert_eq!(checkpoint.with_bytes(&name, <[u8]>::len).ok(), expected);
        }
        let _ = checkpoint.rename(|name| name.strip_prefix("model.").map(str::to_owned));
        let _ = checkpoint.metadata().get("args").and_then(|args| args.get("layers"));
    }
}

/// A zip file as `torch.save` lays it out, with this pickle and two storages of 48 and 16 bytes.
fn archive(pickle: &[u8]) -> zip::result::ZipResult<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(vec![]));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in [("m/data.pkl", pickle), ("m/data/0", &[1; 48]), ("m/data/1", &[2; 16])] {
        writer.start_file(name, stored)?;
        writer.write_all(content)?;
    }
    Ok(writer.finish()?.into_inner())
}
