//! The cells of a screen: conditions, and expression over a panel of genes.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::{Array, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use crate::cells::{Cells, Genes, ValueKind, Values};
use crate::genes::Matching;
use crate::normalize::Normalization;
use crate::read::CellReader;
use crate::tokenize::Style;
use crate::tokenize::slots::{Row, Slots};
use crate::vocabulary::{Gene, Parts, Vocabulary};
use crate::{Error, Result};

/// What stands for no perturbation.
const CONTROL: [&str; 3] = ["ctrl", "control", "non-targeting"];

/// Entries that are read at a time.
const BLOCK: usize = 4_000_000;

/// The cells of a screen, over the genes of a panel.
#[derive(Clone, Debug)]
pub struct Screen {
    /// Keys of the genes of the panel in the vocabulary.
    pub genes: Vec<String>,
    /// Their tokens.
    pub tokens: Vec<i32>,
    /// The conditions; the first is the control.
    pub conditions: Vec<Condition>,
    /// For each cell its condition.
    pub of: Vec<usize>,
    /// Conditions whose genes are not known, with their cells.
    pub unknown: BTreeMap<String, usize>,
    /// `[c, g]`: logarithms of one more than the counts per ten thousand.
    pub(super) values: Vec<f32>,
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// As the data name it.
    pub name: String,
    /// Places of the perturbed genes in the panel; none for the control.
    pub genes: Vec<usize>,
    /// Its cells.
    pub cells: Vec<usize>,
}

/// Names of the perturbed genes: of `GENE`, `GENE+ctrl`, `GENE1+GENE2`; none for `ctrl`.
///
/// ```
/// use ferrome_cell::task::predict_perturbation::gene_names;
/// assert_eq!(gene_names("ctrl"), [""; 0]);
/// assert_eq!(gene_names("KLF1+ctrl"), ["KLF1"]);
/// assert_eq!(gene_names("KLF1+GATA1"), ["KLF1", "GATA1"]);
/// ```
#[must_use]
pub fn gene_names(condition: &str) -> Vec<&str> {
    let parts = condition.split('+').map(str::trim).filter(|part| !part.is_empty());
    parts.filter(|part| !CONTROL.contains(&part.to_lowercase().as_str())).collect()
}

/// Which genes make the panel.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Those that are perturbed, and the most variable up to so many.
    Variable(usize),
    /// These, by their keys in the vocabulary, in this order.
    Named(Vec<String>),
}

/// The cells as they are read, over all matched genes.
struct Gathered {
    rows: Vec<Vec<(u32, f32)>>,
    conditions: Vec<String>,
}

impl Screen {
    /// A vocabulary of a matrix's own genes, by their names where it has any, else by their ids: for models that begin at random.
    ///
    /// # Errors
    ///
    /// The matrix has no gene.
    pub fn vocabulary(genes: &Genes) -> Result<Vocabulary> {
        let names = genes.names.as_ref().unwrap_or(&genes.ids);
        let mut seen = HashSet::new();
        let genes = names.iter().flatten().filter(|name| seen.insert(*name)).zip(0..);
        let genes: Vec<Gene> = genes.map(|(id, token)| Gene { id: id.to_owned(), token, median: None }).collect();
        let specials = ["<pad>", "<cls>", "<eoc>"].into_iter().zip(genes.len() as i32..);
        let specials = specials.map(|(name, token)| (name.to_owned(), token)).collect();
        let (symbols, former_ids, sources) = Default::default();
        Vocabulary::new(Parts { style: Style::ScGpt, specials, genes, symbols, former_ids, sources })
    }

    /// Reads all cells; `column` of obs names their conditions.
    ///
    /// # Errors
    ///
    /// The file cannot be read; there is no such column, no control cell, or none of the panel's genes.
    pub fn read(
        reader: &mut dyn CellReader,
        (vocabulary, matching): (&Vocabulary, &Matching),
        column: &str,
        wanted: &Wanted,
    ) -> Result<Self> {
        let slots = Slots::new(matching);
        let kind = reader.header().kind;
        let obs = reader.header().obs.clone();
        obs.column_with_name(column).ok_or_else(|| Error::no_obs_column(column, &obs))?;
        let mut gathered = Gathered { rows: Vec::new(), conditions: Vec::new() };
        while let Some(cells) = reader.next_cells(BLOCK)? {
            gathered.add(&cells, &slots, column, kind)?;
        }
        let place = |name: &str| {
            let gene = vocabulary.find(name).or_else(|| vocabulary.find(vocabulary.id_of_symbol(name)?));
            let gene = gene.or_else(|| by_matrix_name(matching, name));
            slots.genes().iter().position(|slot| Some(*slot) == gene)
        };
        let mut places: HashMap<String, Option<usize>> = HashMap::new();
        for name in gathered.conditions.iter().flat_map(|condition| gene_names(condition)) {
            if !places.contains_key(name) {
                places.insert(name.to_owned(), place(name));
            }
        }
        let panel = match wanted {
            Wanted::Variable(most) => gathered.panel(slots.genes().len(), &places, *most),
            Wanted::Named(names) => names
                .iter()
                .map(|name| {
                    place(name)
                        .ok_or_else(|| Error::Screen(format!("the cells have no gene `{name}`, which the model takes")))
                })
                .collect::<Result<_>>()?,
        };
        Self::new(gathered, &panel, &places, vocabulary, &slots)
    }

    fn new(
        gathered: Gathered,
        panel: &[usize],
        places: &HashMap<String, Option<usize>>,
        vocabulary: &Vocabulary,
        slots: &Slots,
    ) -> Result<Self> {
        let genes = panel.iter().filter_map(|&slot| vocabulary.genes().get(*slots.genes().get(slot)? as usize));
        let (genes, tokens): (Vec<_>, Vec<_>) = genes.map(|gene| (gene.id.clone(), gene.token)).unzip();
        let within: HashMap<usize, usize> = panel.iter().enumerate().map(|(place, &slot)| (slot, place)).collect();
        let known = |name: &str| within.get(&places.get(name).copied().flatten()?).copied();
        let mut screen =
            Self { genes, tokens, conditions: vec![], of: vec![], unknown: BTreeMap::new(), values: vec![] };
        for (row, name) in gathered.rows.iter().zip(&gathered.conditions) {
            let Some(genes) = gene_names(name).into_iter().map(known).collect::<Option<Vec<_>>>() else {
                *screen.unknown.entry(name.clone()).or_default() += 1;
                continue;
            };
            let mut dense = vec![0.0; panel.len()];
            for (slot, value) in row {
                if let Some(&place) = within.get(&(*slot as usize)) {
                    dense[place] = *value;
                }
            }
            screen.push(name, genes, &dense);
        }
        screen.sorted()
    }

    /// A screen from its parts: each cell's condition, perturbed genes and values.
    #[cfg(test)]
    pub(super) fn of_cells(genes: usize, cells: &[(&str, Vec<usize>, Vec<f32>)]) -> Result<Self> {
        let mut screen = Self {
            genes: (0..genes).map(|gene| format!("G{gene}")).collect(),
            tokens: (0..genes as i32).collect(),
            conditions: vec![],
            of: vec![],
            unknown: BTreeMap::new(),
            values: vec![],
        };
        for (name, genes, values) in cells {
            screen.push(name, genes.clone(), values);
        }
        screen.sorted()
    }

    fn push(&mut self, name: &str, genes: Vec<usize>, values: &[f32]) {
        let name = if genes.is_empty() { CONTROL[0] } else { name };
        let place = self.conditions.iter().position(|condition| condition.name == name).unwrap_or_else(|| {
            self.conditions.push(Condition { name: name.to_owned(), genes, cells: Vec::new() });
            self.conditions.len() - 1
        });
        self.conditions[place].cells.push(self.of.len());
        self.of.push(place);
        self.values.extend_from_slice(values);
    }

    /// Control first, then by name.
    fn sorted(mut self) -> Result<Self> {
        self.conditions.sort_by(|a, b| (!a.genes.is_empty(), &a.name).cmp(&(!b.genes.is_empty(), &b.name)));
        for (place, condition) in self.conditions.iter().enumerate() {
            condition.cells.iter().for_each(|&cell| self.of[cell] = place);
        }
        if self.conditions.first().is_none_or(|first| !first.genes.is_empty()) {
            return Err(Error::Screen("no control cells: no condition is `ctrl` or `control`".into()));
        }
        Ok(self)
    }

    /// Whether there is enough to learn from.
    ///
    /// # Errors
    ///
    /// [`Error::Screen`] when there are fewer than two perturbed conditions whose genes are known.
    pub fn check(&self) -> Result<()> {
        if self.conditions.len() < 3 {
            let known = self.conditions.len() - 1;
            let unknown = self.unknown.keys().next().map_or_else(String::new, |name| format!(", such as `{name}`"));
            let reason = format!(
                "expected 2 perturbed conditions or more, found {known}; the genes of {} others are not known{unknown}",
                self.unknown.len()
            );
            return Err(Error::Screen(reason));
        }
        Ok(())
    }

    /// Control.
    #[must_use]
    pub fn control(&self) -> &Condition {
        &self.conditions[0]
    }

    /// Expression of a cell over the panel.
    #[must_use]
    pub fn cell(&self, cell: usize) -> &[f32] {
        let genes = self.genes.len();
        self.values.get(cell * genes..(cell + 1) * genes).unwrap_or_default()
    }
}

/// The gene of a column of the matrix that has this name.
fn by_matrix_name(matching: &Matching, name: &str) -> Option<u32> {
    let column = matching.names().iter().position(|known| known == Some(name))?;
    matching.targets.get(column).copied().flatten()
}

impl Gathered {
    fn add(&mut self, cells: &Cells, slots: &Slots, column: &str, kind: ValueKind) -> Result<()> {
        let conditions =
            cells.obs.column_by_name(column).ok_or_else(|| Error::no_obs_column(column, cells.obs.schema_ref()))?;
        let conditions = cast(conditions, &DataType::Utf8)?;
        let conditions: &StringArray = conditions.as_string();
        let normalization = if kind == ValueKind::Counts { Normalization::LOG_10_000 } else { Normalization::NONE };
        let mut row = Row::default();
        for index in 0..cells.len() {
            if conditions.is_null(index) || cells.rejected.iter().any(|&(rejected, _)| rejected == index) {
                continue;
            }
            slots.gather(cells, index, &mut row);
            let scale = normalization.of_cell(total(cells, index));
            let values = row.slots.iter().zip(&row.values).map(|(&slot, &value)| (slot, scale.value(value as f32)));
            self.rows.push(values.collect());
            self.conditions.push(conditions.value(index).to_owned());
        }
        Ok(())
    }

    /// The perturbed genes, and the most variable up to `most`; ascending.
    fn panel(&self, slots: usize, places: &HashMap<String, Option<usize>>, most: usize) -> Vec<usize> {
        let (mut sums, mut squares) = (vec![0.0; slots], vec![0.0; slots]);
        for &(slot, value) in self.rows.iter().flatten() {
            sums[slot as usize] += f64::from(value);
            squares[slot as usize] += f64::from(value).powi(2);
        }
        let cells = self.rows.len().max(1) as f64;
        let variance = |slot: usize| squares[slot] / cells - (sums[slot] / cells).powi(2);
        let mut panel: Vec<usize> = places.values().flatten().copied().collect();
        panel.sort_unstable();
        panel.dedup();
        let mut rest: Vec<usize> = (0..slots).filter(|slot| panel.binary_search(slot).is_err()).collect();
        rest.sort_by(|&a, &b| variance(b).total_cmp(&variance(a)));
        let room = most.saturating_sub(panel.len());
        panel.extend(rest.into_iter().take(room));
        panel.sort_unstable();
        panel
    }
}

/// Counts of a cell over all columns.
fn total(cells: &Cells, index: usize) -> f64 {
    let (start, end) = (cells.starts[index], cells.starts[index + 1]);
    match &cells.values {
        Values::Counts(values) => values.get(start..end).unwrap_or_default().iter().map(|&v| f64::from(v)).sum(),
        Values::Floats(values) => values.get(start..end).unwrap_or_default().iter().map(|&v| f64::from(v)).sum(),
    }
}
