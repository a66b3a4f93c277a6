//! What the server's headers and refusals mean.

use std::time::Duration;

use ureq::{Body, http::Response};

use crate::{Error, Result, Token, retry::Failure};

/// What a server says of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Remote {
    /// The commit of the repository that the file is of.
    pub(crate) commit: String,
    /// What the file is stored under: on the hub, its checksum.
    pub(crate) etag: String,
    pub(crate) bytes: u64,
}

/// Headers of a file, over all redirections.
#[derive(Debug, Default)]
pub(super) struct Headers {
    commit: Option<String>,
    etag: Option<String>,
    bytes: Option<u64>,
}

impl Headers {
    /// Takes what an answer of `address` says; where it sends us to.
    pub(super) fn take(&mut self, answer: &Response<Body>, address: &str) -> Option<String> {
        let text = |name: &str| header(answer, name);
        let number = |name: &str| text(name)?.parse().ok();
        // The size and tag of a redirection's own page mean nothing.
        let own = answer.status().is_success();
        let etag = || text("X-Linked-Etag").or_else(|| text("ETag").filter(|_| own));
        self.commit = self.commit.take().or_else(|| text("X-Repo-Commit"));
        self.etag = self.etag.take().or_else(etag).map(|etag| plain(&etag));
        self.bytes =
            self.bytes.or_else(|| number("X-Linked-Size").or_else(|| number("Content-Length").filter(|_| own)));
        let location = text("Location").filter(|_| answer.status().is_redirection())?;
        Some(absolute(&location, address))
    }

    pub(super) fn are_enough(&self) -> bool {
        self.commit.is_some() && self.etag.is_some() && self.bytes.is_some()
    }

    pub(super) fn into_remote(self, url: &str) -> Result<Remote> {
        let wrong = |reason: String| Error::NotAHub { url: url.to_owned(), reason };
        let name = |header: &str, value: Option<String>| {
            let value = value.ok_or_else(|| wrong(format!("has no {header}")))?;
            if is_file_name(&value) { Ok(value) } else { Err(wrong(format!("has the {header} `{value}`"))) }
        };
        Ok(Remote {
            commit: name("X-Repo-Commit", self.commit)?,
            etag: name("ETag", self.etag)?,
            bytes: self.bytes.ok_or_else(|| wrong("has no size".into()))?,
        })
    }
}

// Both become names in the cache.
fn is_file_name(value: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !value.is_empty() && value.len() < 200 && !value.starts_with('.') && value.bytes().all(letter)
}

// `W/"abc"` and `"abc"` are abc.
fn plain(etag: &str) -> String {
    etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"').to_owned()
}

fn absolute(location: &str, address: &str) -> String {
    if location.contains("://") {
        return location.to_owned();
    }
    let host_end = address.find("://").map_or(0, |at| at + 3);
    let host_end = address.get(host_end..).and_then(|rest| rest.find('/')).map_or(address.len(), |at| host_end + at);
    let host = address.get(..host_end).unwrap_or(address);
    format!("{host}/{}", location.trim_start_matches('/'))
}

fn header(answer: &Response<Body>, name: &str) -> Option<String> {
    Some(answer.headers().get(name)?.to_str().ok()?.trim().to_owned())
}

/// Whether a 404 is about the file, and not about its repository or revision.
pub(super) fn only_the_file_is_missing(answer: &Response<Body>) -> bool {
    header(answer, "X-Error-Code").is_none_or(|code| code == "EntryNotFound")
}

/// What to make of an answer that is no success.
pub(super) fn refused(url: &str, answer: &Response<Body>, token: Option<&Token>) -> Failure {
    let status = answer.status().as_u16();
    if matches!(status, 408 | 429 | 500..=599) {
        let what = if status == 429 { " (too many requests)" } else { "" };
        return Failure::Again { reason: format!("HTTP {status}{what}"), after: asked_wait(answer), progressed: false };
    }
    let advice = match (status, token) {
        (401, None) => "there is no such repository, or it wants a token: put one in HF_TOKEN".to_owned(),
        (401, Some(token)) => format!("the token of {} is not accepted", token.source),
        (403, None) => "its licence has to be accepted on its page first, with a token in HF_TOKEN".to_owned(),
        (403, Some(token)) => {
            format!(
                "the token of {} has no access: the licence has to be accepted on the model's page first",
                token.source
            )
        }
        (404, _) if header(answer, "X-Error-Code").as_deref() == Some("RevisionNotFound") => {
            "no such revision".to_owned()
        }
        (404, _) => "no such file or repository".to_owned(),
        _ => answer.status().canonical_reason().unwrap_or("refused").to_lowercase(),
    };
    Failure::Fatal(Error::Status { url: url.to_owned(), status, advice })
}

// `Retry-After: 30`, or the hub's own `RateLimit: "resolvers";r=0;t=30`.
fn asked_wait(answer: &Response<Body>) -> Option<Duration> {
    let plain = header(answer, "Retry-After").and_then(|value| value.parse().ok());
    let of_hub =
        || header(answer, "RateLimit")?.split(';').find_map(|part| part.trim().strip_prefix("t=")?.parse().ok());
    plain.or_else(of_hub).map(Duration::from_secs)
}

/// What to make of an answer that did not come.
pub(super) fn unreachable(url: &str, error: &ureq::Error) -> Failure {
    let text = error.to_string();
    let reason = text.lines().next().unwrap_or_default().trim().trim_start_matches("io: ").to_owned();
    let fatal = |reason: String| Failure::Fatal(Error::Connection { url: url.to_owned(), reason });
    match error {
        ureq::Error::HostNotFound => fatal(no_network(&reason)),
        ureq::Error::Io(_) if reason.contains("lookup address") => fatal(no_network(&reason)),
        ureq::Error::Io(error) if is_of_certificates(error) => fatal(certificates(&reason)),
        ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed | ureq::Error::Protocol(_) => {
            Failure::Again { reason, after: None, progressed: false }
        }
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => fatal(certificates(&reason)),
        _ => fatal(reason),
    }
}

fn no_network(reason: &str) -> String {
    format!("{reason}: no network? (docs/models.md says how to do without)")
}

fn is_of_certificates(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.to_string().contains("certificate"))
}

fn certificates(reason: &str) -> String {
    format!("{reason} (an institute's own certificates go into SSL_CERT_FILE)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_taken_out_of_their_quotes() {
        assert_eq!((plain("\"abc\""), plain("W/\"abc\""), plain("abc")), ("abc".into(), "abc".into(), "abc".into()));
    }

    #[test]
    fn relative_redirections() {
        let to = |location: &str| absolute(location, "http://host:80/org/name/resolve/main/x");
        assert_eq!(to("/other/x"), "http://host:80/other/x");
        assert_eq!(to("https://cdn/x?y=z"), "https://cdn/x?y=z");
    }

    #[test]
    fn headers_that_would_become_paths() {
        let remote = |commit: &str, etag: &str| {
            let headers = Headers { commit: Some(commit.to_owned()), etag: Some(etag.to_owned()), bytes: Some(1) };
            headers.into_remote("u").map_err(|error| error.to_string())
        };
        assert!(remote("abc", "def-12.3_x").is_ok());
        let end = ": is this a server of the Hugging Face hub (HF_ENDPOINT)?";
        assert_eq!(remote("abc", "../x").unwrap_err(), format!("u: the answer has the ETag `../x`{end}"));
        assert_eq!(remote("..", "x").unwrap_err(), format!("u: the answer has the X-Repo-Commit `..`{end}"));
        assert_eq!(remote("", "x").unwrap_err(), format!("u: the answer has the X-Repo-Commit ``{end}"));
    }
}
