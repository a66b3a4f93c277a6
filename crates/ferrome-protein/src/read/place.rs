use std::fmt;

/// How much of an id a message shows.
const SHOWN: usize = 80;

/// How far reading came, as the message of an error says it.
///
/// ```
/// use ferrome_protein::read::Place;
///
/// assert_eq!(Place::start().to_string(), "before the first record");
/// assert_eq!(Place::in_record(0, "sp|P1", 1).to_string(), "record `sp|P1` (line 1)");
/// assert_eq!(Place::in_record(1, "sp|P2", 3).to_string(), "record `sp|P2` (line 3), after 1 whole record");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    whole: u64,
    record: Option<(String, u64)>,
}

impl Place {
    /// Before the first header.
    pub fn start() -> Self {
        Self { whole: 0, record: None }
    }

    /// In the record `id`, whose header is on `line`, after `whole` complete records. A message is one line: of a long id
    /// the start is kept, of control characters nothing.
    pub fn in_record(whole: u64, id: &str, line: u64) -> Self {
        let shown = id.chars().take(SHOWN).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
        Self { whole, record: Some((shown.collect(), line)) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((id, line)) = &self.record else {
            return write!(f, "before the first record");
        };
        write!(f, "record `{id}` (line {line})")?;
        match self.whole {
            0 => Ok(()),
            1 => write!(f, ", after 1 whole record"),
            n => write!(f, ", after {n} whole records"),
        }
    }
}
