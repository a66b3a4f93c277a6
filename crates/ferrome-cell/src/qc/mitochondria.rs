//! Which genes are mitochondrial.

use crate::cells::Genes;
use crate::genes::{name_columns, unversioned};

/// The numbers of human ids `ENSG00000…`: 13 proteins, 2 ribosomal and 22 transfer RNAs (GENCODE 48).
const HUMAN: [u32; 37] = [
    198_695, 198_712, 198_727, 198_763, 198_786, 198_804, 198_840, 198_886, 198_888, 198_899, 198_938, 209_082,
    210_049, 210_077, 210_082, 210_100, 210_107, 210_112, 210_117, 210_127, 210_135, 210_140, 210_144, 210_151,
    210_154, 210_156, 210_164, 210_174, 210_176, 210_184, 210_191, 210_194, 210_195, 210_196, 211_459, 212_907,
    228_253,
];

/// The mitochondrial genes of a matrix.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Mitochondria {
    /// Whether each column of the matrix is one.
    pub flags: Vec<bool>,
    /// How they were recognised, such as `symbols that start with MT- (column names)`.
    pub way: String,
}

impl Mitochondria {
    /// Recognises them by symbols that start with `MT-` in any case, otherwise by the Ensembl ids of human and mouse.
    ///
    /// `None` when neither finds any; their share is then unknown, not zero.
    #[must_use]
    pub fn recognise(genes: &Genes) -> Option<Self> {
        let columns = name_columns(genes);
        let find = |is_one: fn(&str) -> bool, way: &str| {
            columns.iter().find_map(|(column, names)| {
                let flags: Vec<bool> = names.iter().map(|name| name.is_some_and(is_one)).collect();
                flags.contains(&true).then(|| Self { flags, way: format!("{way} (column {column})") })
            })
        };
        find(is_symbol, "symbols that start with MT-").or_else(|| find(is_ensembl, "Ensembl ids of human and mouse"))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.flags.iter().filter(|&&flag| flag).count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn is_symbol(name: &str) -> bool {
    name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("MT-"))
}

fn is_ensembl(name: &str) -> bool {
    let Some(id) = unversioned(name) else { return false };
    let number = |species: &str| id.strip_prefix(species)?.parse::<u32>().ok();
    // Mouse: ENSMUSG00000064336 to ENSMUSG00000064372 are all 37 of them, but that Nd4l has a newer number.
    let mouse = |number: u32| number == 65_947 || (number != 64_362 && (64_336..=64_372).contains(&number));
    number("ENSG").is_some_and(|number| HUMAN.contains(&number)) || number("ENSMUSG").is_some_and(mouse)
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;

    use super::*;

    fn of(ids: Vec<&str>, names: Option<Vec<&str>>) -> Option<(Vec<bool>, String)> {
        let mut genes = Genes::from_ids(StringArray::from(ids));
        genes.names = names.map(StringArray::from);
        Mitochondria::recognise(&genes).map(|found| (found.flags, found.way))
    }

    #[test]
    fn symbols_of_human_mouse_and_rat() {
        let found = of(vec!["MT-ND1", "mt-Co1", "Mt-nd4", "MTOR", "MTRNR2L8", "AMT-1"], None);
        let way = "symbols that start with MT- (column ids)".to_owned();
        assert_eq!(found, Some((vec![true, true, true, false, false, false], way)));
    }

    #[test]
    fn symbols_beside_ids_count_before_ids() {
        let found = of(vec!["ENSG00000198888.2", "ENSG00000198763"], Some(vec!["MT-ND1", "x"]));
        assert_eq!(found, Some((vec![true, false], "symbols that start with MT- (column names)".to_owned())));
    }

    #[test]
    fn ensembl_ids_with_and_without_version() {
        let ids = vec!["ENSG00000198888.2", "ENSMUSG00000064351", "ENSMUSG00000064362", "ENSG00000141510", "é"];
        let way = "Ensembl ids of human and mouse (column ids)".to_owned();
        assert_eq!(of(ids, None), Some((vec![true, true, false, false, false], way)));
    }

    #[test]
    fn none_is_not_zero() {
        assert_eq!(of(vec!["TP53", "ENSG00000141510", "MT"], None), None);
    }

    #[test]
    fn ids_of_the_published_gene_tables() {
        for (species, table) in [("MT-", "genes_homo_sapiens.csv.gz"), ("mt-", "genes_mus_musculus.csv.gz")] {
            let Some(text) = crate::qc::tests::shared_text(&format!("gene_tables_cellxgene/{table}")) else { return };
            let mut count = 0;
            for line in text.lines() {
                let (id, rest) = line.split_once(',').unwrap();
                assert_eq!(is_ensembl(id), rest.starts_with(species), "{line}");
                count += usize::from(is_ensembl(id));
            }
            assert_eq!(count, 37);
        }
    }
}
