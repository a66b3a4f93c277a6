//! What is computed: the networks.

use anyhow::{Result, bail};
use ferrome_cell::read::tokens::TokenCell;
use ferrome_cell::task::network::{self, Attention, Contrast, Network, NetworkModel, Panel, Survey};
use ferrome_cell::{Error, community};
use ferrome_core::interrupt::Interrupt;

use super::{Args, Block, tokens::Tokens};
use crate::cell::go_on;
use crate::tell;

/// What a run found.
pub(super) struct Found {
    pub(super) networks: Vec<Network>,
    pub(super) cells: u64,
    pub(super) rejected: (u64, Option<String>),
}

impl Args {
    pub(super) fn modules(&self) -> community::Options {
        community::Options { resolution: self.resolution, seed: self.seed, ..community::Options::default() }
    }

    pub(super) fn of_embeddings(&self, model: &NetworkModel, panel: &Panel) -> Result<Found> {
        let embeddings = model.gene_embeddings(panel.tokens())?;
        let network = network::of_embeddings(&embeddings, self.neighbours as usize, &self.modules())?;
        Ok(Found { networks: vec![network], cells: 0, rejected: (0, None) })
    }

    pub(super) fn of_attention(
        &self,
        model: &NetworkModel,
        panel: &Panel,
        read: Option<(&Tokens, &Survey)>,
        interrupt: &Interrupt,
    ) -> Result<Found> {
        let Some((tokens, survey)) = read else { bail!("--from attention needs TOKENS") };
        let path = tokens.path;
        if let Some(control) = self.control.as_deref().filter(|control| !survey.conditions.contains_key(*control)) {
            let known: Vec<String> = survey.conditions.keys().take(10).map(|name| format!("`{name}`")).collect();
            bail!("{}: no cell of the condition `{control}`; there are {}", path.display(), known.join(", "));
        }
        let layer = match self.layer {
            Block::Last => model.blocks(),
            Block::Number(number) => number,
        };
        let mut attention = Attention::new(model, panel, layer, self.condition.as_deref());
        self.add_all(tokens, survey, &mut attention, interrupt)?;
        if let (0, (count, Some(first))) = (attention.cells, &attention.rejected) {
            bail!("{}: none of the {count} cells can be used, the first: {first}", path.display());
        }
        let contrast = Contrast {
            control: self.control.as_deref(),
            edges: self.edges as usize,
            min_cells: self.min_cells,
            modules: self.modules(),
        };
        let networks = attention.networks(&contrast);
        Ok(Found { networks, cells: attention.cells, rejected: attention.rejected })
    }

    fn add_all(
        &self,
        source: &Tokens,
        survey: &Survey,
        attention: &mut Attention,
        interrupt: &Interrupt,
    ) -> Result<()> {
        let (mut batch, mut length): (Vec<TokenCell>, usize) = (Vec::new(), 0);
        for cell in source.open()? {
            let cell = cell?;
            let tokens = cell.tokens.as_ref().map_or(0, Vec::len);
            if length + tokens > self.batch_tokens && !batch.is_empty() {
                attention.add(std::mem::take(&mut batch))?;
                length = 0;
                tell::progress(attention.cells + attention.rejected.0, Some(survey.cells + survey.rejected.0), "cells");
                go_on(interrupt, Error::Stopped)?;
            }
            length += tokens;
            batch.push(cell);
        }
        attention.add(batch)?;
        tell::progress(attention.cells + attention.rejected.0, Some(survey.cells + survey.rejected.0), "cells");
        if let Some(reason) = attention.rejected.1.as_ref().filter(|_| self.running.strict) {
            bail!("{}: {reason}", source.path.display());
        }
        Ok(())
    }
}
