use ferrome_core::journal::write_whole;
use ferrome_core::train::write_tensors;

use super::Finish;
use crate::Result;
use crate::model::scgpt::{Integration, Integrator, save_vocabulary};
use crate::tokenize::scgpt::{Options, Path, Recipe};

/// The folder of the model, as scGPT lays it out.
pub(super) fn save(finish: &Finish, model: &Integrator) -> Result<()> {
    let Finish { folder, vocabulary, corpus, .. } = finish;
    write_tensors(&model.tensors(), [("format".into(), "pt".into())], &folder.join("model.safetensors"))?;
    let mut arguments = finish.foundation.other_arguments()?;
    let known = serde_json::to_value(model.model.config()).map_err(std::io::Error::from)?;
    if let (Some(arguments), Some(known)) = (arguments.as_object_mut(), known.as_object()) {
        arguments.extend(known.clone());
    }
    write_whole(&folder.join("args.json"), format!("{arguments:#}\n"))?;
    save_vocabulary(vocabulary, folder)?;
    recipe(finish).save(folder)?;
    Integration { batch: finish.batch.to_owned(), batches: corpus.batches.clone() }.save(folder)
}

/// How the cells became tokens. What a cell's values are before they are binned does not change its bins.
fn recipe(finish: &Finish) -> Recipe {
    let published = Options::of(Path::FineTune);
    Recipe {
        cls_value: published.cls_value,
        zero_genes: true,
        bins: Some(finish.config.bins),
        sampled: false,
        target_sum: published.normalization.target,
        log1p: published.normalization.log1p,
        max_length: finish.corpus.genes.len() + 1,
        seed: published.seed,
        genes: Some(finish.corpus.genes.clone()),
    }
}
