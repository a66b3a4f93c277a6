use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, DictionaryArray, Int32Array, StringArray};
use arrow::datatypes::{DataType, Field, Int32Type};
use hdf5_metno::{Dataset, ObjectReference1, ReferencedObject};

use super::column::{Column, codes, texts};
use crate::read::hdf5::{Attributes, Node, Number, Source, Stored};
use crate::{Error, Result};

/// A column of categories: a code for each row, and all categories in their order.
#[derive(Debug)]
pub(in crate::read) struct Category {
    codes: Stored,
    number: Number,
    categories: Categories,
}

/// All categories of a column, in their order.
#[derive(Clone, Debug)]
pub(super) struct Categories {
    names: Arc<StringArray>,
    ordered: bool,
    /// What they were, if not strings.
    was: Option<String>,
}

impl Category {
    /// The group `name` with `codes` and `categories`, as anndata writes them since 0.8.
    pub(super) fn open(source: &Source, name: &str) -> Result<Self> {
        let group = source.group(name)?;
        let mut categories = Categories::open(source, &format!("{name}/categories"))?;
        categories.ordered = group.truth("ordered").unwrap_or(false);
        let codes = Stored::open(source, &format!("{name}/codes"))?;
        let number = codes.number()?;
        Ok(Self { codes, number, categories })
    }

    /// The dataset `name` of codes, if it has categories elsewhere, as anndata 0.7 writes them.
    pub(super) fn attached(source: &Source, dataset: &Dataset, name: &str) -> Result<Option<Self>> {
        let Some(place) = place(source, dataset, name) else { return Ok(None) };
        let mut categories = Categories::open(source, &place)?;
        categories.ordered = source.dataset(&place)?.truth("ordered").unwrap_or(false);
        let codes = Stored::of(source, dataset.clone(), name)?;
        let number = codes.number()?;
        Ok(Some(Self { codes, number, categories }))
    }

    pub(super) fn len(&self) -> u64 {
        self.codes.len()
    }

    pub(super) fn field(&self, name: &str) -> Field {
        self.categories.field(name)
    }

    pub(super) fn read(&mut self, range: Range<u64>) -> Result<ArrayRef> {
        let mut bytes = Vec::new();
        self.codes.read(range, &mut bytes)?;
        self.categories.pick(codes(self.number, &bytes)).map_err(|what| self.codes.wrong(what))
    }
}

impl Categories {
    /// The categories stored as `name`, not ordered.
    pub(super) fn open(source: &Source, name: &str) -> Result<Self> {
        let mut column = match Column::open(source, name)? {
            Column::Category(_) => return Err(source.wrong(name, "categories of categories are not supported")),
            column => column,
        };
        let values = column.all()?;
        let was = (values.data_type() != &DataType::Utf8).then(|| values.data_type().to_string());
        Ok(Self { names: Arc::new(texts(&values)?), ordered: false, was })
    }

    pub(super) fn field(&self, name: &str) -> Field {
        let field = Field::new_dictionary(name, DataType::Int32, DataType::Utf8, true);
        let field = field.with_dict_is_ordered(self.ordered);
        let mut metadata = HashMap::new();
        if self.ordered {
            metadata.insert("ordered".to_owned(), "true".to_owned());
        }
        metadata.extend(self.was.iter().map(|was| ("categories".to_owned(), was.clone())));
        field.with_metadata(metadata)
    }

    /// The column with these codes; the error says which one has no category.
    pub(super) fn pick(&self, codes: Vec<Option<u64>>) -> Result<ArrayRef, String> {
        let known = self.names.len();
        if let Some(code) = codes.iter().flatten().find(|code| **code >= known as u64) {
            return Err(format!("has code {code}, but there are {known} categories"));
        }
        let keys: Int32Array = codes.into_iter().map(|code| code.map(|code| code as i32)).collect();
        let column = DictionaryArray::<Int32Type>::try_new(keys, self.names.clone());
        column.map(|column| Arc::new(column) as ArrayRef).map_err(|error| Error::from(error).to_string())
    }
}

/// Where the categories of a dataset of codes lie: where its attribute points, or in `__categories` beside it.
fn place(source: &Source, dataset: &Dataset, name: &str) -> Option<String> {
    let attribute = dataset.attr("categories").ok();
    let target = attribute.and_then(|attribute| attribute.read_raw::<ObjectReference1>().ok()?.into_iter().next());
    if let Some(ReferencedObject::Dataset(target)) = target.and_then(|target| dataset.dereference(&target).ok()) {
        let place = target.name();
        if !place.is_empty() {
            return Some(place);
        }
    }
    let (folder, column) = name.rsplit_once('/')?;
    let beside = format!("{folder}/__categories/{column}");
    matches!(source.node(&beside), Some(Node::Dataset(_))).then_some(beside)
}
