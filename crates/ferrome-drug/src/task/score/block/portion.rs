//! The rows of one shard.

use std::ops::Range;

use ferrome_core::engine::BoxError;
use ferrome_core::shard::Portion;

use super::Block;
use crate::read::Source;

/// The rows of a shard alone; those in quarantine have no molecule.
pub(in crate::task::score) fn of_portion<B>(
    mut blocks: B,
    portion: Portion,
) -> impl Iterator<Item = Result<Block, BoxError>> + Send
where
    B: Iterator<Item = Result<Block, BoxError>> + Send,
{
    let own = portion.rows();
    let mut ended = own.is_empty();
    std::iter::from_fn(move || {
        while !ended {
            let block = match blocks.next()? {
                Ok(block) => block,
                Err(error) => {
                    ended = true;
                    return Some(Err(error));
                }
            };
            ended = block.end() >= own.end;
            if block.end() > own.start {
                return Some(Ok(block.within(&own).without_quarantined(&portion)));
            }
        }
        None
    })
}

impl Block {
    fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// Those of its rows that are among `rows`, of which it has some.
    fn within(self, rows: &Range<u64>) -> Self {
        let passed = rows.start.saturating_sub(self.first) as usize;
        let left = (rows.end.min(self.end()) - self.first) as usize;
        self.split(left).0.split(passed).1
    }

    fn without_quarantined(mut self, portion: &Portion) -> Self {
        for (entry, row) in self.entries.iter_mut().zip(self.first..) {
            if let Some(rejection) = portion.quarantined(row) {
                entry.source = Source::Missing(rejection.reason);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::blocks;
    use super::*;

    #[test]
    fn shards_cut_blocks_where_their_rows_begin_and_end() {
        let rows = |shard: &str, quarantine: &str| {
            let portion = Portion::new(shard.parse().unwrap(), "out".as_ref(), 20, quarantine.parse().unwrap());
            let entries = of_portion(blocks(&[8, 8, 4]), portion.unwrap()).flat_map(|block| block.unwrap().entries);
            entries
                .map(|entry| if entry.text().is_empty() { "-".into() } else { entry.id })
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(rows("1/3", "20"), "0 1 2 3 4 5");
        assert_eq!(rows("2/3", "9"), "6 7 - 9 10 11 12");
        assert_eq!(rows("3/3", "14-15,20"), "- - 15 16 17 18 -");
        assert_eq!(rows("1/40", "1"), "");
    }
}
