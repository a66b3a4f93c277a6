//! `ferrome doctor`.

use anyhow::Result;
use ferrome_core::{
    device::{self, DeviceChoice, DeviceName},
    nn,
};
use tch::{Cuda, Kind};

use crate::tell;

/// What this machine has, and what Ferrome makes of it
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  ferrome doctor\n  ferrome doctor --device cpu")]
pub(crate) struct Args {
    /// Where to look: auto opens CUDA when there is a driver, cpu does not
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    device: DeviceChoice,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    tell::answer(format_args!("ferrome   {}", env!("CARGO_PKG_VERSION")))?;
    tell::answer(format_args!(
        "libtorch  {} ({})",
        libtorch_version(),
        libtorch_path().unwrap_or_else(|| "path unknown".into())
    ))?;
    tell::answer(format_args!("cpu       {threads} threads, {}", device::instruction_sets().join(" ")))?;
    tell::answer(format_args!("attention f32 {}, bf16 {}", kernel(Kind::Float), kernel(Kind::BFloat16)))?;
    match args.device.devices() {
        Ok(devices) => {
            let names: Vec<String> = devices.into_iter().map(|device| DeviceName(device).to_string()).collect();
            tell::answer(format_args!("devices   {}", names.join(" ")))?;
        }
        Err(error) => tell::answer(format_args!("devices   cpu only: {error}"))?,
    }
    if Cuda::is_available() {
        tell::answer(format_args!("cuda      {} devices, cudnn {}", Cuda::device_count(), Cuda::cudnn_is_available()))?;
    }
    for line in advice() {
        tell::answer(format_args!("advice    {line}"))?;
    }
    Ok(())
}

fn kernel(kind: Kind) -> &'static str {
    if nn::kernel_serves(kind) { "own AVX-512 kernel" } else { "libtorch" }
}

// tch was built for exactly one version, and refuses others.
fn libtorch_version() -> &'static str {
    "2.11.0"
}

fn libtorch_path() -> Option<String> {
    let maps = fs_err::read_to_string("/proc/self/maps").ok()?;
    let line = maps.lines().find(|line| line.ends_with("libtorch_cpu.so"))?;
    line.split_whitespace().last().map(str::to_owned)
}

fn advice() -> Vec<String> {
    let sets = device::instruction_sets();
    let mut lines = Vec::new();
    if device::driver_is_there() && device::open_cuda().is_err() {
        lines.push(
            "there is an NVIDIA driver, but libtorch's CUDA half does not open: run `make` again for the full set"
                .into(),
        );
    }
    if !device::driver_is_there() {
        lines.push("no NVIDIA driver: a GPU is 50 to 500 times faster than a few CPU cores".into());
    }
    if sets.contains(&"avx512_bf16") {
        lines
            .push("this CPU has bf16 instructions: --dtype bf16 is about twice as fast as f32, cosine >= 0.999".into());
    } else {
        lines.push("this CPU has no bf16 instructions: stay with --dtype f32".into());
    }
    lines
}
