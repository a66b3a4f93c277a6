use ferrome_core::journal::write_whole;
use ferrome_core::train::write_tensors;

use super::Finish;
use crate::Result;
use crate::model::scgpt::{Integration, Integrator};

/// The folder of the model, as scGPT lays it out.
pub(super) fn save(finish: &Finish, model: &Integrator) -> Result<()> {
    let Finish { folder, vocabulary, corpus, .. } = finish;
    let json = |value: serde_json::Result<String>| value.map(|text| text + "\n").map_err(std::io::Error::from);
    write_tensors(&model.tensors(), [("format".into(), "pt".into())], &folder.join("model.safetensors"))?;
    write_whole(&folder.join("args.json"), json(serde_json::to_string_pretty(model.model.config()))?)?;
    let genes = vocabulary.genes().iter().map(|gene| (gene.id.clone(), gene.token));
    let tokens: serde_json::Map<_, _> =
        genes.chain(vocabulary.specials().iter().cloned()).map(|(name, token)| (name, token.into())).collect();
    write_whole(&folder.join("vocab.json"), json(serde_json::to_string(&tokens))?)?;
    let beside = Integration {
        batch: finish.batch.to_owned(),
        batches: corpus.batches.clone(),
        genes: corpus.genes.clone(),
        bins: finish.config.bins,
    };
    beside.save(folder)
}
