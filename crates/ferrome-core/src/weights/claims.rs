use std::collections::BTreeSet;

use super::{Checkpoint, DType, Problem, TensorInfo};
use crate::{Error, Result};

/// How many names of each kind a message lists.
const LISTED: usize = 10;

/// The tensors that a model asks for, so that one error lists all that are missing, misshapen or left over.
#[derive(Debug)]
pub struct Claims<'c> {
    checkpoint: &'c Checkpoint,
    taken: BTreeSet<String>,
    allowed: Vec<String>,
    missing: Vec<String>,
    misshapen: Vec<String>,
    foreign: Vec<String>,
}

impl<'c> Claims<'c> {
    /// No claims yet on `checkpoint`.
    pub fn new(checkpoint: &'c Checkpoint) -> Claims<'c> {
        Claims {
            checkpoint,
            taken: BTreeSet::new(),
            allowed: vec![],
            missing: vec![],
            misshapen: vec![],
            foreign: vec![],
        }
    }

    /// Allows tensors that the model does not use, such as known buffers; `*` in `pattern` stands for any text.
    pub fn allow_left_over(&mut self, pattern: &str) {
        self.allowed.push(pattern.to_owned());
    }

    /// Claims the tensor `name` of this shape; `None` when it is missing, misshapen or of a dtype that is not computed
    /// with, which [`Claims::finish`] reports.
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Option<&'c TensorInfo> {
        let Some(info) = self.checkpoint.info(name) else {
            self.missing.push(name.to_owned());
            return None;
        };
        self.taken.insert(name.to_owned());
        if info.shape != shape {
            self.misshapen.push(format!("`{name}` is {:?}, expected {shape:?}", info.shape));
            return None;
        }
        if let DType::Foreign(_) = info.dtype {
            self.foreign.push(format!("`{name}` is {}", info.dtype));
            return None;
        }
        Some(info)
    }

    /// Checks that every claim was met and that nothing is left over.
    ///
    /// # Errors
    /// One error that names the first ten tensors of each kind and says how many there are.
    pub fn finish(self) -> Result<()> {
        let left_over: Vec<String> = self
            .checkpoint
            .names()
            .filter(|name| !self.taken.contains(*name) && !self.allowed.iter().any(|pattern| matches(pattern, name)))
            .map(str::to_owned)
            .collect();
        let kinds = [("missing", &self.missing), ("left over", &left_over)];
        let mut faults: Vec<String> = kinds
            .iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(kind, names)| format!("{} {kind}: {}", names.len(), listed(names)))
            .collect();
        let kinds = [("of another shape", &self.misshapen), ("of a dtype that is not supported", &self.foreign)];
        let kinds = kinds.iter().filter(|(_, found)| !found.is_empty());
        faults.extend(kinds.map(|(kind, found)| format!("{} {kind}: {}", found.len(), first_ten(found))));
        if faults.is_empty() {
            return Ok(());
        }
        Err(Error::weights(self.checkpoint.path(), Problem::DoNotFit { faults }))
    }
}

/// The first ten names in backquotes.
pub(super) fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().take(LISTED + 1).map(|name| format!("`{name}`")).collect();
    first_ten(&quoted)
}

/// The first ten items, and whether there are more.
fn first_ten(items: &[String]) -> String {
    items.get(..LISTED).map_or_else(|| items.join(", "), |first| first.join(", ") + more(items))
}

/// The mark of a list that goes on.
fn more(items: &[String]) -> &'static str {
    if items.len() > LISTED { ", …" } else { "" }
}

/// Whether `name` is `pattern`, in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == name };
    let Some(rest) = name.strip_prefix(head) else { return false };
    (0..=rest.len()).filter_map(|at| rest.get(at..)).any(|rest| matches(tail, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::safetensors::tests::file;

    fn checkpoint(names: &[&str]) -> Checkpoint {
        let mut at = 0;
        let mut entry = |name: &&str| {
            at += 8;
            format!(r#""{name}":{{"dtype":"F32","shape":[2],"data_offsets":[{},{at}]}}"#, at - 8)
        };
        let header: Vec<String> = names.iter().map(&mut entry).collect();
        let bytes = file(&format!("{{{}}}", header.join(",")), names.len() * 8);
        Checkpoint::from_bytes("m.safetensors".as_ref(), bytes).unwrap()
    }

    #[test]
    fn finish_lists_missing_misshapen_and_left_over_in_one_line() {
        let checkpoint = checkpoint(&["a", "b", "c", "layers.0.inv_freq"]);
        let mut claims = Claims::new(&checkpoint);
        claims.allow_left_over("layers.*.inv_freq");
        assert!(claims.take("a", &[2]).is_some());
        assert!(claims.take("b", &[2, 3]).is_none());
        assert!(claims.take("x", &[2]).is_none());
        assert_eq!(
            claims.finish().unwrap_err().to_string(),
            "m.safetensors: weights do not fit the model: 1 missing: `x`; 1 left over: `c`; \
             1 of another shape: `b` is [2], expected [2, 3]"
        );
    }

    #[test]
    fn finish_lists_only_the_first_ten() {
        let checkpoint = checkpoint(&["a"]);
        let mut claims = Claims::new(&checkpoint);
        claims.allow_left_over("*");
        for i in 0..12 {
            assert!(claims.take(&format!("w{i}"), &[2]).is_none());
        }
        assert_eq!(
            claims.finish().unwrap_err().to_string(),
            "m.safetensors: weights do not fit the model: 12 missing: \
             `w0`, `w1`, `w2`, `w3`, `w4`, `w5`, `w6`, `w7`, `w8`, `w9`, …"
        );
    }

    #[test]
    fn foreign_dtype_is_refused_only_where_it_is_asked_for() {
        let header = r#"{"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]},
                         "b":{"dtype":"U64","shape":[1],"data_offsets":[2,10]}}"#;
        let checkpoint = Checkpoint::from_bytes("m.safetensors".as_ref(), file(header, 10)).unwrap();
        let mut claims = Claims::new(&checkpoint);
        claims.allow_left_over("*");
        claims.finish().unwrap();
        let mut claims = Claims::new(&checkpoint);
        assert!(claims.take("a", &[2]).is_none());
        assert_eq!(
            claims.finish().unwrap_err().to_string(),
            "m.safetensors: weights do not fit the model: 1 left over: `b`; \
             1 of a dtype that is not supported: `a` is F8_E4M3"
        );
    }

    #[test]
    fn finish_of_met_claims_is_ok() {
        let checkpoint = checkpoint(&["a", "b"]);
        let mut claims = Claims::new(&checkpoint);
        claims.take("a", &[2]);
        claims.take("b", &[2]);
        claims.finish().unwrap();
    }

    #[test]
    fn patterns() {
        assert!(matches("a.*.c*", "a.b.cd"));
        assert!(!matches("a.*.c", "a.b.cd"));
        assert!(!matches("a", "ab"));
    }
}
