//! What contradicts itself in a vocabulary.

use hashbrown::{HashMap, HashSet};

use super::Gene;
use crate::{Error, Result};

/// Refuses a name or token that is given twice, a negative token, a median that is not positive, and no gene at all.
pub(super) fn genes(specials: &[(String, i32)], genes: &[Gene]) -> Result<()> {
    let wrong = |reason: String| Err(Error::Vocabulary(reason));
    if genes.is_empty() {
        return wrong("there is no gene in it".to_owned());
    }
    let mut tokens = HashMap::new();
    let mut names = HashSet::new();
    let all = specials.iter().map(|(name, token)| (name, *token));
    for (name, token) in all.chain(genes.iter().map(|gene| (&gene.id, gene.token))) {
        if token < 0 {
            return wrong(format!("the token of `{name}` is {token}, expected 0 or more"));
        }
        if !names.insert(name) {
            return wrong(format!("`{name}` is given twice"));
        }
        if let Some(other) = tokens.insert(token, name) {
            return wrong(format!("`{other}` and `{name}` both have the token {token}"));
        }
    }
    let bad = genes.iter().find(|gene| gene.median.is_some_and(|median| !(median.is_finite() && median > 0.0)));
    match bad {
        Some(Gene { id, median, .. }) => {
            wrong(format!("the median of `{id}` is {}, expected a positive number", median.unwrap_or_default()))
        }
        None => Ok(()),
    }
}
