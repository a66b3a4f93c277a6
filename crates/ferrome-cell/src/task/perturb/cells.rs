use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use ferrome_core::engine::Rejection;
use ferrome_core::fingerprint::identity;
use tch::Tensor;

use super::{Frame, Names};
use crate::read::tokens::{TokenCell, TokenReader};
use crate::{Error, Result};

/// A cell that is perturbed.
#[derive(Debug)]
pub struct Cell {
    /// Its id.
    pub id: String,
    /// Its tokens, in their frame.
    pub tokens: Vec<i32>,
    /// Its state, where there are states.
    pub state: Option<String>,
    /// Why it cannot be perturbed.
    pub problem: Option<Rejection>,
    /// The cell before its perturbations: whole first, then with fewer genes.
    originals: Mutex<Vec<Arc<Original>>>,
}

/// A cell before a perturbation.
#[derive(Debug)]
pub(super) struct Original {
    pub(super) tokens: Vec<i32>,
    pub(super) identity: u128,
    /// What the model says of it, from when it is first asked for.
    pub(super) vectors: Mutex<Option<Vectors>>,
}

/// What of a cell before its perturbation is compared.
#[derive(Debug)]
pub(super) struct Vectors {
    /// Its own vector: `[d]` (f32).
    pub(super) cell: Tensor,
    /// The vectors of its tokens, each of length 1: `[t, d]` (f32).
    pub(super) genes: Option<Tensor>,
}

impl Cell {
    #[cfg(test)]
    pub(super) fn plain(id: &str, tokens: Vec<i32>) -> Self {
        Self { id: id.to_owned(), tokens, state: None, problem: None, originals: Mutex::default() }
    }

    /// The cell before a perturbation: whole, or with these tokens.
    pub(super) fn original(&self, shorter: Option<Vec<i32>>) -> Arc<Original> {
        let tokens = shorter.as_ref().unwrap_or(&self.tokens);
        let mut originals = self.originals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = originals.iter().find(|original| original.tokens == *tokens) {
            return Arc::clone(known);
        }
        let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
        let original = Original { identity: identity(&bytes), tokens: tokens.clone(), vectors: Mutex::new(None) };
        originals.push(Arc::new(original));
        originals.last().map_or_else(|| unreachable!("it was just put there"), Arc::clone)
    }
}

/// Where the states of cells are told, and which of them is perturbed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StatesOf {
    /// The column.
    pub column: String,
    /// The state of the cells that are perturbed.
    pub start: String,
}

/// The cells of a table of tokens, each checked.
pub struct Cells {
    reader: TokenReader,
    frame: Frame,
    specials: [Option<i32>; 2],
    names: Names,
    states: Option<StatesOf>,
}

impl Cells {
    /// The cells of a table, in order; `specials` are the tokens of `<cls>` and `<eos>` where the model's vocabulary has them.
    ///
    /// # Errors
    ///
    /// The column of states is not there.
    pub fn new(
        reader: TokenReader,
        frame: Frame,
        specials: [Option<i32>; 2],
        names: Names,
        states: Option<StatesOf>,
    ) -> Result<Self> {
        if let Some(StatesOf { column, .. }) = &states
            && reader.header().obs.column_with_name(column).is_none()
        {
            return Err(Error::no_obs_column(column, &reader.header().obs));
        }
        Ok(Self { reader, frame, specials, names, states })
    }

    fn cell(&self, cell: TokenCell) -> Result<Cell> {
        let state = self.states.as_ref().and_then(|states| state(&cell, &states.column));
        let (tokens, problem) = match cell.tokens {
            Err(reason) => (Vec::new(), Some(reject("no tokens", reason))),
            Ok(tokens) => {
                let problem = self.problem(&tokens);
                if problem.is_none() {
                    self.check(&cell.id, cell.row, &tokens)?;
                }
                (tokens, problem)
            }
        };
        Ok(Cell { id: cell.id, tokens, state, problem, originals: Mutex::default() })
    }

    fn problem(&self, tokens: &[i32]) -> Option<Rejection> {
        let limit = self.frame.limit;
        if tokens.len() > limit {
            let reason = format!("{} tokens are more than the model's {limit} positions", tokens.len());
            return Some(reject("too long for the model", reason));
        }
        (self.frame.genes(tokens).len() < 2)
            .then(|| reject("too few genes", "has fewer than two genes, of which one could be perturbed".to_owned()))
    }

    /// Refuses tokens that were made with another vocabulary.
    fn check(&self, id: &str, row: u64, tokens: &[i32]) -> Result<()> {
        let refused = |what: String| {
            let path = self.reader.path().to_owned();
            Err(Error::File { path, reason: format!("cell `{id}` (row {row}): {what}") })
        };
        let ends = [("first", tokens.first(), "<cls>"), ("last", tokens.last(), "<eos>")];
        for ((place, found, name), special) in ends.into_iter().zip(self.specials) {
            if let (Some(special), Some(found)) = (special, found)
                && special != *found
            {
                return refused(format!(
                    "the {place} token is {found}, expected {special} ({name}): were the tokens made for another style?"
                ));
            }
        }
        match self.frame.genes(tokens).iter().find(|token| !self.names.has(**token)) {
            Some(token) => {
                refused(format!("token {token} is no gene of the vocabulary: were the tokens made with another one?"))
            }
            None => Ok(()),
        }
    }
}

impl Iterator for Cells {
    type Item = Result<Cell>;

    fn next(&mut self) -> Option<Result<Cell>> {
        let cell = self.reader.next()?;
        Some(cell.and_then(|cell| self.cell(cell)))
    }
}

fn reject(kind: &str, reason: String) -> Rejection {
    Rejection { kind: kind.to_owned(), reason }
}

fn state(cell: &TokenCell, column: &str) -> Option<String> {
    let column = cell.obs.column_by_name(column)?.slice(cell.place, 1);
    let text = cast(&column, &DataType::Utf8).ok()?;
    text.is_valid(0).then(|| text.as_string::<i32>().value(0).to_owned())
}
