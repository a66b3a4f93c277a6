/// What is wrong with a PyTorch file, zip or legacy, or with the pickle in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PytorchProblem {
    /// The zip directory cannot be read.
    #[error("truncated or damaged zip archive ({detail})")]
    BadZip {
        /// What the zip reader said.
        detail: String,
    },
    /// A zip archive that `torch.save` did not write.
    #[error("zip archive without `{name}`, not written by torch.save")]
    NoZipEntry {
        /// The missing entry.
        name: &'static str,
    },
    /// A TorchScript program.
    #[error("is a TorchScript program, expected a state dictionary written by torch.save")]
    TorchScript,
    /// An entry that cannot be mapped in place.
    #[error("zip entry `{name}` is compressed or encrypted, torch.save stores entries as they are")]
    CompressedEntry {
        /// Name of the entry.
        name: String,
    },
    /// Written on a big-endian machine.
    #[error("the tensors are big-endian, only little-endian files are supported")]
    BigEndian,
    /// A pickle that `torch.save` did not write.
    #[error("is a plain pickle, not written by torch.save")]
    PlainPickle,
    /// A pickle asks for a class or function that is not on the list.
    #[error("refused pickle global `{name}`")]
    RefusedGlobal {
        /// `module.name`, escaped.
        name: String,
    },
    /// An opcode that `torch.save` does not write.
    #[error("unsupported pickle opcode 0x{opcode:02x} at byte {at}")]
    UnsupportedOpcode {
        /// The opcode.
        opcode: u8,
        /// Where it is, in bytes from the start of the pickle.
        at: usize,
    },
    /// The pickle contradicts itself.
    #[error("damaged pickle at byte {at}: {what}")]
    BadPickle {
        /// In bytes from the start of the pickle.
        at: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// The values in a pickle are nested too deeply, or stand for far more memory than the pickle itself.
    #[error("refused pickle: {what}")]
    PickleBomb {
        /// Which limit was passed.
        what: &'static str,
    },
    /// The pickle holds something else than named tensors.
    #[error("holds a {kind}, expected a dictionary of tensors")]
    NotADictionary {
        /// What it holds.
        kind: &'static str,
    },
    /// A name is given twice.
    #[error("tensor `{name}` is given twice")]
    Duplicate {
        /// Name of the tensor.
        name: String,
    },
    /// A tensor refers to a storage that the file lacks.
    #[error("tensor `{name}`: its storage `{storage}` is missing")]
    NoStorage {
        /// Name of the tensor.
        name: String,
        /// Key of the storage.
        storage: String,
    },
    /// A storage is shorter than it says.
    #[error("truncated PyTorch file, storage `{storage}` needs {expected} bytes, found {found}")]
    ShortStorage {
        /// Key of the storage.
        storage: String,
        /// Bytes that the pickle promises.
        expected: u64,
        /// Bytes in the file.
        found: usize,
    },
    /// A tensor reaches past its storage, repeats its elements, or overflows.
    #[error("tensor `{name}` of shape {shape:?} and strides {strides:?} does not fit its storage of {bytes} bytes")]
    OutOfStorage {
        /// Name of the tensor.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Its strides, in elements.
        strides: Vec<usize>,
        /// Bytes of the storage.
        bytes: usize,
    },
}
