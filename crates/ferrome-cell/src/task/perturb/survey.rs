use hashbrown::HashMap;

use super::{Cells, Screen, StatesOf};
use crate::{Error, Result};

/// What the cells hold, from a first look at all of them.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Cells that are perturbed, or would be if they could.
    pub cells: u64,
    /// Those of them that can be perturbed at all.
    pub usable: u64,
    /// Why the first of the others cannot.
    pub problem: Option<String>,
    /// Rows of the table.
    pub rows: u64,
    /// Tokens of all perturbed cells.
    pub tokens: u64,
    /// Cells of each state.
    pub states: HashMap<String, u64>,
    /// For each gene that was named, in order, how many of the cells have it.
    pub having: Vec<(i32, u64)>,
}

/// Looks at all cells: whether the tokens are of the vocabulary, the states are there, and the genes are in some cell.
///
/// # Errors
///
/// One line that says which of these does not hold.
pub fn survey(cells: Cells, screen: &Screen, states: Option<&StatesOf>) -> Result<Survey> {
    let mut found = Survey { having: screen.targets.named().map(|gene| (gene, 0)).collect(), ..Survey::default() };
    for cell in cells {
        let cell = cell?;
        if let (Some(_), Some(state)) = (states, &cell.state) {
            *found.states.entry_ref(state.as_str()).or_insert(0) += 1;
        }
        if states.is_some_and(|states| cell.state.as_ref() != Some(&states.start)) {
            continue;
        }
        found.cells += 1;
        if let Some(problem) = &cell.problem {
            found.rows += 1;
            found.problem.get_or_insert_with(|| format!("cell `{}`: {}", cell.id, problem.reason));
            continue;
        }
        found.usable += 1;
        let genes = screen.frame.genes(&cell.tokens);
        let rows = screen.targets.of_cell(genes, screen.kind).len() as u64;
        (found.rows, found.tokens) = (found.rows + rows, found.tokens + rows * cell.tokens.len() as u64);
        for (gene, count) in &mut found.having {
            *count += u64::from(genes.contains(gene));
        }
    }
    found.check(screen, states)?;
    Ok(found)
}

impl Survey {
    fn check(&self, screen: &Screen, states: Option<&StatesOf>) -> Result<()> {
        if let Some(StatesOf { column, start }) = states {
            let asked = screen.states.iter().chain([start]);
            if let Some(state) = asked.into_iter().find(|state| !self.states.contains_key(*state)) {
                let mut known: Vec<String> = self.states.keys().map(|state| format!("`{state}`")).collect();
                known.sort_unstable();
                let known =
                    if known.is_empty() { "it is empty".into() } else { format!("there are {}", known.join(", ")) };
                return Err(Error::Perturb(format!("no cell has `{state}` in the column `{column}`; {known}")));
            }
        }
        if self.tokens > 0 || self.cells == 0 {
            return Ok(());
        }
        if let (0, Some(problem)) = (self.usable, &self.problem) {
            let cells = self.cells;
            return Err(Error::Perturb(format!("none of the {cells} cells can be perturbed, the first: {problem}")));
        }
        let missing: Vec<String> = self.missing(screen).collect();
        Err(Error::Perturb(match missing.as_slice() {
            [] => format!("nothing to perturb: none of the {} cells has all of the genes", self.usable),
            missing => format!("none of the {} cells has {}", self.usable, missing.join(", ")),
        }))
    }

    /// Genes that are in no cell.
    pub fn missing(&self, screen: &Screen) -> impl Iterator<Item = String> {
        let missing = self.having.iter().filter(|(_, count)| *count == 0);
        missing.map(|(gene, _)| called(screen, *gene))
    }

    /// A line for each gene that some of the cells lack, which are left out for it.
    #[must_use]
    pub fn left_out(&self, screen: &Screen) -> Vec<String> {
        if screen.kind.takes_absent() {
            return Vec::new();
        }
        let lacking = self.having.iter().filter(|(_, count)| *count < self.usable);
        let line = |&(gene, count): &(i32, u64)| {
            format!(
                "{}: {} of {} cells do not have it and are left out",
                called(screen, gene),
                self.usable - count,
                self.usable
            )
        };
        lacking.map(line).collect()
    }
}

fn called(screen: &Screen, gene: i32) -> String {
    let id = screen.names.ids(&[gene]);
    screen.names.symbols(&[gene]).map_or_else(|| format!("`{id}`"), |symbol| format!("`{id}` ({symbol})"))
}
