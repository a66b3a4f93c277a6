//! One file, whole and checked, under its final name.

use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};

use fs_err::{File, OpenOptions};
use ureq::{Body, http::Response};

use crate::{
    Error, Result,
    check::Received,
    client::Client,
    plan::Planned,
    retry::{Failure, Patience},
    store::Store,
};

/// What a download needs besides the file.
pub(crate) struct Fetcher<'a> {
    pub(crate) client: &'a Client,
    pub(crate) store: &'a Store,
    pub(crate) patience: Patience<'a>,
}

impl Fetcher<'_> {
    /// Downloads a file unless it is there; whether anything had to be downloaded.
    pub(crate) fn fetch(&self, file: &Planned) -> Result<bool> {
        let progress = self.patience.progress;
        progress.file(&file.path);
        let blob = self.store.blob(&file.remote.etag);
        let is_there = || std::fs::metadata(&blob).is_ok_and(|there| there.len() == file.expected.bytes);
        let lock = if is_there() { None } else { Some(self.store.lock(&file.remote.etag, &self.patience)?) };
        if is_there() {
            progress.found(file.expected.bytes);
            return Ok(false);
        }
        let resumed = self.attempt(file)?;
        if let Err(error) = resumed.result {
            if !resumed.earlier {
                return Err(error);
            }
            progress.say(&format!("{}: what an earlier run left is damaged; starting anew", file.path));
            progress.lost(file.expected.bytes);
            self.attempt(file)?.result?;
        }
        drop(lock);
        Ok(true)
    }

    fn attempt(&self, file: &Planned) -> Result<Attempt> {
        let mut part = Part::open(self, file)?;
        let earlier = part.furthest > 0;
        self.patience.persist(&file.url, || part.go_on(self))?;
        Ok(Attempt { earlier, result: part.finish() })
    }
}

/// A file that came to its end, right or wrong.
struct Attempt {
    /// Whether an earlier run had begun it.
    earlier: bool,
    result: Result<()>,
}

/// A file that is not whole yet.
struct Part<'a> {
    planned: &'a Planned,
    store: &'a Store,
    file: File,
    received: Received,
    /// How far any connection got.
    furthest: u64,
}

impl<'a> Part<'a> {
    // Goes on where an earlier run stopped.
    fn open(fetcher: &Fetcher<'a>, planned: &'a Planned) -> Result<Self> {
        let path = fetcher.store.incomplete(&planned.remote.etag);
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut received = Received::new(&planned.expected);
        received.push_file(&mut file, |bytes| fetcher.patience.progress.found(bytes))?;
        let furthest = received.bytes();
        Ok(Self { planned, store: fetcher.store, file, received, furthest })
    }

    fn is_whole(&self) -> bool {
        self.received.bytes() == self.planned.expected.bytes
    }

    // One connection.
    fn go_on(&mut self, fetcher: &Fetcher<'_>) -> Result<(), Failure> {
        if self.received.bytes() > self.planned.expected.bytes {
            self.start_again(fetcher)?;
        }
        if self.is_whole() {
            return Ok(());
        }
        let answer = fetcher.client.get(&self.planned.url, self.received.bytes())?;
        if first_byte(&answer) != Some(self.received.bytes()) {
            self.start_again(fetcher)?;
            if answer.status() != 200 {
                let reason = "the server sent another range than was asked for".to_owned();
                return Err(Failure::Again { reason, after: None, progressed: false });
            }
        }
        self.take(answer, fetcher)?;
        let progressed = self.received.bytes() > self.furthest;
        self.furthest = self.furthest.max(self.received.bytes());
        if self.is_whole() {
            return Ok(());
        }
        let (found, expected) = (self.received.bytes(), self.planned.expected.bytes);
        let reason = format!("the connection ended after {found} of {expected} bytes");
        Err(Failure::Again { reason, after: None, progressed })
    }

    // Writes what comes until it ends, however it ends.
    fn take(&mut self, answer: Response<Body>, fetcher: &Fetcher<'_>) -> Result<()> {
        let mut body = answer.into_body().into_reader();
        let mut buffer = vec![0; 1 << 17];
        self.file.seek(SeekFrom::Start(self.received.bytes()))?;
        loop {
            if fetcher.patience.interrupt.is_raised() {
                return Err(Error::Interrupted);
            }
            let count = match body.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Ok(()), // what is missing is asked for again
            };
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
            self.file.write_all(bytes)?;
            self.received.push(bytes);
            fetcher.patience.progress.received(count as u64);
            if self.received.bytes() > self.planned.expected.bytes {
                let (url, found) = (self.planned.url.clone(), self.received.bytes());
                self.discard()?;
                return Err(Error::WrongSize { url, expected: self.planned.expected.bytes, found });
            }
        }
    }

    fn start_again(&mut self, fetcher: &Fetcher<'_>) -> Result<()> {
        fetcher.patience.progress.lost(self.received.bytes());
        self.file.set_len(0)?;
        self.received = Received::new(&self.planned.expected);
        Ok(())
    }

    fn discard(&self) -> Result<()> {
        Ok(fs_err::remove_file(self.store.incomplete(&self.planned.remote.etag))?)
    }

    // The final name is for what is right.
    fn finish(self) -> Result<()> {
        let Self { planned, store, file, received, .. } = self;
        let incomplete = store.incomplete(&planned.remote.etag);
        if let Err(error) = received.compare(&planned.expected, &planned.url) {
            fs_err::remove_file(incomplete)?;
            return Err(error);
        }
        file.sync_all()?;
        Ok(fs_err::rename(incomplete, store.blob(&planned.remote.etag))?)
    }
}

// Where the bytes of an answer belong: a server that does not know ranges begins at the start.
fn first_byte(answer: &Response<Body>) -> Option<u64> {
    match answer.status().as_u16() {
        200 => Some(0),
        206 => {
            let range = answer.headers().get("Content-Range")?.to_str().ok()?;
            range.trim().strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
        }
        _ => None,
    }
}
