//! The cells of a table of tokens, found to be tokens of the model.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use ferrome_core::engine::BoxError;
use ferrome_core::fingerprint::hex;

use crate::model::{OpenModel, Specials};
use crate::read::tokens::{Header, TokenCell, TokenReader};
use crate::task::train::vocabulary_name;
use crate::tokenize::Style;
use crate::vocabulary::Vocabulary;
use crate::{Error, Result};

/// Cells that are looked at before anything is computed.
pub(crate) const LOOK: usize = 64;

/// The rows of a table, which end with an error at the first token that the model does not have.
pub struct Records {
    path: PathBuf,
    first: VecDeque<TokenCell>,
    reader: TokenReader,
    tokens: i64,
    failed: bool,
}

/// The rows of `reader` for `model`, and the special tokens that stand in each of them.
///
/// What the tokens are is known from what ferrome wrote beside them, and from their first cells; what the model takes, from the
/// vocabulary beside its weights or from the number of its tokens.
///
/// # Errors
///
/// [`Error::File`]: the tokens are of another style or vocabulary than the model's.
pub fn records(mut reader: TokenReader, model: &OpenModel) -> Result<(Records, Option<Specials>)> {
    let path = reader.path().to_owned();
    let first: VecDeque<TokenCell> = reader.by_ref().take(LOOK).collect::<Result<_>>()?;
    let tokens = first.iter().filter_map(|cell| cell.tokens.as_deref().ok());
    let specials = specials(&path, reader.header(), &tokens.collect::<Vec<_>>(), model)?;
    let tokens = model.tokens();
    Ok((Records { path, first, reader, tokens, failed: false }, specials))
}

/// The special tokens that stand in each cell of a table with this header and these first cells.
///
/// # Errors
///
/// As [`records`].
pub(crate) fn specials(path: &Path, header: &Header, first: &[&[i32]], model: &OpenModel) -> Result<Option<Specials>> {
    let written = header.style.or_else(|| header.values.then_some(Style::ScGpt));
    let expected = model.style();
    if let Some(found) = written
        && (found == Style::ScGpt || expected.is_some())
        && expected != Some(found)
    {
        let expected = expected.map_or("Geneformer", Style::name);
        return Err(Error::file(path, format!("holds tokens of the style {found}; the model takes {expected}")));
    }
    let vocabulary = model.vocabulary()?;
    if let (Some(found), Some(vocabulary)) = (&header.vocabulary, &vocabulary) {
        let expected = vocabulary_name(vocabulary);
        let tokens = format!("xxh3 {}", hex(vocabulary.tokens_fingerprint()));
        let named = header.metadata.get("ferrome.names_of_tokens").filter(|_| vocabulary.style() == Style::ScGpt);
        if *found != expected && named.is_none_or(|named| *named != tokens) {
            let reason = format!("its tokens were made with the vocabulary {found}; the model's is {expected}");
            return Err(Error::file(path, reason));
        }
    }
    if let (OpenModel::ScGpt(_), Some(vocabulary)) = (model, &vocabulary) {
        return scgpt(path, header, vocabulary).map(Some);
    }
    by_first_cells(path, expected.or(written), first)
}

// Beside scGPT's weights always lies the vocabulary.
fn scgpt(path: &Path, header: &Header, vocabulary: &Vocabulary) -> Result<Specials> {
    if !header.values {
        let reason = "holds no `values`; scgpt, whose model it is, takes one for each token";
        return Err(Error::file(path, reason));
    }
    let lacks = || Error::VocabularyLacks { style: Style::ScGpt, what: "the token `<cls>`".to_owned() };
    Ok(Specials { cls: vocabulary.special("<cls>").ok_or_else(lacks)?, eos: None })
}

fn by_first_cells(path: &Path, style: Option<Style>, first: &[&[i32]]) -> Result<Option<Specials>> {
    match (style, framed(first)) {
        (Some(Style::GeneformerV2), Some(false)) => Err(Error::file(
            path,
            format!(
                "no cell begins with `<cls>` ({}): these are no tokens of geneformer-v2, which the model takes",
                Specials::PUBLISHED.cls
            ),
        )),
        (Some(Style::GeneformerV1), Some(true)) if first.len() > 1 => Err(Error::file(
            path,
            "every cell begins with 2 and ends with 3 (`<cls>` and `<eos>` of geneformer-v2); the model takes geneformer-v1",
        )),
        (Some(style), _) => Ok(Specials::of(style)),
        (None, seen) => Ok(seen.unwrap_or(false).then_some(Specials::PUBLISHED)),
    }
}

/// Whether cells begin with `<cls>` and end with `<eos>` of V2: all of them, or none that begins so; `None` in between, and
/// where there are no tokens.
fn framed(first: &[&[i32]]) -> Option<bool> {
    let Specials { cls, eos } = Specials::PUBLISHED;
    let mut cells = first.iter().filter(|tokens| !tokens.is_empty()).peekable();
    cells.peek()?;
    let (mut all, mut none) = (true, true);
    for tokens in cells {
        let begins = tokens.first() == Some(&cls);
        all &= begins && tokens.last().copied() == eos;
        none &= !begins;
    }
    if all { Some(true) } else { none.then_some(false) }
}

impl Records {
    fn check(&self, cell: TokenCell) -> Result<TokenCell> {
        let beyond = |token: &&i32| !(0..self.tokens).contains(&i64::from(**token));
        let Some(token) = cell.tokens.as_ref().ok().and_then(|tokens| tokens.iter().find(beyond)) else {
            return Ok(cell);
        };
        let reason = format!(
            "row {}: cell `{}`: the token {token} is none of the model's {}: tokens of another vocabulary",
            cell.row, cell.id, self.tokens
        );
        Err(Error::file(&self.path, reason))
    }
}

impl Iterator for Records {
    type Item = Result<TokenCell, BoxError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let cell = self.first.pop_front().map(Ok).or_else(|| self.reader.next())?;
        let cell = cell.and_then(|cell| self.check(cell));
        self.failed = cell.is_err();
        Some(cell.map_err(BoxError::from))
    }
}
