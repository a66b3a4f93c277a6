//! Cell barcodes and UMIs that UMI-tools and `umis` write into the names of reads.

use memchr::memmem;

/// How a name holds them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Style {
    /// `NAME_CELL_UMI`, as `umi_tools extract` writes it.
    Separated,
    /// `…:CELL_x:…:UMI_y:…`, as `umis` writes it.
    Umis,
}

/// Barcode and UMI of a read; the barcode only where it was asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Barcodes<'a> {
    /// The cell barcode.
    pub cell: Option<&'a [u8]>,
    /// The UMI.
    pub umi: Option<&'a [u8]>,
}

impl Style {
    /// The style of a name: `umis` where a part of it, between colons, begins with `UMI_`.
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        let umis = name.split(|byte| *byte == b':').any(|part| part.starts_with(b"UMI_"));
        if umis { Self::Umis } else { Self::Separated }
    }

    /// What a name holds.
    ///
    /// # Examples
    ///
    /// ```
    /// use ferrome_cell::count::read_name::Style;
    /// let barcodes = Style::Separated.barcodes(b"SRR1.7_ACGT_TTAG", b"_");
    /// assert_eq!((barcodes.cell, barcodes.umi), (Some(b"ACGT".as_slice()), Some(b"TTAG".as_slice())));
    /// ```
    #[must_use]
    pub fn barcodes<'a>(self, name: &'a [u8], separator: &[u8]) -> Barcodes<'a> {
        match self {
            Self::Separated => separated(name, separator),
            Self::Umis => umis(name),
        }
    }
}

fn separated<'a>(name: &'a [u8], separator: &[u8]) -> Barcodes<'a> {
    let Some((rest, umi)) = split_last(name, separator) else { return Barcodes::default() };
    Barcodes { cell: split_last(rest, separator).map(|(_, cell)| cell), umi: Some(umi) }
}

fn split_last<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let start = memmem::rfind(text, separator)?;
    Some((text.get(..start)?, text.get(start + separator.len()..)?))
}

// The last of several parts counts, as in UMI-tools.
fn umis(name: &[u8]) -> Barcodes<'_> {
    let mut barcodes = Barcodes::default();
    for part in name.split(|byte| *byte == b':') {
        if let Some(umi) = part.strip_prefix(b"UMI_") {
            barcodes.umi = Some(umi);
        } else if let Some(cell) = part.strip_prefix(b"CELL_") {
            barcodes.cell = Some(cell);
        }
    }
    barcodes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(style: Style, name: &str, separator: &str) -> (Option<String>, Option<String>) {
        let barcodes = style.barcodes(name.as_bytes(), separator.as_bytes());
        let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
        (text(barcodes.cell), text(barcodes.umi))
    }

    fn both(cell: &str, umi: &str) -> (Option<String>, Option<String>) {
        (Some(cell.to_owned()), Some(umi.to_owned()))
    }

    #[test]
    fn separated_names() {
        assert_eq!(read(Style::Separated, "a_b_AC_GT", "_"), both("AC", "GT"));
        assert_eq!(read(Style::Separated, "a::AC::GT", "::"), both("AC", "GT"));
        assert_eq!(read(Style::Separated, "a_GT", "_"), (None, Some("GT".to_owned())));
        assert_eq!(read(Style::Separated, "a", "_"), (None, None));
    }

    #[test]
    fn umis_names() {
        assert_eq!(read(Style::Umis, "7:CELL_AC:UMI_GT:x", ""), both("AC", "GT"));
        assert_eq!(read(Style::Umis, "UMI_GT", ""), (None, Some("GT".to_owned())));
        assert_eq!(read(Style::Umis, "7:MUMI_GT", ""), (None, None));
    }

    #[test]
    fn style_is_seen() {
        assert_eq!(Style::of(b"7:CELL_AC:UMI_GT:x"), Style::Umis);
        assert_eq!(Style::of(b"A00:1:MUMI_AC_GT"), Style::Separated);
    }
}
