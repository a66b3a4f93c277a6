//! Arrays within a page: zlib, then base64, little-endian.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::Result;

/// The arrays of a page as elements that browsers do not run.
#[derive(Debug, Default)]
pub(crate) struct Blobs {
    pub(crate) html: String,
    count: usize,
}

impl Blobs {
    /// Adds bytes; gives the number in the element's id, `blob-N`.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes)?;
        let packed = encoder.finish()?;
        let number = self.count;
        self.count += 1;
        self.html.push_str(&format!("<script type=\"application/octet-stream\" id=\"blob-{number}\">"));
        STANDARD.encode_string(packed, &mut self.html);
        self.html.push_str("</script>\n");
        Ok(number)
    }

    /// Adds numbers.
    pub(crate) fn numbers<const N: usize>(&mut self, numbers: impl Iterator<Item = [u8; N]>) -> Result<usize> {
        self.add(&numbers.flatten().collect::<Vec<u8>>())
    }

    /// Adds texts: their number, where each starts and where the last ends (all u32), then all of them as UTF-8.
    pub(crate) fn texts<'a>(&mut self, texts: impl Iterator<Item = &'a str> + Clone) -> Result<usize> {
        let count = u32::try_from(texts.clone().count()).unwrap_or(u32::MAX);
        let mut bytes = count.to_le_bytes().to_vec();
        let mut end = 0_u32;
        bytes.extend(end.to_le_bytes());
        for text in texts.clone() {
            end = end.saturating_add(u32::try_from(text.len()).unwrap_or(u32::MAX));
            bytes.extend(end.to_le_bytes());
        }
        texts.for_each(|text| bytes.extend(text.as_bytes()));
        self.add(&bytes)
    }
}
