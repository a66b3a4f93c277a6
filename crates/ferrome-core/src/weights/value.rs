use super::pickle;
use super::problem::PytorchProblem;

/// What a checkpoint holds beside its tensors: configuration, as inert data.
///
/// Nothing here was executed: an instance of a Python class is kept as its name, its arguments and its state.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Python's `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// An integer; larger ones than 128 bits are refused.
    Int(i128),
    /// A floating-point number.
    Float(f64),
    /// Text.
    Str(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// A tuple or a `torch.Size`.
    Tuple(Vec<Value>),
    /// A set or frozen set, in file order.
    Set(Vec<Value>),
    /// A dictionary of any kind, in file order; tensors are left out.
    Dict(Vec<(Value, Value)>),
    /// A class, function or dtype that is mentioned, such as `torch.float32`.
    Class(String),
    /// An instance of a configuration class.
    Object {
        /// Such as `argparse.Namespace`.
        class: String,
        /// Arguments of its constructor.
        args: Vec<Value>,
        /// Its attributes, usually a dictionary.
        state: Box<Value>,
    },
    /// A reference to a value that contains this one (omegaconf nodes refer to their parents).
    Cycle,
}

impl Value {
    /// Reads a pickle that holds plain data: numbers (NumPy's as well), text, bytes and collections of them, but no tensors.
    ///
    /// Nothing is executed; a class or function outside a short list is refused by name. Memory stays proportional to
    /// the number of bytes. The format is that of Python's `pickle`, protocols 2 to 5.
    ///
    /// # Errors
    /// A [`PytorchProblem`]: the pickle is damaged, refused or followed by other bytes.
    ///
    /// ```
    /// use ferrome_core::weights::Value;
    ///
    /// let pickle = b"\x80\x04}\x94\x8c\x05<pad>\x94K\0s.";
    /// let value = Value::from_pickle(pickle)?;
    /// assert_eq!(value.get("<pad>").and_then(Value::as_int), Some(0));
    /// assert_eq!(Value::from_pickle(b"cos\nsystem\n.").unwrap_err().to_string(), "refused pickle global `os.system`");
    /// # Ok::<(), ferrome_core::weights::PytorchProblem>(())
    /// ```
    pub fn from_pickle(bytes: &[u8]) -> Result<Value, PytorchProblem> {
        let graph = pickle::read(bytes)?;
        match bytes.len() - graph.consumed {
            0 => graph.into_value(),
            _ => Err(PytorchProblem::BadPickle { at: graph.consumed, what: "other bytes follow its end" }),
        }
    }

    /// The value under `key` of a dictionary, a namespace or an omegaconf container.
    ///
    /// ```
    /// use ferrome_core::weights::Value;
    ///
    /// let state = Value::Dict(vec![(Value::Str("layers".into()), Value::Int(6))]);
    /// let args = Value::Object { class: "argparse.Namespace".into(), args: vec![], state: Box::new(state) };
    /// assert_eq!(args.get("layers").and_then(Value::as_int), Some(6));
    /// assert_eq!(args.get("heads"), None);
    /// ```
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Dict(_) => self.entry(key).map(Value::without_node),
            Value::Object { state, .. } => state.entry("_content").unwrap_or(state).get(key),
            _ => None,
        }
    }

    /// The entry of a dictionary; the last one counts, as in Python.
    fn entry(&self, key: &str) -> Option<&Value> {
        let Value::Dict(entries) = self else { return None };
        entries.iter().rev().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
    }

    /// What an omegaconf node stands for.
    fn without_node(&self) -> &Value {
        match self {
            Value::Object { class, state, .. } if class.starts_with("omegaconf.nodes.") => {
                state.entry("_val").unwrap_or(self)
            }
            _ => self,
        }
    }

    /// The integer, when this is one that fits.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(value) => i64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// The number as a float, when this is a float or an integer.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Value::Float(value) => Some(*value),
            Value::Int(value) => Some(*value as f64),
            _ => None,
        }
    }

    /// The truth value, when this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The text, when this is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(value) => Some(value),
            _ => None,
        }
    }

    /// Adds those entries of `other` whose keys are new; both are dictionaries.
    pub(super) fn extend(&mut self, other: Value) {
        if let (Value::Dict(entries), Value::Dict(others)) = (self, other) {
            for (key, value) in others {
                if !entries.iter().any(|(known, _)| *known == key) {
                    entries.push((key, value));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dict(key: &str, value: Value) -> Value {
        Value::Dict(vec![(Value::Str(key.into()), value)])
    }

    fn object(class: &str, state: Value) -> Value {
        Value::Object { class: class.into(), args: vec![], state: Box::new(state) }
    }

    #[test]
    fn get_looks_through_omegaconf_containers_and_nodes() {
        let node = object("omegaconf.nodes.AnyNode", dict("_val", Value::Int(33)));
        let config = object("omegaconf.dictconfig.DictConfig", dict("_content", dict("layers", node)));
        assert_eq!(config.get("layers").and_then(Value::as_int), Some(33));
        assert_eq!(config.get("layers").and_then(Value::as_float), Some(33.0));
        assert_eq!(config.get("layers").and_then(Value::as_bool), None);
    }

    #[test]
    fn pickle_with_bytes_behind_its_end() {
        let message = Value::from_pickle(b"N.N.").unwrap_err().to_string();
        assert_eq!(message, "damaged pickle at byte 2: other bytes follow its end");
    }

    #[test]
    fn extend_keeps_the_first_of_two_entries() {
        let mut first = dict("args", Value::Int(1));
        first.extend(dict("args", Value::Int(2)));
        first.extend(dict("cfg", Value::Bool(true)));
        assert_eq!(first.get("args"), Some(&Value::Int(1)));
        assert_eq!(first.get("cfg").and_then(Value::as_bool), Some(true));
    }
}
