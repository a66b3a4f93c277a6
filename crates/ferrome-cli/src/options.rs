//! Flags that mean the same in every subcommand.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Result, bail};
use clap::{Args, builder::NonEmptyStringValueParser};
use ferrome_core::{
    Error,
    device::{DeviceChoice, DtypeChoice},
    engine::{self, Summary},
    fingerprint::{self, Fingerprint},
    interrupt::Interrupt,
    journal::RunDescription,
    table::{Format, Output},
};
use tch::{Device, Kind};

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

/// A model to be used more than once, and where.
#[derive(clap::Parser, Debug)]
pub struct LoadArgs {
    /// As for `embed`
    #[arg(short, long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) model: String,
    #[command(flatten)]
    pub(crate) compute: Compute,
}

impl Compute {
    /// The devices, the first of them, and the precision.
    pub(crate) fn place(&self) -> Result<(Vec<Device>, Device, Kind)> {
        let devices = self.device.devices()?;
        let first = devices.first().copied().unwrap_or(Device::Cpu);
        let kind = self.dtype.kind(first)?;
        Ok((devices, first, kind))
    }

    pub(crate) fn threads(&self) -> NonZeroUsize {
        threads(self.threads)
    }
}

/// The help of `--stats` where rows are counted and no model is loaded.
pub(crate) const ROW_STATS: &str =
    "Write what the run did as JSON: run_seconds, rows, unique, resumed_rows, tokens, peak_rss_bytes";

/// The threads that were asked for; all where nothing was.
pub(crate) fn threads(asked: Option<NonZeroUsize>) -> NonZeroUsize {
    asked.unwrap_or_else(|| thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
}

/// The table that `path` asks for; a folder of parts makes its own folder.
pub(crate) fn table(path: &Path) -> Result<Output> {
    let output = Output::parse(path)?;
    if output.format() != Format::Dataset {
        need_folder(path)?;
    }
    Ok(output)
}

/// Refuses an output that is there.
pub(crate) fn refuse_existing(path: &Path, overwrite: bool) -> Result<()> {
    if path.exists() && !overwrite {
        return Err(Error::OutputExists { path: path.to_owned() }.into());
    }
    Ok(())
}

/// Refuses a file whose folder is not there.
pub(crate) fn need_folder(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder.filter(|folder| !folder.is_dir()) {
        Some(folder) => bail!("{}: there is no folder {}", path.display(), folder.display()),
        None => Ok(()),
    }
}

/// The kind of a device, as the journal has it.
pub(crate) fn device_kind(device: Device) -> &'static str {
    if device == Device::Cpu { "cpu" } else { "cuda" }
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
    /// Write what the run did as JSON: load_seconds, run_seconds, rows, unique, resumed_rows, tokens, residues, padding,
    /// peak_rss_bytes
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

impl Running {
    /// As [`Running::report`] where rows are counted and no model is loaded.
    pub(crate) fn report_rows(&self, summary: &Summary) -> Result<()> {
        let stats = serde_json::json!({
            "run_seconds": summary.seconds,
            "rows": summary.rows,
            "unique": summary.unique,
            "resumed_rows": summary.resumed_rows,
            "tokens": summary.computed_tokens,
        });
        self.tell(&summary.to_string(), stats)
    }

    /// Tells what a run did: `line` on stderr; `stats`, with the highest memory, in the file of `--stats`.
    pub(crate) fn tell(&self, line: &str, mut stats: serde_json::Value) -> Result<()> {
        if !self.quiet {
            eprintln!("{line}");
        }
        let Some(path) = &self.stats else { return Ok(()) };
        stats["peak_rss_bytes"] = peak_memory().into();
        Ok(fs_err::write(path, format!("{stats:#}\n"))?)
    }
}

/// Adds an input to what the journal keeps of a run: size and hash of a file, or of all files of a folder. What comes
/// through a pipe has no content that could be looked at beforehand.
pub(crate) fn describe_input(description: &mut RunDescription, key: &str, path: &Path) -> Result<()> {
    match fs_err::metadata(path) {
        Ok(metadata) if metadata.is_file() => description.set_file(key, path)?,
        Ok(metadata) if metadata.is_dir() => description.set(key, describe_folder(path)?),
        _ => description.set(key, path.display()),
    }
    Ok(())
}

fn describe_folder(path: &Path) -> Result<String> {
    let mut files = Vec::new();
    list(path, &mut files)?;
    let (mut bytes, mut hash) = (0, Fingerprint::new());
    for file in &files {
        let content = fingerprint::file(file)?;
        bytes += content.bytes;
        hash.push(file.strip_prefix(path)?.as_os_str().as_encoded_bytes());
        hash.push(&content.hash.to_le_bytes());
    }
    let hash = fingerprint::hex(hash.finish());
    Ok(format!("{}, {} files, {bytes} bytes, xxh3 {hash}", path.display(), files.len()))
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let mut entries = fs_err::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(|entry| entry.file_name());
    for path in entries.iter().map(|entry| entry.path()) {
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// The highest resident memory of this process so far, as Linux counts it.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = fs_err::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
