use ferrome_core::weights::beside;
use serde_json::{Map, Value, json};

use super::Classified;
use crate::model::OpenModel;
use crate::{Error, Result};

/// What the `config.json` of a Geneformer, or the `args.json` of an scGPT, says of its classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Classes {
    /// What has a class.
    pub classified: Classified,
    /// Their names, in the order of the logits.
    pub names: Vec<String>,
}

const MAKES: &str = "`ferrome cell train --objective classify` makes one";

impl Classes {
    /// The classes of a checkpoint.
    ///
    /// # Errors
    ///
    /// [`Error::File`]: it has no such file, or is no classifier.
    pub fn of(model: &OpenModel) -> Result<Self> {
        let (path, name) = match model {
            OpenModel::Geneformer(model) => (&model.path, "config.json"),
            OpenModel::ScGpt(model) => (&model.path, "args.json"),
        };
        let file = beside(path, name).ok_or_else(|| Error::file(path, format!("no {name} beside the weights")))?;
        let (json, source) = (fs_err::read_to_string(&file)?, file.display().to_string());
        match model {
            OpenModel::Geneformer(_) => Self::parse(&json, &source),
            OpenModel::ScGpt(model) => Self::parse_arguments(&json, model.config.n_cls, &source),
        }
    }

    /// Reads `classified` and `id2type` of an `args.json` beside a `cls_decoder` of so many classes.
    fn parse_arguments(json: &str, rows: i64, source: &str) -> Result<Self> {
        let wrong = |reason: String| Error::file(source, reason);
        let value: Value = serde_json::from_str(json).map_err(|e| wrong(format!("not JSON: {e}")))?;
        if rows == 0 {
            return Err(wrong(format!("the checkpoint has no classifier (`cls_decoder`); {MAKES}")));
        }
        let names = numbered(value.get("id2type"));
        if i64::try_from(names.len()).ok() != Some(rows) {
            return Err(wrong(format!(
                "expected id2type with the names of the {rows} classes of cls_decoder, \"0\" to \"{}\", found {}",
                rows - 1,
                names.len()
            )));
        }
        let classified = match value.get("classified").and_then(Value::as_str) {
            Some("genes") => Classified::Genes,
            _ => Classified::Cells,
        };
        Ok(Self { classified, names })
    }

    /// The keys of an `args.json`.
    #[must_use]
    pub fn arguments(&self) -> Map<String, Value> {
        let classified = if self.classified == Classified::Cells { "cells" } else { "genes" };
        let mut keys = Map::new();
        keys.insert("classified".into(), json!(classified));
        keys.insert("id2type".into(), Value::Object(self.id2label()));
        keys.insert("n_cls".into(), json!(self.names.len()));
        keys
    }

    fn id2label(&self) -> Map<String, Value> {
        self.names.iter().enumerate().map(|(i, name)| (i.to_string(), json!(name))).collect()
    }

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
                 {MAKES}"
            ))
        })?;
        let names = numbered(value.get("id2label"));
        let found = value.get("id2label").and_then(Value::as_object).map_or(0, Map::len);
        if names.len() < 2 || names.len() != found {
            return Err(wrong(format!("expected id2label from 0 on with 2 classes or more, found {found}")));
        }
        Ok(Self { classified, names })
    }

    /// The keys of a `config.json`.
    #[must_use]
    pub fn keys(&self) -> Map<String, Value> {
        let label2id: Map<String, Value> =
            self.names.iter().enumerate().map(|(i, name)| (name.clone(), json!(i))).collect();
        let mut keys = Map::new();
        keys.insert("architectures".into(), json!([self.classified.architecture()]));
        keys.insert("id2label".into(), Value::Object(self.id2label()));
        keys.insert("label2id".into(), Value::Object(label2id));
        if self.classified == Classified::Cells {
            keys.insert("problem_type".into(), json!("single_label_classification"));
        }
        keys
    }
}

impl Classified {
    /// The class of transformers that loads such a Geneformer.
    #[must_use]
    pub fn architecture(self) -> &'static str {
        match self {
            Self::Cells => "BertForSequenceClassification",
            Self::Genes => "BertForTokenClassification",
        }
    }
}

/// Names by their numbers from 0 on, up to the first that is missing.
fn numbered(names: Option<&Value>) -> Vec<String> {
    let name = |i: usize| names?.get(i.to_string()).and_then(Value::as_str).map(ToOwned::to_owned);
    (0..).map_while(name).collect()
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
