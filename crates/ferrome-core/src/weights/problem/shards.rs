/// What is wrong with a sharded checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShardsProblem {
    /// A shard index is not the JSON that Hugging Face writes.
    #[error("invalid shard index: {detail}")]
    BadIndex {
        /// What the JSON parser said.
        detail: String,
    },
    /// A shard outside the folder of the index.
    #[error("shard `{shard}` is not a plain file name")]
    ShardPath {
        /// Name in the index.
        shard: String,
    },
    /// Shards are missing.
    #[error("{} of {total} shards missing: {}", missing.len(), crate::weights::claims::listed(missing))]
    ShardsMissing {
        /// Names of the missing shards.
        missing: Vec<String>,
        /// Number of shards in the index.
        total: usize,
    },
    /// A shard lacks a tensor that the index puts there.
    #[error("tensor `{name}` is not in shard `{shard}`")]
    NotInShard {
        /// Name of the tensor.
        name: String,
        /// File name of the shard.
        shard: String,
    },
    /// A shard holds a tensor that the index does not put there.
    #[error("tensor `{name}` of shard `{shard}` is not in the index")]
    NotInIndex {
        /// Name of the tensor.
        name: String,
        /// File name of the shard.
        shard: String,
    },
}
