//! Devices and dtypes: what the user asks for, what is there, and libtorch's CUDA half, opened only when it is wanted.

use std::{fmt, path::Path, str::FromStr};

use tch::{Cuda, Device, Kind};

use crate::{Error, Result, ffi};

/// What `--device` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// Every CUDA device that is there, otherwise the CPU.
    Auto,
    /// The CPU; CUDA is not even opened.
    Cpu,
    /// One CUDA device.
    Cuda(usize),
    /// Every CUDA device.
    AllCuda,
}

impl FromStr for DeviceChoice {
    type Err = Error;

    /// ```
    /// use ferrome_core::device::DeviceChoice;
    /// assert_eq!("cuda".parse::<DeviceChoice>()?, DeviceChoice::Cuda(0));
    /// let refused = "tpu".parse::<DeviceChoice>().unwrap_err();
    /// assert_eq!(refused.to_string(), "unknown device `tpu`: expected auto, cpu, cuda, cuda:N or cuda:all");
    /// # Ok::<(), ferrome_core::Error>(())
    /// ```
    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto),
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", "all")) => Ok(Self::AllCuda),
            Some(("cuda", index)) => index.parse().map(Self::Cuda).map_err(|_| Error::UnknownDevice(text.into())),
            _ => Err(Error::UnknownDevice(text.into())),
        }
    }
}

impl DeviceChoice {
    /// The devices to run on; never empty.
    ///
    /// # Errors
    ///
    /// [`Error::NoCuda`] when CUDA was asked for and cannot be used; the reason says why.
    pub fn devices(self) -> Result<Vec<Device>> {
        let all = || (0..usize::try_from(Cuda::device_count()).unwrap_or(0)).map(Device::Cuda).collect::<Vec<_>>();
        match self {
            Self::Cpu => Ok(vec![Device::Cpu]),
            Self::Auto if !driver_is_there() || open_cuda().is_err() || all().is_empty() => Ok(vec![Device::Cpu]),
            Self::Auto => Ok(all()),
            Self::AllCuda | Self::Cuda(_) => {
                open_cuda()?;
                let found = all();
                match self {
                    Self::Cuda(index) if index < found.len() => Ok(vec![Device::Cuda(index)]),
                    Self::AllCuda if !found.is_empty() => Ok(found),
                    Self::Cuda(index) if !found.is_empty() => {
                        Err(Error::NoCuda(format!("cuda:{index} was asked for, found {} devices", found.len())))
                    }
                    _ => Err(Error::NoCuda("libtorch sees no CUDA device".into())),
                }
            }
        }
    }
}

/// Whether an NVIDIA driver is on this machine; looking does not load it.
#[must_use]
pub fn driver_is_there() -> bool {
    let libraries =
        ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib/aarch64-linux-gnu", "/usr/local/nvidia/lib64"];
    Path::new("/dev/nvidiactl").exists()
        || libraries.iter().any(|folder| Path::new(folder).join("libcuda.so.1").exists())
}

/// Opens libtorch's CUDA half for the life of the process.
///
/// # Errors
///
/// [`Error::NoCuda`] with the loader's words, or when libtorch sees no usable device.
pub fn open_cuda() -> Result<()> {
    ffi::open_cuda().map_err(|reason| Error::NoCuda(reason.to_string()))?;
    if Cuda::is_available() {
        Ok(())
    } else {
        Err(Error::NoCuda("libtorch_cuda is open, but there is no usable driver or device".into()))
    }
}

/// What `--dtype` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtypeChoice {
    /// f32 on a CPU, bf16 on CUDA.
    Auto,
    /// 32-bit floats.
    F32,
    /// bfloat16.
    Bf16,
    /// 16-bit IEEE floats: CUDA only.
    F16,
}

impl FromStr for DtypeChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            "f16" => Ok(Self::F16),
            _ => Err(Error::UnknownDtype(text.into())),
        }
    }
}

impl DtypeChoice {
    /// The kind to compute with on `device`.
    ///
    /// # Errors
    ///
    /// [`Error::DtypeNotOnDevice`] for f16 on a CPU, where it is several times slower than f32.
    pub fn kind(self, device: Device) -> Result<Kind> {
        match (self, device) {
            (Self::Auto | Self::F32, Device::Cpu) | (Self::F32, _) => Ok(Kind::Float),
            (Self::Auto | Self::Bf16, _) => Ok(Kind::BFloat16),
            (Self::F16, Device::Cpu) => Err(Error::DtypeNotOnDevice { dtype: "f16", device: "cpu" }),
            (Self::F16, _) => Ok(Kind::Half),
        }
    }
}

/// A kind by its name on the command line.
#[must_use]
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Float => "f32",
        Kind::BFloat16 => "bf16",
        Kind::Half => "f16",
        _ => "other",
    }
}

/// A device by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceName(pub Device);

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Device::Cuda(index) => write!(f, "cuda:{index}"),
            _ => f.write_str("cpu"),
        }
    }
}

/// Instruction sets of this CPU that decide how fast a model runs.
#[must_use]
pub fn instruction_sets() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    {
        let known = [
            ("avx2", is_x86_feature_detected!("avx2")),
            ("fma", is_x86_feature_detected!("fma")),
            ("avx512f", is_x86_feature_detected!("avx512f")),
            ("avx512_bf16", is_x86_feature_detected!("avx512bf16")),
            ("avx512_vnni", is_x86_feature_detected!("avx512vnni")),
        ];
        known.into_iter().filter_map(|(name, there)| there.then_some(name)).collect()
    }
    #[cfg(not(target_arch = "x86_64"))]
    Vec::new()
}

/// Whether an error of libtorch means that a device has no room, which halving a batch can mend.
#[must_use]
pub fn is_out_of_memory(error: &Error) -> bool {
    let text = match error {
        Error::Torch(text) => text,
        _ => return false,
    };
    ["out of memory", "can't allocate memory", "not enough memory"].iter().any(|words| text.contains(words))
}
