use std::collections::HashSet;

use super::graph::{Graph, Id, Node};
use super::machine::{EXPANDS, allowance};
use crate::weights::Value;
use crate::weights::problem::PytorchProblem;
use crate::weights::storage::StoredTensor;

/// Deepest nesting of values.
const DEEPEST: usize = 100;

/// What a pickle holds, tensors and configuration apart.
#[derive(Debug)]
pub(in crate::weights) struct Unpickled {
    /// Names are the keys on the way to the tensor, joined by dots.
    pub(in crate::weights) tensors: Vec<(String, StoredTensor)>,
    /// Always a dictionary.
    pub(in crate::weights) metadata: Value,
}

impl Graph {
    /// Tells tensors and configuration apart.
    pub(in crate::weights) fn export(&self) -> Result<Unpickled, PytorchProblem> {
        match self.nodes.get(self.root) {
            Some(Node::Dict(_)) => (),
            other => return Err(PytorchProblem::NotADictionary { kind: other.map_or("nothing", Node::kind) }),
        }
        let mut exporter = Exporter::new(self);
        let metadata = exporter.value(self.root, "", 0)?.unwrap_or(Value::Dict(vec![]));
        Ok(Unpickled { tensors: exporter.tensors, metadata })
    }

    /// The whole pickle as a value, without tensors.
    pub(in crate::weights) fn into_value(self) -> Result<Value, PytorchProblem> {
        Ok(Exporter::new(&self).value(self.root, "", 0)?.unwrap_or(Value::None))
    }
}

/// Walks the graph; shared objects are copied, within an allowance, and cycles are cut.
struct Exporter<'g> {
    graph: &'g Graph,
    tensors: Vec<(String, StoredTensor)>,
    /// Containers on the way from the root.
    open: HashSet<Id>,
    allowance: usize,
}

impl<'g> Exporter<'g> {
    fn new(graph: &'g Graph) -> Exporter<'g> {
        Exporter { graph, tensors: vec![], open: HashSet::new(), allowance: allowance(graph.consumed) }
    }

    /// The value of a node, or `None` when it is a tensor or holds nothing but tensors.
    fn value(&mut self, id: Id, name: &str, depth: usize) -> Result<Option<Value>, PytorchProblem> {
        if depth > DEEPEST {
            return Err(PytorchProblem::PickleBomb { what: "its values are nested deeper than 100 levels" });
        }
        let graph = self.graph;
        let node = graph.nodes.get(id).unwrap_or(&Node::None);
        self.charge(size_of::<Value>())?;
        Ok(Some(match node {
            Node::None => Value::None,
            Node::Bool(value) => Value::Bool(*value),
            Node::Int(value) => Value::Int(*value),
            Node::Float(value) => Value::Float(*value),
            Node::Class(class) => Value::Class(class.path.to_owned()),
            Node::Storage(_) => return Ok(None),
            Node::Str(text) => {
                self.charge(text.len())?;
                Value::Str(text.clone())
            }
            Node::Bytes(bytes) => {
                self.charge(bytes.len())?;
                Value::Bytes(bytes.clone())
            }
            Node::Tensor(tensor) => {
                self.charge(name.len() + size_of_val(&**tensor) + 2 * size_of_val(tensor.shape.as_slice()))?;
                self.tensors.push((name.to_owned(), (**tensor).clone()));
                return Ok(None);
            }
            _ => return self.container(id, node, name, depth + 1),
        }))
    }

    fn container(&mut self, id: Id, node: &Node, name: &str, depth: usize) -> Result<Option<Value>, PytorchProblem> {
        if !self.open.insert(id) {
            return Ok(Some(Value::Cycle));
        }
        let value = match node {
            Node::List(items) => self.sequence(items, name, depth)?.map(Value::List),
            Node::Tuple(items) => self.sequence(items, name, depth)?.map(Value::Tuple),
            Node::Set(items) => self.sequence(items, name, depth)?.map(Value::Set),
            Node::Dict(pairs) => self.dictionary(pairs, name, depth)?,
            Node::Object { class, args, state } => {
                let args = self.sequence(args, name, depth)?.unwrap_or_default();
                let state = state.map(|state| self.value(state, name, depth)).transpose()?.flatten();
                Some(Value::Object { class: (*class).to_owned(), args, state: Box::new(state.unwrap_or(Value::None)) })
            }
            _ => None,
        };
        self.open.remove(&id);
        Ok(value)
    }

    fn sequence(&mut self, items: &[Id], name: &str, depth: usize) -> Result<Option<Vec<Value>>, PytorchProblem> {
        let mut values = vec![];
        for (index, &item) in items.iter().enumerate() {
            let name = self.join(name, item, || index.to_string())?;
            values.extend(self.value(item, &name, depth)?);
        }
        Ok((items.is_empty() || !values.is_empty()).then_some(values))
    }

    fn dictionary(&mut self, pairs: &[[Id; 2]], name: &str, depth: usize) -> Result<Option<Value>, PytorchProblem> {
        let mut entries = vec![];
        for &[key, value] in pairs {
            let Some(key) = self.value(key, "", depth)? else { continue };
            let name = self.join(name, value, || label(&key))?;
            entries.extend(self.value(value, &name, depth)?.map(|value| (key, value)));
        }
        Ok((pairs.is_empty() || !entries.is_empty()).then_some(Value::Dict(entries)))
    }

    /// The name of the item `id` of the container `name`; scalars need none.
    fn join(&mut self, name: &str, id: Id, key: impl FnOnce() -> String) -> Result<String, PytorchProblem> {
        if !self.graph.nodes.get(id).is_some_and(Node::can_hold_tensors) {
            return Ok(String::new());
        }
        let key = key();
        self.charge(name.len() + 1 + key.len())?;
        Ok(if name.is_empty() { key } else { format!("{name}.{key}") })
    }

    fn charge(&mut self, bytes: usize) -> Result<(), PytorchProblem> {
        self.allowance = self.allowance.checked_sub(bytes).ok_or(PytorchProblem::PickleBomb { what: EXPANDS })?;
        Ok(())
    }
}

/// How a key appears in the name of a tensor.
fn label(key: &Value) -> String {
    match key {
        Value::Str(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Float(number) => number.to_string(),
        _ => "object".to_owned(),
    }
}
