//! Flags that mean the same in every subcommand.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    thread,
};

use anyhow::Result;
use clap::Args;
use ferrome_core::{
    device::{DeviceChoice, DtypeChoice},
    engine::{self, Summary},
    interrupt::Interrupt,
    journal::RunDescription,
};

/// Where and how a model runs.
#[derive(Args, Clone, Debug)]
pub(crate) struct Compute {
    /// Where to run: auto, cpu, cuda, cuda:N or cuda:all
    #[arg(long, default_value = "auto", value_name = "DEVICE", help_heading = "Compute")]
    pub(crate) device: DeviceChoice,
    /// Precision: f32, bf16, f16, or auto (f32 on a CPU, bf16 on CUDA)
    #[arg(long, default_value = "auto", value_name = "DTYPE", help_heading = "Compute")]
    pub(crate) dtype: DtypeChoice,
    /// Tokens computed at a time on one device or CPU thread [default: 2048 on a CPU, 32768 on CUDA]
    #[arg(long, value_name = "N", help_heading = "Compute")]
    pub(crate) batch_tokens: Option<NonZeroUsize>,
    /// CPU threads [default: all]
    #[arg(long, value_name = "N", help_heading = "Compute")]
    pub(crate) threads: Option<NonZeroUsize>,
}

impl Compute {
    pub(crate) fn threads(&self) -> NonZeroUsize {
        self.threads.unwrap_or_else(|| thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }
}

/// How a run treats its output and its records.
#[derive(Args, Clone, Debug)]
pub(crate) struct Running {
    /// Stop at the first record that cannot be computed, instead of keeping its row with the reason
    #[arg(long, help_heading = "Run")]
    pub(crate) strict: bool,
    /// Replace an output that exists, and forget an unfinished run into it
    #[arg(long, help_heading = "Run")]
    pub(crate) overwrite: bool,
    /// No progress bar and no summary
    #[arg(long, short, help_heading = "Run")]
    pub(crate) quiet: bool,
    /// Write what the run did as JSON: load_seconds, run_seconds, rows, tokens, residues, peak_rss_bytes
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    pub(crate) stats: Option<PathBuf>,
}

impl Running {
    /// The engine's options, with Ctrl-C caught.
    pub(crate) fn engine(&self, batch_tokens: usize, threads: NonZeroUsize) -> Result<engine::Options> {
        Ok(engine::Options {
            batch_tokens,
            threads: threads.get(),
            strict: self.strict,
            overwrite: self.overwrite,
            quiet: self.quiet,
            interrupt: Interrupt::on_signal()?,
            ..engine::Options::default()
        })
    }

    /// Tells what the run did, on stderr and in the file of `--stats`.
    pub(crate) fn report(&self, summary: &Summary, load_seconds: f64, residues: u64) -> Result<()> {
        if !self.quiet {
            eprintln!("{summary}");
        }
        let Some(path) = &self.stats else { return Ok(()) };
        let stats = serde_json::json!({
            "load_seconds": load_seconds,
            "run_seconds": summary.seconds,
            "rows": summary.rows,
            "unique": summary.unique,
            "resumed_rows": summary.resumed_rows,
            "tokens": summary.computed_tokens,
            "residues": residues,
            "padding": summary.padding(),
            "peak_rss_bytes": peak_memory(),
        });
        Ok(fs_err::write(path, format!("{stats:#}\n"))?)
    }
}

/// Adds an input to what the journal keeps of a run. What comes through a pipe has no content that could be looked at
/// beforehand; of a folder, only the name is kept.
pub(crate) fn describe_input(description: &mut RunDescription, key: &str, path: &Path) -> Result<()> {
    if fs_err::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        description.set_file(key, path)?;
    } else {
        description.set(key, path.display());
    }
    Ok(())
}

/// The highest resident memory of this process so far, as Linux counts it.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = fs_err::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
