use arrow::array::StringArray;
use hashbrown::HashMap;

/// The genes of all datasets, in the order in which they were met.
#[derive(Debug, Default)]
pub(super) struct Corpus {
    pub(super) ids: Vec<String>,
    index: HashMap<String, u32>,
    /// The first symbol of each gene that has one.
    symbols: HashMap<u32, String>,
}

impl Corpus {
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The gene with this id, which may be new.
    pub(super) fn gene(&mut self, id: &str) -> u32 {
        if let Some(&gene) = self.index.get(id) {
            return gene;
        }
        let gene = self.ids.len() as u32;
        self.ids.push(id.to_owned());
        self.index.insert(id.to_owned(), gene);
        gene
    }

    /// Notes the symbols of a dataset's columns.
    pub(super) fn name(&mut self, columns: &[Option<u32>], symbols: &StringArray) {
        for (gene, symbol) in columns.iter().zip(symbols) {
            if let (Some(gene), Some(symbol)) = (gene, symbol)
                && self.ids.get(*gene as usize).is_some_and(|id| id != symbol)
            {
                self.symbols.entry(*gene).or_insert_with(|| symbol.to_owned());
            }
        }
    }

    /// Symbols with their ids, in the order of the symbols; a symbol of several genes leads to the first of them.
    pub(super) fn symbols(&self) -> Vec<(String, String)> {
        let named = self.symbols.iter().filter_map(|(&gene, symbol)| Some((symbol, self.ids.get(gene as usize)?)));
        let mut pairs: Vec<(String, String)> = named.map(|(symbol, id)| (symbol.clone(), id.clone())).collect();
        pairs.sort();
        pairs.dedup_by(|later, first| later.0 == first.0);
        pairs
    }
}
