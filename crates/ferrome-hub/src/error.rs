use std::{io, path::PathBuf, time::Duration};

/// Everything that can go wrong with a download; one line each, naming the file or address and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An input or output operation failed; the message names the path.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// There is no folder for caches.
    #[error("nowhere to put models: none of HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME and HOME is set")]
    NoCache,
    /// The server's address is none.
    #[error("HF_ENDPOINT is `{0}`: expected an address such as https://huggingface.co")]
    Endpoint(String),
    /// The model is on no server that can be asked.
    #[error("model `{name}`: {advice}")]
    NotOnHub {
        /// The model.
        name: String,
        /// How to get it.
        advice: String,
    },
    /// The user wants no network.
    #[error("model `{name}` is not in {}, and HF_HUB_OFFLINE is set: pull it where there is a network, and copy that folder", cache.display())]
    Offline {
        /// The model.
        name: String,
        /// The folder of repositories.
        cache: PathBuf,
    },
    /// The server cannot be reached.
    #[error("{url}: {reason}")]
    Connection {
        /// The address.
        url: String,
        /// What the network said.
        reason: String,
    },
    /// It was tried, and tried again.
    #[error("{url}: gave up after {tries} tries: {reason}; the same command goes on from there")]
    GaveUp {
        /// The address.
        url: String,
        /// How often.
        tries: u32,
        /// What went wrong last.
        reason: String,
    },
    /// The server wants more patience than there is.
    #[error("{url}: {reason}, and asks to wait {} s: try again then", wait.as_secs())]
    TooLong {
        /// The address.
        url: String,
        /// What the server said.
        reason: String,
        /// How long it wants to be left alone.
        wait: Duration,
    },
    /// The server refused.
    #[error("{url}: HTTP {status}: {advice}")]
    Status {
        /// The address.
        url: String,
        /// The status.
        status: u16,
        /// What it means here.
        advice: String,
    },
    /// The answer is not one of the hub.
    #[error("{url}: the answer {reason}: is this a server of the Hugging Face hub (HF_ENDPOINT)?")]
    NotAHub {
        /// The address.
        url: String,
        /// What is missing or wrong.
        reason: String,
    },
    /// The repository has no weights that Ferrome reads.
    #[error("{repository}: has none of {}", looked.join(", "))]
    NoWeights {
        /// The repository.
        repository: String,
        /// What would have been taken.
        looked: Vec<String>,
    },
    /// An index of shards cannot be used.
    #[error("{file}: {reason}")]
    Index {
        /// The index, as a path in the repository.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// More or fewer bytes than there should be.
    #[error("{url}: has {found} bytes, expected {expected}; nothing of it was kept")]
    WrongSize {
        /// The address.
        url: String,
        /// As announced, or as published.
        expected: u64,
        /// As received, or as announced.
        found: u64,
    },
    /// Other bytes than there should be.
    #[error("{url}: has {kind} {found}, expected {expected}; nothing of it was kept")]
    WrongChecksum {
        /// The address.
        url: String,
        /// The kind of checksum.
        kind: &'static str,
        /// As announced, or as published.
        expected: String,
        /// As received, or as announced.
        found: String,
    },
    /// The file of certificates cannot be used.
    #[error("{}: {reason} (SSL_CERT_FILE or REQUESTS_CA_BUNDLE)", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Someone stopped it.
    #[error("interrupted; the same command goes on from there")]
    Interrupted,
}

/// A `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
