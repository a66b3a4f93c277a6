use hashbrown::HashMap;

use super::{GeneMap, NameKind, unversioned};
use crate::vocabulary::Vocabulary;

/// How a name led to a gene of the vocabulary.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    /// It is the key of the vocabulary.
    Direct,
    /// By the table of `--gene-map`.
    Map,
    /// By the vocabulary's table of former ids.
    Former,
    /// By the vocabulary's table of symbols.
    Symbol,
}

/// Finds genes of a vocabulary by name.
pub(super) struct Lookup<'a> {
    vocabulary: &'a Vocabulary,
    kind: NameKind,
    map: HashMap<&'a str, u32>,
    /// Names that the map gives to two genes of the vocabulary; the first counts.
    pub(super) ambiguous: usize,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(vocabulary: &'a Vocabulary, kind: NameKind, map: Option<&'a GeneMap>) -> Self {
        let mut lookup = Self { vocabulary, kind, map: HashMap::new(), ambiguous: 0 };
        for (a, b) in map.map(GeneMap::pairs).unwrap_or_default() {
            match (lookup.direct(a), lookup.direct(b)) {
                (None, Some(gene)) => lookup.add(a, gene),
                (Some(gene), None) => lookup.add(b, gene),
                // Both are genes of the vocabulary: the map renames the first.
                (Some(_), Some(gene)) if a != b => lookup.add(a, gene),
                _ => (),
            }
        }
        lookup
    }

    fn add(&mut self, name: &'a str, gene: u32) {
        let before = *self.map.entry(name).or_insert(gene);
        self.ambiguous += usize::from(before != gene);
    }

    /// The gene that `name` stands for, and how it was found.
    pub(super) fn find(&self, name: &str) -> Option<(u32, Way)> {
        if !self.kind.takes(name) {
            return None;
        }
        let id = unversioned(name);
        let id = id.as_deref().unwrap_or(name);
        let mapped = || self.map.get(name).or_else(|| self.map.get(id)).map(|&gene| (gene, Way::Map));
        let direct = || self.direct(id).map(|gene| (gene, Way::Direct));
        let table = |key: Option<&str>, way| Some((self.direct(key?)?, way));
        mapped()
            .or_else(direct)
            .or_else(|| table(self.vocabulary.current(id), Way::Former))
            .or_else(|| table(self.vocabulary.id_of_symbol(name), Way::Symbol))
    }

    /// Whether a table of the vocabulary knows `name`, be it in the vocabulary or not.
    pub(super) fn is_known(&self, name: &str) -> bool {
        let id = unversioned(name);
        let id = id.as_deref().unwrap_or(name);
        self.vocabulary.current(id).is_some()
            || self.vocabulary.id_of_symbol(name).is_some()
            || self.vocabulary.has_symbol_for(id)
    }

    fn direct(&self, name: &str) -> Option<u32> {
        let id = unversioned(name);
        self.vocabulary.find(id.as_deref().unwrap_or(name))
    }
}
