const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What a line is.
pub(super) enum Content<'a> {
    Header(&'a [u8]),
    Comment,
    Sequence(&'a [u8]),
}

impl<'a> Content<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        match line.split_first() {
            Some((b'>', rest)) => Self::Header(rest),
            Some((b';' | b'#' | b'!', _)) => Self::Comment,
            _ => Self::Sequence(line),
        }
    }
}
