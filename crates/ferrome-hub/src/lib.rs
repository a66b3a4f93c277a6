//! Models from the Hugging Face hub into the cache that its libraries share.
//!
//! What `huggingface_hub` and transformers downloaded is found here, and what is pulled here they find. A file gets its
//! final name when its size and its checksum are right, and a model's links appear when all of its files are there. Until
//! then a file is `blobs/CHECKSUM.ferrome.incomplete`, from which the next run goes on.
//!
//! The client is our own, over `ureq`: hf-hub 0.5 renames a file before anything could check it, gives a lock five seconds,
//! does not wait when it is told to (429), and needs `Content-Range`.

mod check;
mod client;
mod error;
mod fetch;
mod plan;
mod progress;
mod pull;
mod retry;
mod settings;
mod store;
mod verify;

pub use error::{Error, Result};
pub use progress::Progress;
pub use pull::{Hub, Pulled};
pub use settings::{Settings, Token};
pub use verify::{FileReport, Source, verify};
