//! Asking the server: what a file is, and for its bytes.

mod agents;
mod answer;

use ureq::{Agent, Body, http::Response};

use crate::{Error, Result, Settings, Token, retry::Failure};

pub(crate) use answer::Remote;
use answer::{Headers, refused, unreachable};

/// A server of the hub, and who asks it.
pub(crate) struct Client {
    /// Stops at each redirection.
    metadata: Agent,
    download: Agent,
    endpoint: String,
    token: Option<Token>,
}

/// Redirections that are followed for a file's headers.
const MOST_HOPS: usize = 5;

impl Client {
    pub(crate) fn new(settings: &Settings) -> Result<Self> {
        let tls = agents::tls(settings.certificates.as_deref())?;
        Ok(Self {
            metadata: agents::stopping_at_redirections(&tls),
            download: agents::following(&tls),
            endpoint: settings.endpoint.clone(),
            token: settings.token.clone(),
        })
    }

    /// The address of a file of a repository.
    pub(crate) fn url(&self, repository: &str, revision: &str, file: &str) -> String {
        format!("{}/{repository}/resolve/{}/{file}", self.endpoint, revision.replace('/', "%2F"))
    }

    /// What the server says of a file; `None` where it has none of this name.
    pub(crate) fn head(&self, url: &str) -> Result<Option<Remote>, Failure> {
        let (mut address, mut seen) = (url.to_owned(), Headers::default());
        for _ in 0..MOST_HOPS {
            let request = self.metadata.head(&address).header("Accept-Encoding", "identity");
            let request = match self.token_for(&address) {
                Some(token) => request.header("Authorization", format!("Bearer {}", token.secret)),
                None => request,
            };
            let answer = request.call().map_err(|error| unreachable(url, &error))?;
            if answer.status() == 404 && answer::only_the_file_is_missing(&answer) {
                return Ok(None);
            }
            let next = seen.take(&answer, &address);
            match next {
                Some(next) if !seen.are_enough() => address = next,
                _ if answer.status().is_success() || answer.status().is_redirection() => {
                    return Ok(Some(seen.into_remote(url)?));
                }
                _ => return Err(refused(url, &answer, self.token.as_ref())),
            }
        }
        Err(Failure::Fatal(Error::NotAHub { url: url.to_owned(), reason: "leads in circles".into() }))
    }

    /// The bytes of a file from `from` on, or from the start where the server does not know ranges.
    pub(crate) fn get(&self, url: &str, from: u64) -> Result<Response<Body>, Failure> {
        let mut request = self.download.get(url).header("Accept-Encoding", "identity");
        if from > 0 {
            request = request.header("Range", format!("bytes={from}-"));
        }
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {}", token.secret));
        }
        let answer = request.call().map_err(|error| unreachable(url, &error))?;
        match answer.status().as_u16() {
            200 | 206 | 416 => Ok(answer),
            _ => Err(refused(url, &answer, self.token.as_ref())),
        }
    }

    // The token is for the server that was asked for, not for those that it sends us to.
    fn token_for(&self, address: &str) -> Option<&Token> {
        self.token.as_ref().filter(|_| address.starts_with(&format!("{}/", self.endpoint)))
    }
}
