//! Which rows of a large table are shown.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Which of `rows` are drawn: `most` of them, each with the same chance; `None` where all fit. The same seed draws the same.
pub(crate) fn draw(rows: u64, most: usize, seed: u64) -> Option<Vec<bool>> {
    let most = most as u64;
    if rows <= most {
        return None;
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut wanted = most;
    // Of the rows that are left, as many are taken as are still wanted.
    let take = |row: u64| {
        let taken = random.random_range(0..rows - row) < wanted;
        wanted -= u64::from(taken);
        taken
    };
    Some((0..rows).map(take).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_as_many_as_fit_and_evenly() {
        assert_eq!(draw(10, 10, 1), None);
        let drawn = draw(100_000, 1000, 7).unwrap();
        assert_eq!(drawn.iter().filter(|&&taken| taken).count(), 1000);
        let first_half = drawn[..50_000].iter().filter(|&&taken| taken).count();
        assert!((420..580).contains(&first_half), "{first_half}");
        assert_eq!(draw(100_000, 1000, 7).unwrap(), drawn);
        assert_ne!(draw(100_000, 1000, 8).unwrap(), drawn);
    }
}
