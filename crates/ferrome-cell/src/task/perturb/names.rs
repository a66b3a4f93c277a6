use hashbrown::HashMap;

use crate::nearest::nearest;
use crate::vocabulary::Vocabulary;
use crate::{Error, Result, genes};

/// What genes are called, by their tokens.
#[derive(Clone, Debug)]
pub struct Names {
    genes: HashMap<i32, (String, Option<String>)>,
}

impl Names {
    /// The names of all genes of a vocabulary: ids, and symbols where it has them.
    #[must_use]
    pub fn new(vocabulary: &Vocabulary) -> Self {
        let mut symbols: HashMap<&str, &str> = HashMap::new();
        for (symbol, id) in vocabulary.symbols() {
            symbols.entry(id).or_insert(symbol);
        }
        let name = |gene: &crate::vocabulary::Gene| {
            let symbol = symbols.get(gene.id.as_str()).map(|symbol| (*symbol).to_owned());
            (gene.token, (gene.id.clone(), symbol))
        };
        Self { genes: vocabulary.genes().iter().map(name).collect() }
    }

    /// The id of a gene.
    #[must_use]
    pub fn id(&self, token: i32) -> Option<&str> {
        self.genes.get(&token).map(|(id, _)| id.as_str())
    }

    /// The symbol of a gene, where the vocabulary has one.
    #[must_use]
    pub fn symbol(&self, token: i32) -> Option<&str> {
        self.genes.get(&token)?.1.as_deref()
    }

    /// Whether the vocabulary has symbols.
    #[must_use]
    pub fn has_symbols(&self) -> bool {
        self.genes.values().any(|(_, symbol)| symbol.is_some())
    }

    /// Whether a token is a gene.
    #[must_use]
    pub fn has(&self, token: i32) -> bool {
        self.genes.contains_key(&token)
    }

    /// The ids of some genes, with `+` between them.
    #[must_use]
    pub fn ids(&self, tokens: &[i32]) -> String {
        let id = |token: &i32| self.id(*token).map_or_else(|| token.to_string(), ToOwned::to_owned);
        tokens.iter().map(id).collect::<Vec<_>>().join("+")
    }

    /// The symbols of some genes, with `+` between them, ids standing in; `None` where no gene has one.
    #[must_use]
    pub fn symbols(&self, tokens: &[i32]) -> Option<String> {
        let symbol = |token: &i32| self.symbol(*token);
        tokens.iter().find_map(symbol)?;
        let text = |token: &i32| symbol(token).map_or_else(|| self.ids(&[*token]), str::to_owned);
        Some(tokens.iter().map(text).collect::<Vec<_>>().join("+"))
    }
}

/// The token of the gene that `name` stands for: an Ensembl id with or without version, a former id, or a symbol.
///
/// # Errors
///
/// [`Error::UnknownGene`] with the names that are nearest.
pub fn token(vocabulary: &Vocabulary, name: &str) -> Result<i32> {
    if let Some(gene) = genes::find(vocabulary, name).and_then(|gene| vocabulary.genes().get(gene as usize)) {
        return Ok(gene.token);
    }
    // Ids differ in digits only, so that a near one says nothing where there are symbols.
    let symbols = vocabulary.symbols().iter().filter(|(_, id)| vocabulary.find(id).is_some());
    let mut near = nearest(name, symbols.map(|(symbol, _)| symbol.as_str()), 3);
    if near.is_empty() || genes::unversioned(name).is_some() {
        near = nearest(name, vocabulary.genes().iter().map(|gene| gene.id.as_str()), 3);
    }
    Err(Error::UnknownGene { name: name.to_owned(), near })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenize::Style;
    use crate::vocabulary::{Gene, Parts};

    fn vocabulary() -> Vocabulary {
        let gene = |id: &str, token| Gene { id: id.into(), token, median: None };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        Vocabulary::new(Parts {
            style: Style::GeneformerV1,
            specials: vec![("<pad>".into(), 0), ("<mask>".into(), 1)],
            genes: vec![gene("ENSG00000141510", 2), gene("ENSG00000136997", 3), gene("ENSG00000000005", 4)],
            symbols: vec![
                pair("TP53", "ENSG00000141510"),
                pair("MYC", "ENSG00000136997"),
                pair("GONE", "ENSG00000000009"),
            ],
            former_ids: vec![pair("ENSG00000000001", "ENSG00000136997")],
            sources: Vec::new(),
        })
        .unwrap()
    }

    #[test]
    fn genes_are_found_by_id_former_id_and_symbol() {
        let vocabulary = vocabulary();
        for (name, expected) in [("TP53", 2), ("ENSG00000141510.17", 2), ("ENSG00000000001", 3), ("ENSG00000000005", 4)]
        {
            assert_eq!(token(&vocabulary, name).unwrap(), expected, "{name}");
        }
    }

    #[test]
    fn unknown_genes_are_named_with_the_nearest() {
        let vocabulary = vocabulary();
        let refused = |name: &str| token(&vocabulary, name).unwrap_err().to_string();
        assert_eq!(refused("TP54"), "`TP54` is no gene of the vocabulary; nearest: `TP53`, `MYC`");
        let id = refused("ENSG00000141511");
        assert!(id.starts_with("`ENSG00000141511` is no gene of the vocabulary; nearest: `ENSG00000141510`"), "{id}");
    }

    #[test]
    fn names_of_sets() {
        let names = Names::new(&vocabulary());
        assert_eq!(names.ids(&[3, 4]), "ENSG00000136997+ENSG00000000005");
        assert_eq!(names.symbols(&[3, 4]).as_deref(), Some("MYC+ENSG00000000005"));
        assert_eq!(names.symbols(&[4]), None);
        assert!(names.has(4) && !names.has(1));
    }
}
