//! Local alignment with affine gaps (Smith and Waterman 1981, Gotoh 1982): BLOSUM62, 11 to open a gap and 1 for each of its
//! residues, as BLAST has it. One sequence is aligned with several at once, one in each lane (Rognes 2011).

use std::sync::LazyLock;

use bio::scores::blosum62;

use super::Matrix;

/// Sequences aligned at once.
const LANES: usize = 16;
/// The first residue of a gap, and each further one.
const FIRST: i16 = 12;
const FURTHER: i16 = 1;
/// The letters of the matrix: A to Z, and what is none of them.
const LETTERS: usize = 27;
/// Behind the end of a sequence no alignment goes on.
const BEHIND: i16 = -1000;

type Lanes = [i16; LANES];

/// BLOSUM62 by number of letter: looking a letter up in the crate's own table costs as much as aligning.
static SCORES: LazyLock<[[i16; LETTERS]; LETTERS]> = LazyLock::new(|| {
    std::array::from_fn(|one| std::array::from_fn(|other| blosum62(letter_of(one), letter_of(other)) as i16))
});

/// The best local alignment's score. Letters other than A to Z are the unknown residue X; case does not matter.
///
/// ```
/// use ferrome_drug::baseline::smith_waterman;
/// assert_eq!(smith_waterman(b"MKTAYIAK", b"mktayiak"), 39);
/// assert_eq!(smith_waterman(b"WWWW", b"PPPP"), 0);
/// ```
#[must_use]
pub fn smith_waterman(one: &[u8], other: &[u8]) -> i32 {
    let (first, further) = (i32::from(FIRST), i32::from(FURTHER));
    let mut above: Vec<(i32, i32)> = vec![(0, i32::MIN / 2); one.len()]; // best ending here, best ending in a gap
    let mut best = 0;
    for &y in other {
        let (mut corner, mut beside) = (0, i32::MIN / 2);
        for (&x, (here, gap)) in one.iter().zip(&mut above) {
            let score = (corner + pair(x, y)).max(*gap).max(beside).max(0);
            corner = *here;
            *here = score;
            best = best.max(score);
            *gap = (*gap - further).max(score - first);
            beside = (beside - further).max(score - first);
        }
    }
    best
}

/// Scores of all pairs over the root of both scores with themselves: `[n, n]`, 1 on the diagonal. Computed in parallel.
#[must_use]
pub fn similarity_matrix(sequences: &[&[u8]]) -> Matrix {
    // Lanes of similar length waste little.
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by_key(|&i| sequences[i].len());
    let sorted: Vec<&[u8]> = order.iter().map(|&i| sequences[i]).collect();
    let raw = Matrix::symmetric(sorted.len(), |i| row(sorted[i], &sorted[i..]));
    let own: Vec<f64> = (0..sorted.len()).map(|i| raw.at(i, i).sqrt()).collect();
    let mut matrix = Matrix::zeros(sorted.len(), sorted.len());
    for (i, &row) in order.iter().enumerate() {
        for (j, &column) in order.iter().enumerate() {
            let both = own[i] * own[j];
            let alike = if both > 0.0 { raw.at(i, j) / both } else { 0.0 };
            matrix.values[row * sorted.len() + column] = if i == j { 1.0 } else { alike };
        }
    }
    matrix
}

/// The best local alignment's score of a sequence with each of some others; those of similar length side by side cost least.
pub(crate) fn row(query: &[u8], targets: &[&[u8]]) -> Vec<f64> {
    let numbers: Vec<usize> = query.iter().map(|&letter| number(letter)).collect();
    targets
        .chunks(LANES)
        .flat_map(|chunk| {
            let best = lanes(&numbers, chunk);
            // A score at the end of the range may have been larger.
            let exact = move |(&target, best): (&&[u8], i16)| match best {
                i16::MAX => f64::from(smith_waterman(query, target)),
                best => f64::from(best),
            };
            chunk.iter().zip(best).map(exact).collect::<Vec<_>>()
        })
        .collect()
}

/// One sequence against up to `LANES` others.
fn lanes(query: &[usize], targets: &[&[u8]]) -> Lanes {
    let longest = targets.iter().map(|target| target.len()).max().unwrap_or(0);
    let mut above: Vec<(Lanes, Lanes)> = vec![([0; LANES], [i16::MIN; LANES]); query.len()];
    let mut best: Lanes = [0; LANES];
    for place in 0..longest {
        let profile = profile(targets, place);
        let (mut corner, mut beside): (Lanes, Lanes) = ([0; LANES], [i16::MIN; LANES]);
        for (&letter, (here, gap)) in query.iter().zip(&mut above) {
            let scores = &profile[letter];
            for lane in 0..LANES {
                let score = corner[lane].saturating_add(scores[lane]).max(gap[lane]).max(beside[lane]).max(0);
                corner[lane] = here[lane];
                here[lane] = score;
                best[lane] = best[lane].max(score);
                gap[lane] = gap[lane].saturating_sub(FURTHER).max(score - FIRST);
                beside[lane] = beside[lane].saturating_sub(FURTHER).max(score - FIRST);
            }
        }
    }
    best
}

/// The score of each letter against the residues of all lanes at one place.
fn profile(targets: &[&[u8]], place: usize) -> [Lanes; LETTERS] {
    let mut profile = [[BEHIND; LANES]; LETTERS];
    for (lane, residue) in targets.iter().enumerate().filter_map(|(lane, target)| Some((lane, *target.get(place)?))) {
        for (scores, &score) in profile.iter_mut().zip(&SCORES[number(residue)]) {
            scores[lane] = score;
        }
    }
    profile
}

fn pair(one: u8, other: u8) -> i32 {
    i32::from(SCORES[number(one)][number(other)])
}

fn number(letter: u8) -> usize {
    match letter.to_ascii_uppercase() {
        letter @ b'A'..=b'Z' => usize::from(letter - b'A'),
        _ => LETTERS - 1,
    }
}

fn letter_of(number: usize) -> u8 {
    if number < LETTERS - 1 { b'A' + number as u8 } else { b'X' }
}

#[cfg(test)]
mod tests {
    use bio::alignment::pairwise::Aligner;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn proteins(n: usize, longest: usize) -> Vec<Vec<u8>> {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
        let ancestor: Vec<u8> = (0..longest).map(|_| b"ACDEFGHIKLMNPQRSTVWYX"[random.random_range(0..21)]).collect();
        let mutant = |_| {
            let kept = |random: &mut rand_chacha::ChaCha8Rng, letter: u8| match random.random_range(0..20) {
                0..6 => Some(b"ACDEFGHIKLMNPQRSTVWYX"[random.random_range(0..21)]),
                6..8 => None,
                _ => Some(letter),
            };
            let start = random.random_range(0..longest / 2);
            ancestor[start..].iter().filter_map(|&letter| kept(&mut random, letter)).collect()
        };
        (0..n).map(mutant).collect()
    }

    #[test]
    fn lanes_agree_with_rust_bio() {
        let proteins = proteins(40, 90);
        let all: Vec<&[u8]> = proteins.iter().map(Vec::as_slice).collect();
        let mut gaps = 0;
        for query in all.iter().take(6) {
            for (target, found) in all.iter().zip(row(query, &all)) {
                // Its first number is the whole cost of a gap's first residue.
                let alignment = Aligner::new(-12, -1, &|a, b| blosum62(a, b)).local(query, target);
                assert_eq!(found, f64::from(alignment.score));
                assert_eq!(found, f64::from(smith_waterman(query, target)));
                gaps += usize::from(alignment.y_aln_len() != alignment.x_aln_len());
            }
        }
        assert!(gaps > 50, "only {gaps} alignments had gaps");
    }

    #[test]
    fn scores_beyond_sixteen_bits() {
        let long = vec![b'W'; 4000];
        assert_eq!(row(&long, &[&long, &long[..10]]), [44000.0, 110.0]);
    }

    #[test]
    fn similarities_keep_the_order_of_the_input() {
        let matrix = similarity_matrix(&[b"MKTAYIAKQRQ", b"", b"MKTA", b"PPPPPP"]);
        assert_eq!((matrix.at(0, 0), matrix.at(1, 1), matrix.at(0, 1), matrix.at(0, 3)), (1.0, 1.0, 0.0, 0.0));
        let expected = (f64::from(smith_waterman(b"MKTA", b"MKTA"))
            / f64::from(smith_waterman(b"MKTAYIAKQRQ", b"MKTAYIAKQRQ")))
        .sqrt();
        assert!((matrix.at(2, 0) - expected).abs() < 1e-12 && matrix.at(0, 2) == matrix.at(2, 0));
    }
}
