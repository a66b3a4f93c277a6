use std::fmt;

use serde::{Deserialize, Serialize};

use super::dictionary::Dictionary;
use super::published;

/// A file or dataset that a vocabulary was made from.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Source {
    /// What it gave: `tokens`, `medians`, `symbols`, `former ids` or `corpus`.
    pub role: String,
    /// Its name, without folders.
    pub file: String,
    /// Its size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Its SHA-256, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Which published file it is, when it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
}

impl Source {
    pub(super) fn of(role: &str, dictionary: &Dictionary) -> Self {
        let file = dictionary.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let published = published::by_sha256(&dictionary.sha256).map(ToString::to_string);
        Self {
            role: role.to_owned(),
            file,
            bytes: Some(dictionary.bytes),
            sha256: Some(dictionary.sha256.clone()),
            published,
        }
    }
}

/// `tokens: a.pkl is Geneformer V1's token_dictionary_gc30M.pkl (sha256 verified)`
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.role, self.file)?;
        match (&self.published, &self.sha256) {
            (Some(published), _) => write!(f, " is {published} (sha256 verified)"),
            (None, Some(sha256)) => write!(f, " is none of the published files (sha256 {sha256})"),
            (None, None) => Ok(()),
        }
    }
}
