//! What of a table goes onto the page.

use std::path::Path;

use arrow::datatypes::{DataType, Schema};

use crate::columns::{Column, is_text};
use crate::read::Source;
use crate::vectors::{Vectors, is_vector};
use crate::{Error, Request, Result};

/// Columns that name rows, in this order.
const IDS: [&str; 6] = ["id", "cell_id", "drug_id", "gene", "name", "barcode"];
/// Columns that scores are shown by, in this order.
const GROUPS: [&str; 2] = ["target_id", "target"];

/// A column of the table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Named {
    pub(crate) place: usize,
    pub(crate) name: String,
}

/// What of a table goes onto the page.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What names rows; their numbers without.
    pub(crate) id: Option<Named>,
    pub(crate) vectors: Option<Vectors>,
    /// Places that are there already.
    pub(crate) x_y: Option<(Named, Named)>,
    /// Columns that the page holds.
    pub(crate) columns: Vec<Named>,
    /// Columns that a page cannot hold, with what they are.
    pub(crate) unshown: Vec<String>,
    pub(crate) score: Option<String>,
    /// What scores are shown by.
    pub(crate) group: Option<String>,
}

impl Plan {
    pub(crate) fn new(source: &dyn Source, request: &Request) -> Result<Self> {
        let (schema, path) = (source.about().schema.as_ref(), request.table.as_path());
        let vectors = Vectors::choose(schema, request.embedding.as_deref(), path)?;
        let x_y = x_y(schema, request, vectors.is_some())?;
        let score = match &request.score {
            Some(name) => Some(number(schema, name, path)?.name),
            None => number(schema, "score", path).ok().map(|score| score.name),
        };
        if vectors.is_none() && x_y.is_none() && score.is_none() {
            let found = schema.fields().iter().map(|field| format!("{} ({})", field.name(), brief(field.data_type())));
            return Err(Error::NothingToShow { path: path.to_owned(), found: shortened(found.collect()) });
        }
        let id = id(schema, request)?;
        let (columns, unshown) = shown(schema, request, id.as_ref(), vectors.as_ref(), score.as_deref())?;
        let group = GROUPS.iter().find(|group| columns.iter().any(|column| column.name == **group));
        Ok(Self { id, vectors, x_y, columns, unshown, score, group: group.map(|&group| group.to_owned()) })
    }

    /// Whether the page has a map.
    pub(crate) fn has_map(&self) -> bool {
        self.vectors.is_some() || self.x_y.is_some()
    }

    /// The places of all columns that are read, ascending.
    pub(crate) fn places(&self) -> Vec<usize> {
        let ends = self.x_y.iter().flat_map(|(x, y)| [x.place, y.place]);
        let vectors = self.vectors.iter().flat_map(Vectors::places).copied();
        let id = self.id.iter().map(|id| id.place);
        let mut places: Vec<usize> =
            self.columns.iter().map(|column| column.place).chain(ends).chain(vectors).chain(id).collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}

fn find(schema: &Schema, name: &str, path: &Path) -> Result<Named> {
    match schema.index_of(name) {
        Ok(place) => Ok(Named { place, name: name.to_owned() }),
        Err(_) => Err(Error::no_column(path, name, schema.fields().iter().map(|field| field.name().as_str()))),
    }
}

fn number(schema: &Schema, name: &str, path: &Path) -> Result<Named> {
    let found = find(schema, name, path)?;
    let kind = schema.field(found.place).data_type();
    if kind.is_numeric() {
        return Ok(found);
    }
    Err(Error::table(path, format!("`{name}` holds {}, expected numbers", brief(kind))))
}

fn x_y(schema: &Schema, request: &Request, has_vectors: bool) -> Result<Option<(Named, Named)>> {
    let path = request.table.as_path();
    if let Some((x, y)) = &request.x_y {
        return Ok(Some((number(schema, x, path)?, number(schema, y, path)?)));
    }
    if has_vectors {
        return Ok(None);
    }
    Ok(number(schema, "x", path).ok().zip(number(schema, "y", path).ok()))
}

fn id(schema: &Schema, request: &Request) -> Result<Option<Named>> {
    if let Some(name) = &request.id {
        let found = find(schema, name, &request.table)?;
        let kind = schema.field(found.place).data_type();
        if !is_text(kind) && !kind.is_numeric() {
            return Err(Error::table(&request.table, format!("`{name}` holds {}, expected names", brief(kind))));
        }
        return Ok(Some(found));
    }
    let named = IDS.iter().find_map(|name| schema.index_of(name).ok());
    let place = named.or_else(|| schema.fields().iter().position(|field| field.data_type() == &DataType::Utf8));
    Ok(place.map(|place| Named { place, name: schema.field(place).name().clone() }))
}

/// The columns of the page, and those that it cannot hold.
fn shown(
    schema: &Schema,
    request: &Request,
    id: Option<&Named>,
    vectors: Option<&Vectors>,
    score: Option<&str>,
) -> Result<(Vec<Named>, Vec<String>)> {
    for name in request.columns.iter().flatten().chain(&request.colour) {
        let place = find(schema, name, &request.table)?.place;
        let kind = schema.field(place).data_type();
        if Column::new(name, kind).is_none() {
            let reason = format!("`{name}` holds {}, which the page cannot show; choose numbers or text", brief(kind));
            return Err(Error::table(&request.table, reason));
        }
    }
    let wanted = |name: &str| match &request.columns {
        Some(columns) => {
            columns.iter().any(|column| column == name)
                || request.colour.as_deref() == Some(name)
                || score == Some(name)
        }
        None => true,
    };
    let (mut columns, mut unshown) = (Vec::new(), Vec::new());
    for (place, field) in schema.fields().iter().enumerate() {
        let is_id = id.is_some_and(|id| id.place == place) && request.colour.as_ref() != Some(field.name());
        if is_id || vectors.is_some_and(|vectors| vectors.places().contains(&place)) || !wanted(field.name()) {
            continue;
        }
        match Column::new(field.name(), field.data_type()) {
            Some(_) => columns.push(Named { place, name: field.name().clone() }),
            None => unshown.push(format!("{} ({})", field.name(), brief(field.data_type()))),
        }
    }
    Ok((columns, unshown))
}

/// A type in few words.
fn brief(kind: &DataType) -> String {
    match kind {
        kind if is_vector(kind) => "vectors".to_owned(),
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => "lists".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Dictionary(..) => "categories".to_owned(),
        other => other.to_string(),
    }
}

/// No more names than a line holds.
fn shortened(mut names: Vec<String>) -> Vec<String> {
    let more = names.len().saturating_sub(30);
    if more > 0 {
        names.truncate(30);
        names.push(format!("{more} more"));
    }
    names
}
