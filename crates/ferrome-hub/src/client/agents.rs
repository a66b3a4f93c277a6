use std::{path::Path, time::Duration};

use ureq::{
    Agent,
    config::RedirectAuthHeaders,
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

use crate::{Error, Result};

/// A server that says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(60);

/// The roots of Mozilla, or those of a file: institutes that open every connection have their own.
pub(super) fn tls(certificates: Option<&Path>) -> Result<TlsConfig> {
    let Some(path) = certificates else { return Ok(TlsConfig::builder().build()) };
    let bad = |reason: String| Error::Certificates { path: path.to_owned(), reason };
    let text = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
    let mut roots = Vec::new();
    for item in parse_pem(&text) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| bad(error.to_string()))? {
            roots.push(certificate);
        }
    }
    if roots.is_empty() {
        return Err(bad("has no certificate in PEM".into()));
    }
    Ok(TlsConfig::builder().root_certs(RootCerts::new_with_certs(&roots)).build())
}

/// For headers: where a server sends us is part of its answer.
pub(super) fn stopping_at_redirections(tls: &TlsConfig) -> Agent {
    agent(tls, 0)
}

/// For bytes: the hub's own lie on other servers, which do not get the token.
pub(super) fn following(tls: &TlsConfig) -> Agent {
    agent(tls, 5)
}

fn agent(tls: &TlsConfig, redirections: u32) -> Agent {
    Agent::config_builder()
        .tls_config(tls.clone())
        .http_status_as_error(false)
        .max_redirects(redirections)
        .max_redirects_will_error(redirections > 0)
        .redirect_auth_headers(RedirectAuthHeaders::SameHost)
        .user_agent(concat!("ferrome/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .build()
        .into()
}
