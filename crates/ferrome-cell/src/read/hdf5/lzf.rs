//! LZF, the compression that h5py and anndata call `lzf`: literals, and copies of what was written before.

/// Decompresses `input` into all of `output`; `None` if it is damaged or of another length.
pub(super) fn expand(input: &[u8], output: &mut [u8]) -> Option<()> {
    let mut from = 0;
    let mut to = 0;
    while let Some(&control) = input.get(from) {
        from += 1;
        if control < 32 {
            let length = usize::from(control) + 1;
            output.get_mut(to..to + length)?.copy_from_slice(input.get(from..from + length)?);
            from += length;
            to += length;
            continue;
        }
        let mut length = usize::from(control >> 5) + 2;
        if length == 9 {
            length += usize::from(*input.get(from)?);
            from += 1;
        }
        let back = (usize::from(control & 31) << 8 | usize::from(*input.get(from)?)) + 1;
        from += 1;
        repeat(output, to, back, length)?;
        to += length;
    }
    (to == output.len()).then_some(())
}

/// Writes at `to` the `length` bytes that begin `back` bytes before it; they may overlap, which repeats them.
fn repeat(output: &mut [u8], to: usize, back: usize, length: usize) -> Option<()> {
    let begin = to.checked_sub(back)?;
    let end = to.checked_add(length).filter(|&end| end <= output.len())?;
    if length <= 16 && back >= 16 && to + 16 <= output.len() {
        // A copy of fixed length costs less than the call for one of any length; what is too much is overwritten.
        let (before, after) = output.split_at_mut(to);
        after[..16].copy_from_slice(&before[begin..begin + 16]);
    } else if back >= length {
        output.copy_within(begin..begin + length, to);
    } else if length <= 16 {
        let window = &mut output[begin..end];
        for place in 0..length {
            window[place + back] = window[place];
        }
    } else {
        let mut done = to;
        while done < end {
            let step = (done - begin).min(end - done);
            output.copy_within(begin..begin + step, done);
            done += step;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(input: &[u8], length: usize) -> Option<Vec<u8>> {
        let mut output = vec![0; length];
        expand(input, &mut output).map(|()| output)
    }

    #[test]
    fn literals_and_overlapping_copies() {
        // Two literals, then 6 bytes from 2 back, then 10 (7 and one more byte that says 1) from 1 back.
        assert_eq!(expanded(b"\x01ab\x80\x01\xe0\x01\x00", 18).unwrap(), b"ababababbbbbbbbbbb");
        assert_eq!(expanded(b"\x01ab\x20\x01", 5).unwrap(), b"ababa");
        assert_eq!(expanded(b"", 0).unwrap(), b"");
    }

    #[test]
    fn damaged_input_is_refused() {
        assert_eq!(expanded(b"\x05ab", 6), None, "literals beyond the input");
        assert_eq!(expanded(b"\x01ab\x80\x02", 8), None, "a copy from before the output");
        assert_eq!(expanded(b"\x01ab\x80", 8), None, "a copy without its offset");
        assert_eq!(expanded(b"\x01ab\x80\x01", 7), None, "more than there is room for");
        assert_eq!(expanded(b"\x01ab", 3), None, "less than expected");
    }
}
