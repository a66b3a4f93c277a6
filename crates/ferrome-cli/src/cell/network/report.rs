//! What is told of a run, and kept with its tables.

use std::time::Instant;

use anyhow::Result;
use ferrome_cell::task::network::Panel;
use ferrome_cell::{model::OpenModel, read::memory::Data};
use ferrome_core::{journal::RunDescription, page::grouped};
use serde_json::json;

use super::{Args, compute::Found};
use crate::{cell::input, tell};

impl Args {
    pub(super) fn describe(&self, opened: &OpenModel, given: Option<&Data>) -> Result<RunDescription> {
        let mut description = RunDescription::new()
            .with("version", env!("CARGO_PKG_VERSION"))
            .with("model", &self.model)
            .with("model_tensors", opened.fingerprint()?)
            .with("resolution", self.resolution)
            .with("seed", self.seed);
        if let Some(path) = &self.input {
            input::describe(&mut description, path, given)?;
        }
        Ok(description)
    }

    pub(super) fn tell(&self, found: &Found, panel: &Panel, started: Instant) -> Result<()> {
        if let (count @ 1.., Some(first)) = &found.rejected {
            tell::note(&format!("{count} cells were left out, the first: {first}"), false);
        }
        let each = found.networks.iter().map(|network| {
            let name = network.condition.as_deref().map_or_else(String::new, |name| format!("{name}: "));
            format!("{name}{} edges, {} modules", grouped(network.edges.len() as u64), network.count())
        });
        let seconds = started.elapsed().as_secs_f64();
        let cells = if found.cells > 0 { format!(", {} cells", grouped(found.cells)) } else { String::new() };
        let line = format!(
            "{} genes{cells}: {} in {seconds:.1} s -> {}",
            grouped(panel.len() as u64),
            each.collect::<Vec<_>>().join("; "),
            self.output.display()
        );
        let networks = found.networks.iter().map(
            |network| json!({"condition": network.condition, "edges": network.edges.len(), "modules": network.count()}),
        );
        let stats = json!({"run_seconds": seconds, "genes": panel.len(), "cells": found.cells,
            "rejected": found.rejected.0, "networks": networks.collect::<Vec<_>>()});
        self.running.tell(&line, stats)
    }
}
