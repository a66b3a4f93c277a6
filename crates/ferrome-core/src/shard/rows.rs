//! Lists of rows as users write them.

use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use crate::engine::Rejection;

/// Rows and ranges of rows, counted from 1, such as `7,20-31`.
///
/// ```
/// use ferrome_core::shard::RowList;
///
/// let rows: RowList = "20-31,7".parse()?;
/// assert_eq!(rows.to_string(), "7,20-31");
/// assert!("9-3".parse::<RowList>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RowList(Vec<RangeInclusive<u64>>);

impl RowList {
    /// Whether it holds no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The largest row.
    pub(super) fn last(&self) -> Option<u64> {
        self.0.last().map(|rows| *rows.end())
    }

    /// Those of `rows`, which are counted from 0.
    pub(super) fn within(&self, rows: &Range<u64>) -> Self {
        let cut = |own: &RangeInclusive<u64>| (*own.start()).max(rows.start + 1)..=(*own.end()).min(rows.end);
        Self(self.0.iter().map(cut).filter(|cut| !cut.is_empty()).collect())
    }

    /// The entry that holds the row that is `row` when counted from 0, as it is written.
    pub(super) fn find(&self, row: u64) -> Option<String> {
        let row = row + 1;
        let entry = self.0.get(self.0.partition_point(|rows| *rows.end() < row))?;
        entry.contains(&row).then(|| text(entry))
    }
}

fn text(rows: &RangeInclusive<u64>) -> String {
    let (start, end) = (rows.start(), rows.end());
    if start == end { start.to_string() } else { format!("{start}-{end}") }
}

impl fmt::Display for RowList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.iter().map(text).collect::<Vec<_>>().join(","))
    }
}

impl FromStr for RowList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let entry = |text: &str| {
            let (start, end) = text.split_once('-').unwrap_or((text, text));
            let rows = start.trim().parse::<u64>().ok()?..=end.trim().parse().ok()?;
            (!rows.is_empty() && *rows.start() > 0).then_some(rows)
        };
        let entries = text
            .split(',')
            .map(|text| entry(text).ok_or_else(|| format!("`{text}`: expected rows counted from 1, such as 7,20-31")));
        let mut rows: Vec<_> = entries.collect::<Result<_, _>>()?;
        rows.sort_by_key(|rows| *rows.start());
        match rows.windows(2).find(|pair| pair[0].end() >= pair[1].start()) {
            Some(pair) => Err(format!("row {} stands there twice", pair[1].start())),
            None => Ok(Self(rows)),
        }
    }
}

impl Rejection {
    /// Why rows in quarantine are not computed; `rows` is an entry of the list. Each entry is a kind of its own, so that the
    /// counts of a run name its rows.
    pub(super) fn quarantined(rows: &str) -> Self {
        let kind = format!("quarantined row{} {rows}", if rows.contains('-') { "s" } else { "" });
        Self { reason: format!("{kind}{NOT_COMPUTED}"), kind }
    }

    /// The rejection that has this reason, if it is one of a row in quarantine; for readers that hand on reasons alone.
    #[must_use]
    pub fn of_quarantine(reason: &str) -> Option<Self> {
        let kind = reason.strip_suffix(NOT_COMPUTED).filter(|kind| kind.starts_with("quarantined row"))?;
        Some(Self { kind: kind.to_owned(), reason: reason.to_owned() })
    }
}

const NOT_COMPUTED: &str = ": not computed";
