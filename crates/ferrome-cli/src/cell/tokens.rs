//! Tokens that are made of cells on the way, for subcommands that go on with tokens.

use std::{num::NonZeroUsize, path::Path};

use anyhow::Result;
use ferrome_cell::{
    genes::{Matching, Options},
    model::OpenModel,
    read::{ReadOptions, memory::Data, tokens::TokenReader},
    task::tokenize,
    tokenize::{
        Style, Tokenizer,
        geneformer::{self, Geneformer},
        scgpt::{self, Recipe, ScGpt},
        totals::Totals,
    },
    vocabulary::Vocabulary,
};

use crate::tell;

/// The tokens of cells that a program has, which messages call `name`; those of an scGPT by its `recipe`.
pub(super) fn of_cells(
    (name, cells): (&Path, &Data),
    vocabulary: &Vocabulary,
    recipe: Option<Recipe>,
    threads: NonZeroUsize,
) -> Result<TokenReader> {
    let reader = cells.open(&ReadOptions { threads: Some(threads), ..ReadOptions::default() })?;
    let header = reader.header().clone();
    let matching = Matching::new(&header.genes, vocabulary, &Options::default())?;
    let tokenizer = match vocabulary.style() {
        Style::ScGpt => scgpt(vocabulary, &matching, recipe)?,
        Style::GeneformerV1 | Style::GeneformerV2 => {
            geneformer(vocabulary, &matching, Totals::asked(None, &header.obs)?)?
        }
    };
    Ok(tokenize::stream(name, reader, &matching, tokenizer, vocabulary)?)
}

/// Says what share of the genes of cells matched, as every run does; [`of_cells`] may be called more than once.
pub(super) fn say_share(cells: &Data, vocabulary: &Vocabulary) -> Result<()> {
    let reader = cells.open(&ReadOptions::default())?;
    tell::say(&Matching::new(&reader.header().genes, vocabulary, &Options::default())?.statistics);
    Ok(())
}

/// How the tokens of a trained scGPT were made.
pub(super) fn recipe(model: &OpenModel) -> Result<Option<Recipe>> {
    match model {
        OpenModel::ScGpt(model) => Ok(model.recipe()?),
        _ => Ok(None),
    }
}

/// Tokens for an scGPT: as those that it was trained on, where that is known.
pub(super) fn scgpt(
    vocabulary: &Vocabulary,
    matching: &Matching,
    recipe: Option<Recipe>,
) -> Result<Box<dyn Tokenizer>> {
    let options = recipe.as_ref().map_or_else(|| scgpt::Options::of(scgpt::Path::ZeroShot), Recipe::options);
    let tokenizer = ScGpt::new(vocabulary, matching, options)?;
    match recipe {
        Some(recipe) => Ok(Box::new(recipe.choose(tokenizer, vocabulary))),
        None => Ok(Box::new(tokenizer)),
    }
}

/// Tokens for a Geneformer.
pub(super) fn geneformer(vocabulary: &Vocabulary, matching: &Matching, totals: Totals) -> Result<Box<dyn Tokenizer>> {
    let options = geneformer::Options { totals, keep_uncropped: false, keep_counts: false };
    Ok(Box::new(Geneformer::new(vocabulary, matching, options)?))
}
