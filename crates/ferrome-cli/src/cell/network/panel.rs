//! The genes of a network.

use anyhow::{Result, bail, ensure};
use ferrome_cell::model::OpenModel;
use ferrome_cell::task::network::{Panel, Survey};
use ferrome_cell::vocabulary::Vocabulary;

use super::Args;
use crate::tell;

impl Args {
    pub(super) fn vocabulary(&self, opened: &OpenModel) -> Result<Vocabulary> {
        if let Some(path) = &self.vocabulary {
            let vocabulary = Vocabulary::open(path)?;
            let (found, expected) = (vocabulary.style(), opened.style());
            if let Some(expected) = expected.filter(|expected| *expected != found) {
                bail!("{}: a vocabulary of the style {found}; the model takes {expected}", path.display());
            }
            return Ok(vocabulary);
        }
        match opened {
            OpenModel::ScGpt(model) => Ok(model.vocabulary()?),
            OpenModel::Geneformer(model) => match &model.vocabulary {
                Some(vocabulary) => Ok(vocabulary.clone()),
                None => bail!("{}: no vocabulary beside the model; give one with --vocabulary", model.path.display()),
            },
            _ => bail!("{}: this family of models has no networks", opened.path().display()),
        }
    }

    pub(super) fn panel(&self, vocabulary: &Vocabulary, survey: Option<&Survey>) -> Result<Panel> {
        let panel = match (&self.gene_list, survey) {
            (Some(path), _) => {
                let text = fs_err::read_to_string(path)?;
                let names: Vec<String> =
                    text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
                let (panel, unknown) = Panel::named(vocabulary, &names);
                if let Some(first) = unknown.first() {
                    let (count, all) = (unknown.len(), names.len());
                    let what = format!("{count} of {all} names are no genes of the model, such as `{first}`");
                    tell::note(&format!("gene list: {what}"), false);
                }
                panel
            }
            (None, Some(survey)) => Panel::frequent(vocabulary, survey, self.genes as usize),
            (None, None) => Panel::all(vocabulary),
        };
        ensure!(panel.len() > 1, "a network needs two genes, found {}", panel.len());
        Ok(panel)
    }
}
