//! Where tokens come from: a table, or cells that a program has, which are tokenized on the way.

use std::{num::NonZeroUsize, path::Path};

use anyhow::Result;
use ferrome_cell::{
    model::OpenModel,
    read::{
        memory::Data,
        tokens::{self, TokenReader},
    },
    tokenize::scgpt::Recipe,
    vocabulary::Vocabulary,
};

use super::Args;
use crate::cell::tokens::{of_cells, recipe, say_share};

/// Tokens that are read more than once.
pub(super) struct Tokens<'a> {
    /// What messages call them.
    pub(super) path: &'a Path,
    given: Option<&'a Data>,
    vocabulary: &'a Vocabulary,
    recipe: Option<Recipe>,
    threads: NonZeroUsize,
}

impl<'a> Tokens<'a> {
    /// None where the command line names none.
    pub(super) fn of(
        args: &'a Args,
        given: Option<&'a Data>,
        (opened, vocabulary): (&OpenModel, &'a Vocabulary),
        threads: NonZeroUsize,
    ) -> Result<Option<Self>> {
        let Some(path) = args.input.as_deref() else { return Ok(None) };
        if let Some(cells) = given {
            say_share(cells, vocabulary)?;
        }
        Ok(Some(Self { path, given, vocabulary, recipe: recipe(opened)?, threads }))
    }

    pub(super) fn open(&self) -> Result<TokenReader> {
        match self.given {
            Some(cells) => of_cells((self.path, cells), self.vocabulary, self.recipe.clone(), self.threads),
            None => Ok(tokens::open(self.path)?),
        }
    }
}
