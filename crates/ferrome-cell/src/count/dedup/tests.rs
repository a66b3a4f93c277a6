//! Every method against a slow one written from its description, on texts.

use std::collections::{BTreeMap, BTreeSet};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

type Key = (String, String, String); // cell, gene, UMI
type Table = BTreeMap<(String, String), u32>; // (cell, gene) to molecules

/// Reads with few UMIs that lie close together, so that every rule meets cases.
fn reads(seed: u64, length: usize, letters: &[u8]) -> Vec<Key> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let distinct = random.random_range(1..40);
    let mut umi =
        || -> String { (0..length).map(|_| char::from(letters[random.random_range(0..letters.len())])).collect() };
    let umis: Vec<String> = (0..distinct).map(|_| umi()).collect();
    let count = random.random_range(1..300);
    let mut read = || {
        let (cell, gene) = (random.random_range(0..3), random.random_range(0..4));
        let umi = random.random_range(0..umis.len()) * random.random_range(0..=1);
        (format!("c{cell}"), format!("g{gene}"), umis[umi.max(random.random_range(0..umis.len()) / 2)].clone())
    };
    (0..count).map(|_| read()).collect()
}

fn fast(reads: &[Key], method: Dedup) -> Table {
    let mut molecules = Molecules::default();
    let mut umis = Umis::default();
    let number = |text: &str| text[1..].parse::<u32>().unwrap();
    for (cell, gene, umi) in reads {
        molecules.add(number(gene), number(cell), umis.number(umi.as_bytes()));
    }
    let entries = dedup(molecules, method, false, &umis);
    assert!(entries.iter().all(|entry| entry.count > 0 && entry.reads >= entry.count));
    entries.into_iter().map(|entry| ((format!("c{}", entry.cell), format!("g{}", entry.gene)), entry.count)).collect()
}

fn counted(reads: &[Key]) -> BTreeMap<Key, i64> {
    let mut counts = BTreeMap::new();
    for read in reads {
        *counts.entry(read.clone()).or_insert(0) += 1;
    }
    counts
}

fn table(molecules: impl IntoIterator<Item = Key>) -> Table {
    let distinct: BTreeSet<Key> = molecules.into_iter().collect();
    let mut table = Table::new();
    for (cell, gene, _) in distinct {
        *table.entry((cell, gene)).or_insert(0) += 1;
    }
    table
}

fn distance(a: &str, b: &str) -> usize {
    if a.len() == b.len() { a.bytes().zip(b.bytes()).filter(|(a, b)| a != b).count() } else { usize::MAX }
}

/// What `umi_tools.network` does, with sets of names: reachable sets, less what was observed.
fn slow_directional(reads: &[Key]) -> Table {
    let counts = counted(reads);
    let mut groups: BTreeMap<(String, String), Vec<(String, i64)>> = BTreeMap::new();
    for ((cell, gene, umi), count) in counts {
        groups.entry((cell, gene)).or_default().push((umi, count));
    }
    groups.into_iter().map(|(key, umis)| (key, slow_components(umis))).collect()
}

fn slow_components(mut umis: Vec<(String, i64)>) -> u32 {
    umis.sort_by_key(|(_, count)| -count);
    let mut observed = BTreeSet::new();
    let mut components = 0;
    for (start, count) in &umis {
        if observed.contains(start) {
            continue;
        }
        let mut component = BTreeMap::from([(start.clone(), *count)]);
        loop {
            let near = |umi: &str, count: i64| {
                component.iter().any(|(from, from_count)| distance(from, umi) <= 1 && *from_count >= 2 * count - 1)
            };
            let more: Vec<_> =
                umis.iter().filter(|(umi, count)| !component.contains_key(umi) && near(umi, *count)).cloned().collect();
            if more.is_empty() {
                break;
            }
            component.extend(more);
        }
        components += 1;
        observed.extend(component.into_keys());
    }
    components
}

/// The four steps of the reference, with whole maps of counts.
fn slow_cell_ranger(reads: &[Key]) -> Table {
    let raw = counted(reads);
    let mut corrected = BTreeMap::new();
    for ((cell, gene, umi), count) in &raw {
        let mut best = (*count, umi.clone());
        for ((other_cell, other_gene, other), other_count) in &raw {
            if other_cell == cell && other_gene == gene && distance(umi, other) == 1 {
                best = best.max((*other_count, other.clone()));
            }
        }
        corrected.insert((cell.clone(), gene.clone(), umi.clone()), (cell.clone(), gene.clone(), best.1));
    }
    let mut moved = raw.clone();
    for (from, to) in corrected.iter().filter(|(from, to)| from != to) {
        *moved.get_mut(from).unwrap() -= 1;
        *moved.get_mut(to).unwrap() += 1;
    }
    let low = slow_low_support(&moved);
    table(corrected.into_values().filter(|molecule| !low.contains(molecule)))
}

fn slow_low_support(counts: &BTreeMap<Key, i64>) -> BTreeSet<Key> {
    let mut low = BTreeSet::new();
    for (cell, gene, umi) in counts.keys() {
        let count = counts[&(cell.clone(), gene.clone(), umi.clone())];
        let rival = counts.iter().any(|((other_cell, other_gene, other), other_count)| {
            other_cell == cell && other == umi && other_gene != gene && *other_count >= count
        });
        if rival {
            low.insert((cell.clone(), gene.clone(), umi.clone()));
        }
    }
    low
}

fn slow_cr_like(reads: &[Key]) -> Table {
    let counts = counted(reads);
    let low = slow_low_support(&counts);
    table(counts.into_keys().filter(|molecule| !low.contains(molecule)))
}

fn compare(method: Dedup, letters: &[u8], slow: impl Fn(&[Key]) -> Table) {
    let mut corrected = 0;
    for seed in 0..150 {
        for length in [3, 5] {
            let reads = reads(seed, length, letters);
            let expected = slow(&reads);
            assert_eq!(fast(&reads, method), expected, "{method}, seed {seed}, length {length}");
            corrected += usize::from(expected != table(reads));
        }
    }
    assert!(corrected > 50, "{method} changed {corrected} of 300 only");
}

#[test]
fn directional_equals_the_slow_one() {
    compare(Dedup::Directional, b"ACGT", slow_directional);
}

#[test]
fn directional_with_other_letters_equals_the_slow_one() {
    compare(Dedup::Directional, b"ACGTN", slow_directional);
}

#[test]
fn cell_ranger_equals_the_slow_one() {
    compare(Dedup::CellRanger, b"ACGT", slow_cell_ranger);
}

#[test]
fn cr_like_equals_the_slow_one() {
    compare(Dedup::CrLike, b"ACGT", slow_cr_like);
}

#[test]
fn unique_counts_distinct_umis() {
    for seed in 0..50 {
        let reads = reads(seed, 4, b"ACGTN");
        assert_eq!(fast(&reads, Dedup::Unique), table(reads));
    }
}

#[test]
fn many_umis_of_one_gene_are_looked_up_as_they_are_compared() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let umi =
        |number: usize| -> String { (0..5).map(|base| char::from(b"ACGT"[(number >> (2 * base)) & 3])).collect() };
    let reads: Vec<Key> = (0..2500)
        .map(|_| {
            (
                "c0".to_owned(),
                "g0".to_owned(),
                umi(random.random_range(0..1024_usize).min(random.random_range(0..1024))),
            )
        })
        .collect();
    assert!(table(reads.clone()).values().sum::<u32>() > 500);
    assert_eq!(fast(&reads, Dedup::CellRanger), slow_cell_ranger(&reads));
    assert_eq!(fast(&reads, Dedup::Directional), slow_directional(&reads));
}

#[test]
fn umis_of_different_length_are_never_joined() {
    let key = |umi: &str| ("c0".to_owned(), "g0".to_owned(), umi.to_owned());
    let reads = [key("A"), key("A"), key("A"), key("AA"), key("CA"), key("CAA")];
    assert_eq!(fast(&reads, Dedup::Directional), slow_directional(&reads));
}

#[test]
fn method_names_are_read_back() {
    for name in ["unique", "directional", "cellranger", "cr-like"] {
        assert_eq!(name.parse::<Dedup>().unwrap().to_string(), name);
    }
    let message = "unknown method `cluster`: expected unique, directional, cellranger or cr-like";
    assert_eq!("cluster".parse::<Dedup>().unwrap_err(), message);
}
