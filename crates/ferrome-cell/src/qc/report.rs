//! What a survey found.

use ferrome_core::page::grouped;
use serde_json::{Value, json};

use super::mitochondria::Mitochondria;
use super::page;
use super::sketch::Sketch;
use super::tally::Tally;
use super::totals::TopGene;
use crate::Result;
use crate::cells::ValueKind;
use crate::genes::Statistics;
use crate::read::Header;
use crate::tokenize::Style;

/// Genes that are listed.
const TOP: usize = 20;

/// The quantiles that are told, smallest and largest value included.
pub(super) const QUANTILES: [f64; 9] = [0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0];

/// How the genes match a vocabulary.
#[derive(Clone, Debug)]
pub struct Matched {
    /// Whose tokens they become.
    pub style: Style,
    /// The most tokens of a cell.
    pub max_length: usize,
    /// What matched.
    pub statistics: Statistics,
}

/// What a survey found.
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) format: &'static str,
    pub(super) layer: String,
    pub(super) kind: ValueKind,
    pub(super) genes: usize,
    /// Genes that 1 and 3 cells have at least.
    pub(super) seen: [usize; 2],
    pub(super) top: Vec<TopGene>,
    pub(super) mitochondria: Option<Mitochondria>,
    pub(super) matched: Option<Matched>,
    pub(super) tally: Tally,
}

impl Report {
    pub(super) fn new(
        header: &Header,
        tally: Tally,
        mitochondria: Option<Mitochondria>,
        matched: Option<Matched>,
    ) -> Self {
        Self {
            format: header.format,
            layer: header.layer.clone(),
            kind: header.kind,
            genes: header.genes.len(),
            seen: [1, 3].map(|cells| tally.totals.seen(cells)),
            top: tally.totals.top(&header.genes, TOP, tally.with_counts),
            mitochondria,
            matched,
            tally,
        }
    }

    /// Cells, rejected ones included.
    #[must_use]
    pub fn cells(&self) -> u64 {
        self.tally.cells
    }

    /// Cells that cannot be used.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.tally.rejected
    }

    /// Cells that are counted.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.tally.cells - self.tally.rejected
    }

    /// The share of cells with more genes than fit, 0 to 1; `None` without a vocabulary.
    #[must_use]
    pub fn truncated(&self) -> Option<f64> {
        self.matched.as_ref().map(|_| self.tally.truncated as f64 / self.used().max(1) as f64)
    }

    /// The distributions: key in JSON, what it is, and the values.
    pub(super) fn distributions(&self) -> Vec<(&'static str, &'static str, &Sketch)> {
        let mut all = vec![
            ("counts_per_cell", "Counts per cell", &self.tally.counts),
            ("genes_per_cell", "Genes per cell", &self.tally.genes),
        ];
        if self.mitochondria.is_some() {
            all.push(("mitochondrial_share", "Mitochondrial share", &self.tally.mitochondrial));
        }
        if self.matched.is_some() {
            all.push(("known_genes_per_cell", "Genes of the vocabulary per cell", &self.tally.known));
            all.push(("token_length", "Tokens per cell", &self.tally.tokens));
        }
        all
    }

    /// One line: cells, genes, medians.
    #[must_use]
    pub fn line(&self) -> String {
        let Tally { counts, genes, mitochondrial, .. } = &self.tally;
        let mut line = format!("{} cells x {} genes", grouped(self.cells()), grouped(self.genes as u64));
        line.push_str(&format!(", median {} counts", page::value(counts.quantile(0.5))));
        line.push_str(&format!(" and {} genes per cell", page::value(genes.quantile(0.5))));
        if self.mitochondria.is_some() {
            line.push_str(&format!(", {} mitochondrial", page::percent(mitochondrial.quantile(0.5))));
        } else {
            line.push_str(", no mitochondrial gene recognised");
        }
        if let Some(truncated) = self.truncated() {
            line.push_str(&format!(", {} of cells truncated", page::percent(truncated)));
        }
        if self.rejected() > 0 {
            line.push_str(&format!(", {} cells rejected", grouped(self.rejected())));
        }
        line
    }

    /// All numbers as JSON.
    #[must_use]
    pub fn numbers(&self) -> Value {
        let Tally { entries, rounded, rejected, empty, unknown, truncated, .. } = &self.tally;
        let mut numbers = json!({
            "format": self.format, "layer": self.layer, "genes": self.genes, "cells": self.cells(),
            "entries": entries, "rounded": rounded, "rejected": rejected, "empty_cells": empty,
            "genes_in_1_cell": self.seen[0], "genes_in_3_cells": self.seen[1], "top_genes": self.top,
        });
        numbers["rejected_first"] =
            self.tally.listed.iter().map(|(cell, reason)| json!({"cell": cell, "reason": reason})).collect();
        numbers["mitochondrial_genes"] =
            self.mitochondria.as_ref().map(|found| json!({"count": found.len(), "by": found.way})).into();
        if let Some(Matched { style, max_length, statistics }) = &self.matched {
            numbers["vocabulary"] = json!({
                "style": style.name(), "max_length": max_length, "columns_matched": statistics.matched(),
                "share_matched": statistics.share(), "share_of_vocabulary": statistics.coverage(),
                "cells_truncated": truncated, "cells_without_known_gene": unknown,
            });
        }
        for (key, _, sketch) in self.distributions() {
            let quantiles: serde_json::Map<String, Value> =
                QUANTILES.iter().map(|&q| (q.to_string(), json!(sketch.quantile(q)))).collect();
            numbers[key] = json!({"mean": sketch.mean(), "quantiles": quantiles});
        }
        numbers
    }

    /// One HTML page that loads nothing from elsewhere; `title` says what was surveyed.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Plot`].
    pub fn page(&self, title: &str) -> Result<String> {
        page::page(self, title)
    }
}
