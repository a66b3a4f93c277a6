//! What the environment says, as `huggingface_hub` reads it.

use std::{env, path::PathBuf, time::Duration};

use ferrome_core::weights::{hub_cache, hub_home};

use crate::{Error, Result};

/// Where models come from and where they go.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server: `HF_ENDPOINT`, else the hub itself.
    pub endpoint: String,
    /// Who asks.
    pub token: Option<Token>,
    /// Whether nothing may be asked: `HF_HUB_OFFLINE`.
    pub offline: bool,
    /// The folder of repositories.
    pub cache: PathBuf,
    /// Certificates to trust instead of the usual ones: `SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE`.
    pub certificates: Option<PathBuf>,
    /// The first pause before something is tried again; it doubles each time.
    pub pause: Duration,
}

/// A token, and where it was found.
#[derive(Clone)]
pub struct Token {
    /// The secret.
    pub secret: String,
    /// For messages: the variable, or the file.
    pub source: String,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Token({})", self.source)
    }
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    ///
    /// There is no folder for caches, or `HF_ENDPOINT` is no address.
    pub fn from_env() -> Result<Self> {
        let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned());
        if !is_address(&endpoint) {
            return Err(Error::Endpoint(endpoint));
        }
        let certificates = variable("SSL_CERT_FILE").or_else(|| variable("REQUESTS_CA_BUNDLE"));
        Ok(Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token: token(),
            offline: ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"].into_iter().any(is_set),
            cache: hub_cache().ok_or(Error::NoCache)?,
            certificates: certificates.map(PathBuf::from),
            pause: Duration::from_millis(500),
        })
    }
}

fn is_address(endpoint: &str) -> bool {
    let host = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic()))
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn is_set(name: &str) -> bool {
    variable(name).is_some_and(|value| matches!(value.to_ascii_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE"))
}

// $HF_TOKEN, $HUGGING_FACE_HUB_TOKEN, the file that `hf auth login` writes.
fn token() -> Option<Token> {
    let of_variable = |name: &str| variable(name).map(|secret| Token { secret, source: name.to_owned() });
    if let Some(token) = of_variable("HF_TOKEN").or_else(|| of_variable("HUGGING_FACE_HUB_TOKEN")) {
        return Some(token);
    }
    let file = variable("HF_TOKEN_PATH").map(PathBuf::from).or_else(|| Some(hub_home()?.join("token")))?;
    let secret = fs_err::read_to_string(&file).ok()?.trim().to_owned();
    (!secret.is_empty()).then(|| Token { secret, source: file.display().to_string() })
}
