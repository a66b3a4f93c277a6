//! A folder to run `ferrome` in, so that messages name files as a user would.

use std::fmt::Display;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use super::root;
use super::table::Table;

/// The binary under test.
pub(crate) const FERROME: &str = env!("CARGO_BIN_EXE_ferrome");

/// What decides where models are found; a test sets what it needs.
const LOOKED_AT: [&str; 8] = [
    "HF_HUB_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "HF_HOME",
    "HF_ENDPOINT",
    "TORCH_HOME",
    "XDG_CACHE_HOME",
    "FERROME_WEIGHTS",
    "COLUMNS",
];

/// An empty folder, but for `golden` and `specimens`, which lead to those of the repository.
pub(crate) struct Place {
    folder: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        symlink(root().join("tests/golden"), folder.path().join("golden")).unwrap();
        symlink(root().join("tests/specimens/fasta"), folder.path().join("specimens")).unwrap();
        Self { folder }
    }

    /// The full path of `name`.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, content).unwrap();
    }

    /// Writes one FASTA record per pair of id and sequence.
    pub(crate) fn fasta(&self, name: &str, records: &[(impl Display, impl Display)]) {
        let text: String = records.iter().map(|(id, sequence)| format!(">{id}\n{sequence}\n")).collect();
        self.write(name, text);
    }

    pub(crate) fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        fs_err::read(self.path(name)).unwrap()
    }

    pub(crate) fn text(&self, name: impl AsRef<Path>) -> String {
        fs_err::read_to_string(self.path(name)).unwrap()
    }

    /// The rows of a Parquet file, an Arrow file, or a folder of parts.
    pub(crate) fn table(&self, name: impl AsRef<Path>) -> Table {
        Table::read(&self.path(name))
    }

    /// Names in a folder, sorted.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs_err::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }

    /// `ferrome WORDS` in this folder; `line` is split at blanks.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(FERROME);
        command.args(line.split_whitespace());
        self.settle(&mut command);
        command
    }

    /// Gives a command this folder and an environment in which no model is found by chance.
    pub(crate) fn settle(&self, command: &mut Command) {
        command.current_dir(self.folder.path()).env("HOME", self.path("home")).stdin(Stdio::null());
        for name in LOOKED_AT {
            command.env_remove(name);
        }
    }

    /// Runs `ferrome WORDS` to its end.
    pub(crate) fn run(&self, line: &str) -> Ended {
        Ended::of(self.command(line).output().unwrap())
    }

    /// Runs `ferrome WORDS`, which must succeed; what it said.
    pub(crate) fn done(&self, line: &str) -> String {
        let ended = self.run(line);
        assert_eq!(ended.code, Some(0), "ferrome {line}\n{}", ended.stderr);
        ended.stderr
    }

    /// Runs `ferrome protein embed WORDS`, which must succeed; what it said.
    pub(crate) fn embed(&self, line: &str) -> String {
        self.done(&format!("protein embed {line}"))
    }

    /// Runs `ferrome protein embed WORDS`, which must fail with exit code 1, one line and an empty stdout; the line
    /// without `error: `.
    pub(crate) fn refused(&self, line: &str) -> String {
        self.run(&format!("protein embed {line}")).refusal()
    }

    /// `ferrome WORDS` with something on its standard input.
    pub(crate) fn piped(&self, line: &str, input: &[u8]) -> Ended {
        let mut command = self.command(line);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Ended::of(child.wait_with_output().unwrap())
    }

    /// Starts `ferrome WORDS` and leaves it running.
    pub(crate) fn start(&self, line: &str) -> Child {
        self.command(line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The only line of a run that its input stopped.
    pub(crate) fn refusal(&self) -> String {
        assert_eq!((self.code, self.stdout.as_str()), (Some(1), ""), "{}", self.stderr);
        self.message()
    }

    /// The only line on stderr, without `error: `.
    pub(crate) fn message(&self) -> String {
        let line = self.stderr.strip_suffix('\n').unwrap_or(&self.stderr);
        assert!(!line.contains('\n'), "more than one line: {line}");
        line.strip_prefix("error: ").unwrap_or_else(|| panic!("no error: {line}")).to_owned()
    }
}
