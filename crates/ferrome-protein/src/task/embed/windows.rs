use std::{fmt, str::FromStr};

use crate::{Error, Result, model::Config, tokenize::framed};

/// What happens to a protein that is longer than the limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Long {
    /// Its row gets nulls and the reason.
    Error,
    /// Only the first residues are computed.
    Truncate,
    /// Overlapping windows are computed; a residue in several gets the mean of its vectors.
    Window,
}

impl FromStr for Long {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "error" => Ok(Self::Error),
            "truncate" => Ok(Self::Truncate),
            "window" => Ok(Self::Window),
            _ => Err(format!("unknown choice `{text}`: expected error, truncate or window")),
        }
    }
}

/// How long proteins are cut: the choice, and its measures in residues.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LongPolicy {
    long: Option<Long>,
    window: usize,
    overlap: usize,
    limit: Option<usize>,
}

/// A piece of a protein, with `<cls>` and `<eos>`.
#[derive(Debug)]
pub(super) struct Window {
    /// Its first residue, from 0.
    pub(super) start: usize,
    /// Its tokens.
    pub(super) tokens: Vec<u8>,
}

impl Window {
    fn new(residues: &[u8], start: usize, end: usize) -> Self {
        Self { start, tokens: framed(residues.get(start..end).unwrap_or_default()) }
    }

    /// Number of residues.
    pub(super) fn residues(&self) -> usize {
        self.tokens.len().saturating_sub(2)
    }

    /// One past its last residue.
    pub(super) fn end(&self) -> usize {
        self.start + self.residues()
    }
}

impl fmt::Display for LongPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.long, self.limit) {
            (Some(Long::Truncate), _) => write!(f, "truncate to {}", self.window),
            (Some(Long::Window), _) => write!(f, "windows of {} that share {}", self.window, self.overlap),
            (_, Some(limit)) => write!(f, "error beyond {limit}"),
            (_, None) => f.write_str("whole"),
        }
    }
}

impl LongPolicy {
    /// `None` for `long` is the model's own habit: ESM-2 takes the whole sequence, ESM-1b and ESM-1v refuse what is
    /// longer than their position table.
    ///
    /// # Errors
    ///
    /// A window that the model cannot take, or an overlap that is no smaller than the window.
    pub fn new(long: Option<Long>, window: usize, overlap: usize, config: &Config) -> Result<Self> {
        let limit = config.most_residues();
        let cuts = matches!(long, Some(Long::Truncate | Long::Window));
        if cuts && (window == 0 || limit.is_some_and(|limit| window > limit)) {
            return Err(Error::BadWindow { window, limit });
        }
        if long == Some(Long::Window) && overlap >= window {
            return Err(Error::BadOverlap { window, overlap });
        }
        Ok(Self { long, window, overlap, limit })
    }

    /// The windows of a protein; the reason when it is too long.
    pub(super) fn cut(&self, residues: &[u8]) -> Result<Vec<Window>, String> {
        let length = residues.len();
        match (self.long, self.limit) {
            (Some(Long::Truncate), _) => Ok(vec![Window::new(residues, 0, length.min(self.window))]),
            (Some(Long::Window), _) => Ok(self.windows(residues)),
            (Some(Long::Error) | None, Some(limit)) if length > limit => Err(format!(
                "{length} residues are more than the model's {limit}: choose --long truncate or --long window"
            )),
            (Some(Long::Error) | None, _) => Ok(vec![Window::new(residues, 0, length)]),
        }
    }

    // Steps of window - overlap; the last window is moved back so that it is full.
    fn windows(&self, residues: &[u8]) -> Vec<Window> {
        let (length, step) = (residues.len(), self.window - self.overlap);
        let last = length.saturating_sub(self.window);
        let starts = (0..last).step_by(step).chain([last]);
        starts.map(|start| Window::new(residues, start, length.min(start + self.window))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(length: usize, window: usize, overlap: usize) -> Vec<(usize, usize)> {
        let policy = LongPolicy::new(Some(Long::Window), window, overlap, &Config::esm2(1, 8, 2)).unwrap();
        policy.cut(&vec![5; length]).unwrap().iter().map(|w| (w.start, w.end())).collect()
    }

    #[test]
    fn windows_cover_everything_and_are_full() {
        assert_eq!(spans(5, 10, 2), [(0, 5)]);
        assert_eq!(spans(10, 10, 2), [(0, 10)]);
        assert_eq!(spans(11, 10, 2), [(0, 10), (1, 11)]);
        assert_eq!(spans(26, 10, 2), [(0, 10), (8, 18), (16, 26)]);
        assert_eq!(spans(27, 10, 2), [(0, 10), (8, 18), (16, 26), (17, 27)]);
    }

    #[test]
    fn longer_than_the_position_table_says_the_choices() {
        let mut config = Config::esm2(1, 8, 2);
        config.position_embedding_type = crate::model::PositionKind::Absolute;
        let policy = LongPolicy::new(None, 1022, 128, &config).unwrap();
        assert_eq!(policy.cut(&vec![5; 1022]).unwrap().len(), 1);
        assert_eq!(
            policy.cut(&vec![5; 1023]).unwrap_err(),
            "1023 residues are more than the model's 1022: choose --long truncate or --long window"
        );
        let wide = LongPolicy::new(Some(Long::Window), 2000, 128, &config).unwrap_err();
        assert_eq!(wide.to_string(), "--window 2000 does not fit: expected 1 to 1022 residues");
    }

    #[test]
    fn overlap_as_large_as_the_window() {
        let refused = LongPolicy::new(Some(Long::Window), 100, 100, &Config::esm2(1, 8, 2)).unwrap_err();
        assert_eq!(refused.to_string(), "--overlap 100 must be smaller than --window 100");
    }
}
