/// Which genes of a matrix count, and which become tokens. Genes are slots of [`crate::tokenize::slots::Slots`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Panel {
    /// `[slots]`: whether the gene is part of a cell's total.
    counted: Vec<bool>,
    /// `[slots]`: whether it becomes a token.
    chosen: Vec<bool>,
}

impl Panel {
    /// All genes.
    #[must_use]
    pub fn all(slots: usize) -> Self {
        Self { counted: vec![true; slots], chosen: vec![true; slots] }
    }

    /// All genes that are counted.
    #[must_use]
    pub fn of_counted(counted: Vec<bool>) -> Self {
        Self { chosen: counted.clone(), counted }
    }

    /// Of the genes that are counted, the `chosen` ones.
    #[must_use]
    pub fn choose(self, chosen: impl IntoIterator<Item = usize>) -> Self {
        let mut among = vec![false; self.counted.len()];
        for slot in chosen {
            if let Some(among) = among.get_mut(slot) {
                *among = true;
            }
        }
        Self { chosen: among, ..self }
    }

    /// Whether a gene is part of a cell's total.
    #[must_use]
    pub fn counts(&self, slot: usize) -> bool {
        self.counted.get(slot).is_some_and(|&counted| counted)
    }

    /// Whether a gene becomes a token.
    #[must_use]
    pub fn has(&self, slot: usize) -> bool {
        self.chosen.get(slot).is_some_and(|&chosen| chosen)
    }

    /// The genes that become tokens, ascending.
    pub fn slots(&self) -> impl Iterator<Item = usize> + '_ {
        self.chosen.iter().enumerate().filter_map(|(slot, &chosen)| chosen.then_some(slot))
    }

    /// How many genes become tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots().count()
    }

    /// Whether none does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots().next().is_none()
    }
}
