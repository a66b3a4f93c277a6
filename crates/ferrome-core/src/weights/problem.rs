mod pytorch;
mod safetensors;
mod shards;

pub use pytorch::PytorchProblem;
pub use safetensors::SafetensorsProblem;
pub use shards::ShardsProblem;

/// What is wrong with a weight file; [`crate::Error::Weights`] puts the path in front.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// There is nothing at this path.
    #[error("no such file or folder")]
    Missing,
    /// A folder was given where a file was expected.
    #[error("is a folder, expected a weight file")]
    IsFolder,
    /// A file was given where a folder was expected.
    #[error("is not a folder")]
    NotAFolder,
    /// A Hugging Face folder without weights.
    #[error("no weights in this folder, looked for {looked_for}{hint}")]
    NothingFound {
        /// The file names that were tried, in order.
        looked_for: String,
        /// Empty, or what was found instead.
        hint: String,
    },
    /// A file of zero bytes.
    #[error("the file is empty")]
    Empty,
    /// A repository was cloned without Git LFS.
    #[error("is a Git LFS pointer of {pointer} bytes to {size} bytes of weights ({oid}), `git lfs pull` fetches them")]
    LfsPointer {
        /// Bytes of the pointer file.
        pointer: usize,
        /// Bytes of the file it stands for, as written in the pointer.
        size: String,
        /// Object id, as written in the pointer.
        oid: String,
    },
    /// A format that other frameworks write.
    #[error("{format} is not supported, expected .safetensors or a PyTorch .bin, .pt or .pth file")]
    Unsupported {
        /// Name of the format.
        format: &'static str,
    },
    /// A file of text, such as the page that a server sent instead of the weights.
    #[error("holds {what} instead of weights, perhaps a failed download: `{start}`")]
    Text {
        /// HTML, JSON or text.
        what: &'static str,
        /// How its first line begins.
        start: String,
    },
    /// A file of no known format.
    #[error("neither a safetensors nor a PyTorch file, it starts with `{start}`")]
    Unknown {
        /// The first bytes, printable ones as they are.
        start: String,
    },
    /// A tensor that was asked for is not there.
    #[error("no tensor `{name}`")]
    NoTensor {
        /// Name that was asked for.
        name: String,
    },
    /// Two files that are merged hold the same name.
    #[error("tensor `{name}` is also in {other}")]
    AlsoIn {
        /// Name of the tensor.
        name: String,
        /// The other file.
        other: String,
    },
    /// Two names become one.
    #[error("tensors `{first}` and `{second}` are both renamed to `{name}`")]
    RenamedTwice {
        /// One name in the file.
        first: String,
        /// The other name in the file.
        second: String,
        /// The name that both were given.
        name: String,
    },
    /// The tensors in the file are not those of the model.
    #[error("weights do not fit the model: {}", .faults.join("; "))]
    DoNotFit {
        /// Missing, misshapen and left-over tensors, one entry of each kind.
        faults: Vec<String>,
    },
    /// A safetensors file is damaged or not supported.
    #[error(transparent)]
    Safetensors(#[from] SafetensorsProblem),
    /// A PyTorch file is damaged, refused or not supported.
    #[error(transparent)]
    Pytorch(#[from] PytorchProblem),
    /// The shards of a checkpoint are not what their index says.
    #[error(transparent)]
    Shards(#[from] ShardsProblem),
}
