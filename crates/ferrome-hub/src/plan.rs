//! Which files a model is, as the server has them now.

use ferrome_core::weights::Entry;

use crate::{
    Error, Result,
    check::Expected,
    client::{Client, Remote},
    retry::Patience,
};

/// A file to get.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    /// In the repository.
    pub(crate) path: String,
    pub(crate) url: String,
    pub(crate) remote: Remote,
    pub(crate) expected: Expected,
}

/// Asks for the files of one model, all at the commit that the first answer names.
pub(crate) struct Planner<'a> {
    client: &'a Client,
    patience: Patience<'a>,
    entry: &'a Entry,
    repository: &'a str,
    commit: Option<String>,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(client: &'a Client, patience: Patience<'a>, entry: &'a Entry, repository: &'a str) -> Self {
        Self { client, patience, entry, repository, commit: None }
    }

    /// The commit that all files are of.
    pub(crate) fn commit(&self) -> &str {
        self.commit.as_deref().unwrap_or(&self.entry.revision)
    }

    /// Everything but the shards of an index; the weights last.
    pub(crate) fn files(&mut self) -> Result<Vec<Planned>> {
        let mut files = Vec::new();
        for path in &self.entry.files {
            files.push(self.file(path)?);
        }
        for path in &self.entry.optional {
            files.extend(self.ask(path)?);
        }
        for path in &self.entry.weights {
            if let Some(weights) = self.ask(path)? {
                files.push(weights);
                return Ok(files);
            }
        }
        Err(Error::NoWeights { repository: self.repository.to_owned(), looked: self.entry.weights.clone() })
    }

    /// A file that has to be there.
    pub(crate) fn file(&mut self, path: &str) -> Result<Planned> {
        let missing = Error::Status {
            url: self.client.url(self.repository, self.commit(), path),
            status: 404,
            advice: "no such file or repository".to_owned(),
        };
        self.ask(path)?.ok_or(missing)
    }

    fn ask(&mut self, path: &str) -> Result<Option<Planned>> {
        let url = self.client.url(self.repository, self.commit(), path);
        let Some(remote) = self.patience.persist(&url, || self.client.head(&url))? else { return Ok(None) };
        self.commit.get_or_insert_with(|| remote.commit.clone());
        let expected = expected(&remote, self.entry, path, &url)?;
        Ok(Some(Planned { path: path.to_owned(), url, remote, expected }))
    }
}

// What the server announces must be what was published, where that is known.
fn expected(remote: &Remote, entry: &Entry, path: &str, url: &str) -> Result<Expected> {
    let mut expected = Expected::of_server(remote.bytes, &remote.etag);
    let Some(known) = entry.known.get(path) else { return Ok(expected) };
    if let Some(bytes) = known.bytes.filter(|&bytes| bytes != remote.bytes) {
        return Err(Error::WrongSize { url: url.to_owned(), expected: bytes, found: remote.bytes });
    }
    match (&known.sha256, &expected.sha256) {
        (Some(published), Some(announced)) if published != announced => {
            let (expected, found) = (published.clone(), announced.clone());
            Err(Error::WrongChecksum { url: url.to_owned(), kind: "sha256", expected, found })
        }
        (Some(published), _) => {
            expected.sha256 = Some(published.clone());
            Ok(expected)
        }
        (None, _) => Ok(expected),
    }
}
