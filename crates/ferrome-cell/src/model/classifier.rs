//! Classifiers on a Geneformer: of cells, as `BertForSequenceClassification`, and of genes, as `BertForTokenClassification`.
//!
//! ```text
//! cells: logits = W tanh(P x[first token of the cell])
//! genes: logits = W x[token]
//! ```

use ferrome_core::nn::{Linear, Loader, Sequences};
use serde_json::{Map, Value, json};
use tch::{Device, Kind, Tensor};

use super::{Batch, Geneformer, OpenGeneformer};
use crate::{Error, Result};

/// What has a class.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Classified {
    /// A cell, by the vector of its first token.
    Cells,
    /// A gene in its cell.
    Genes,
}

impl Classified {
    /// The class of transformers that loads such a model.
    #[must_use]
    pub fn architecture(self) -> &'static str {
        match self {
            Self::Cells => "BertForSequenceClassification",
            Self::Genes => "BertForTokenClassification",
        }
    }
}

/// Vectors to logits over the classes.
#[derive(Debug)]
pub struct Head {
    pooler: Option<Linear>,
    classifier: Linear,
}

impl Head {
    /// Takes `bert.pooler.dense` (cells only) and `classifier`.
    ///
    /// # Errors
    ///
    /// As [`Linear::load`].
    pub fn load(weights: &Loader, classified: Classified, width: i64, classes: i64) -> Result<Self> {
        let pooler = match classified {
            Classified::Cells => Some(Linear::load(&weights.pp("bert.pooler.dense"), width, width)?),
            Classified::Genes => None,
        };
        Ok(Self { pooler, classifier: Linear::load(&weights.pp("classifier"), width, classes)? })
    }

    /// Random weights, normal with a standard deviation of 0.02, from libtorch's generator; a pooler of the checkpoint is
    /// taken over where it has one.
    ///
    /// # Errors
    ///
    /// There is no memory.
    pub fn random(model: &OpenGeneformer, classified: Classified, classes: i64, device: Device) -> Result<Self> {
        let d = model.config.hidden_size;
        let linear = |rows: i64, columns: i64| -> Result<Linear> {
            let options = (Kind::Float, Device::Cpu);
            let weight = Tensor::f_randn([rows, columns], options)?.f_mul_scalar(0.02)?.f_to_device(device)?;
            Ok(Linear { weight, bias: Some(Tensor::f_zeros([rows], (Kind::Float, device))?) })
        };
        let trained = model.checkpoint().info("bert.pooler.dense.weight").is_some();
        let pooler = match classified {
            Classified::Genes => None,
            Classified::Cells if trained => {
                let loader = Loader::new(model.checkpoint(), Kind::Float, device);
                loader.allow_left_over("*");
                let pooler = Linear::load(&loader.pp("bert.pooler.dense"), d, d)?;
                loader.finish()?;
                Some(pooler)
            }
            Classified::Cells => Some(linear(d, d)?),
        };
        Ok(Self { pooler, classifier: linear(classes, d)? })
    }

    /// A second handle on the same weights.
    #[must_use]
    pub fn share(&self) -> Self {
        Self { pooler: self.pooler.as_ref().map(Linear::share), classifier: self.classifier.share() }
    }

    /// Every tensor under its name in a checkpoint.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, &Tensor)> {
        let parts = [("bert.pooler.dense", self.pooler.as_ref()), ("classifier", Some(&self.classifier))];
        let parts = parts.into_iter().filter_map(|(name, linear)| Some((name, linear?)));
        let tensors = parts.flat_map(|(name, linear)| {
            let bias = linear.bias.as_ref().map(|bias| (format!("{name}.bias"), bias));
            [Some((format!("{name}.weight"), &linear.weight)), bias]
        });
        tensors.flatten().collect()
    }

    /// `[t, d]` of a packed batch to `[cells, classes]` or `[t, classes]`; this share of what the classifier sees is dropped.
    ///
    /// # Errors
    ///
    /// `x` has another width.
    pub fn forward(&self, x: &Tensor, sequences: &Sequences, dropout: f64) -> Result<Tensor> {
        let dropped = |x: Tensor| if dropout == 0.0 { Ok(x) } else { x.f_dropout(dropout, true) };
        let Some(pooler) = &self.pooler else { return Ok(self.classifier.forward(&dropped(x.shallow_clone())?)?) };
        let first: Vec<i64> = sequences.spans().map(|(start, _)| start).collect();
        let first = Tensor::f_from_slice(&first)?.f_to_device(x.device())?;
        let pooled = pooler.forward(&x.f_index_select(0, &first)?)?.f_tanh()?; // [t, d] -> [cells, d]
        Ok(self.classifier.forward(&dropped(pooled)?)?)
    }
}

/// A Geneformer with a head.
#[derive(Debug)]
pub struct Classifier {
    /// The encoder.
    pub encoder: Geneformer,
    /// The head.
    pub head: Head,
}

/// What the `config.json` of a checkpoint says of its classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Classes {
    /// What has a class.
    pub classified: Classified,
    /// Their names, in the order of the logits.
    pub names: Vec<String>,
}

impl Classes {
    /// Reads `architectures` and `id2label` of a `config.json`; `source` names it in messages.
    ///
    /// # Errors
    ///
    /// [`Error::File`]: it is no classifier, or its labels have gaps.
    pub fn parse(json: &str, source: &str) -> Result<Self> {
        let wrong = |reason: String| Error::file(source, reason);
        let value: Value = serde_json::from_str(json).map_err(|e| wrong(format!("not JSON: {e}")))?;
        let found = value.pointer("/architectures/0").and_then(Value::as_str).unwrap_or("none");
        let classified = [Classified::Cells, Classified::Genes].into_iter().find(|kind| kind.architecture() == found);
        let classified = classified.ok_or_else(|| {
            wrong(format!(
                "expected the architecture BertForSequenceClassification or BertForTokenClassification, found {found}; \
                 `ferrome cell train --objective classify` makes one"
            ))
        })?;
        let labels = value.get("id2label").and_then(Value::as_object).cloned().unwrap_or_default();
        let name = |i: usize| labels.get(&i.to_string()).and_then(Value::as_str).map(ToOwned::to_owned);
        let names: Vec<String> = (0..labels.len()).map_while(name).collect();
        if names.len() < 2 || names.len() != labels.len() {
            return Err(wrong(format!("expected id2label from 0 on with 2 classes or more, found {}", labels.len())));
        }
        Ok(Self { classified, names })
    }

    /// The keys of a `config.json`.
    #[must_use]
    pub fn keys(&self) -> Map<String, Value> {
        let id2label: Map<String, Value> =
            self.names.iter().enumerate().map(|(i, name)| (i.to_string(), json!(name))).collect();
        let label2id: Map<String, Value> =
            self.names.iter().enumerate().map(|(i, name)| (name.clone(), json!(i))).collect();
        let mut keys = Map::new();
        keys.insert("architectures".into(), json!([self.classified.architecture()]));
        keys.insert("id2label".into(), Value::Object(id2label));
        keys.insert("label2id".into(), Value::Object(label2id));
        if self.classified == Classified::Cells {
            keys.insert("problem_type".into(), json!("single_label_classification"));
        }
        keys
    }
}

impl Classifier {
    /// Loads the encoder and the head in `kind` on `device`.
    ///
    /// # Errors
    ///
    /// Lists what is missing or of another shape; fails when the device has no room.
    pub fn load(model: &OpenGeneformer, classes: &Classes, kind: Kind, device: Device) -> Result<Self> {
        let loader = Loader::new(model.checkpoint(), kind, device);
        for elsewhere in ["bert.embeddings.*", "bert.encoder.*", "cls.*"] {
            loader.allow_left_over(elsewhere);
        }
        let count = i64::try_from(classes.names.len()).unwrap_or(i64::MAX);
        let head = Head::load(&loader, classes.classified, model.config.hidden_size, count)?;
        loader.finish()?;
        Ok(Self { encoder: model.load(kind, device)?, head })
    }

    /// A second handle on the same weights, for another thread.
    #[must_use]
    pub fn share(&self) -> Self {
        Self { encoder: self.encoder.share(), head: self.head.share() }
    }

    /// Logits of a batch, outside training: `[cells, classes]` or `[t, classes]`.
    ///
    /// # Errors
    ///
    /// As [`Geneformer::forward`].
    pub fn logits(&self, batch: &Batch) -> Result<Tensor> {
        let x = self.encoder.forward(batch, self.encoder.config().num_hidden_layers, |_, _| Ok(()))?;
        self.head.forward(&x, &batch.sequences, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_there_and_back() {
        let classes = Classes { classified: Classified::Cells, names: vec!["B".into(), "T".into(), "NK".into()] };
        let json = Value::Object(classes.keys()).to_string();
        assert_eq!(Classes::parse(&json, "config.json").unwrap(), classes);
    }

    #[test]
    fn models_that_classify_nothing() {
        let refused = |json: &str| Classes::parse(json, "m/config.json").unwrap_err().to_string();
        assert_eq!(
            refused(r#"{"architectures": ["BertForMaskedLM"]}"#),
            "m/config.json: expected the architecture BertForSequenceClassification or BertForTokenClassification, found \
             BertForMaskedLM; `ferrome cell train --objective classify` makes one"
        );
        assert_eq!(
            refused(r#"{"architectures": ["BertForTokenClassification"], "id2label": {"0": "a", "2": "b"}}"#),
            "m/config.json: expected id2label from 0 on with 2 classes or more, found 2"
        );
    }
}
