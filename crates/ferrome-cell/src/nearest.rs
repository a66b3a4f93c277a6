//! Names that are near to one that is not there.

/// Up to `count` of `names`, nearest first by the number of edits without case; all of them when they are so few.
///
/// ```
/// use ferrome_cell::nearest::nearest;
///
/// assert_eq!(nearest("celtype", ["batch", "cell_type"].into_iter(), 1), ["cell_type"]);
/// ```
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>, count: usize) -> Vec<String> {
    let mut all: Vec<(usize, &str)> = names.map(|other| (distance(name, other), other)).collect();
    all.sort_by_key(|&(distance, _)| distance);
    all.iter().take(count).map(|&(_, other)| other.to_owned()).collect()
}

/// Insertions, deletions and replacements between two names; containing one another counts as near.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (slot, other) in row.iter_mut().skip(1).zip(&b) {
            let best = (diagonal + usize::from(letter != *other)).min(left + 1).min(*slot + 1);
            diagonal = *slot;
            *slot = best;
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    let edits = row.last().copied().unwrap_or_default();
    let b: String = b.into_iter().collect();
    if a.contains(&b) || b.contains(&a) { edits.min(1 + edits / 4) } else { edits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names_come_first() {
        let names = ["batch", "cell_type", "n_genes", "n_counts", "cell_type_ontology_term_id"];
        assert_eq!(nearest("celltype", names.into_iter(), 1), ["cell_type"]);
        assert_eq!(nearest("n_count", names.into_iter(), 2), ["n_counts", "n_genes"]);
        assert_eq!(nearest("CELL_TYPE", names.into_iter(), 1), ["cell_type"]);
        assert_eq!(nearest("x", [].into_iter(), 3), [""; 0]);
        assert_eq!([distance("kitten", "sitting"), distance("", "abc"), distance("abc", "abc")], [3, 1, 0]);
    }
}
