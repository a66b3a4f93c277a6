use std::collections::HashMap;
use std::rc::Rc;

use super::globals::Class;
use crate::weights::storage::{Storage, StoredTensor};

/// A node, by its position in [`Graph::nodes`].
pub(super) type Id = usize;

/// The objects that a pickle builds; references may be shared and cyclic.
#[derive(Debug)]
pub(in crate::weights) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) root: Id,
    /// Bytes of the pickle.
    pub(in crate::weights) consumed: usize,
    /// Every storage that the pickle mentions.
    pub(in crate::weights) storages: HashMap<String, Rc<Storage>>,
}

/// One object.
#[derive(Clone, Debug)]
pub(super) enum Node {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Set(Vec<Id>),
    Dict(Vec<[Id; 2]>),
    Class(Class),
    Object { class: &'static str, args: Vec<Id>, state: Option<Id> },
    Storage(Rc<Storage>),
    Tensor(Box<StoredTensor>),
}

impl Node {
    /// Whether this is a tensor or a container.
    pub(super) fn can_hold_tensors(&self) -> bool {
        use Node::{Dict, List, Object, Set, Tensor, Tuple};
        matches!(self, List(_) | Tuple(_) | Set(_) | Dict(_) | Object { .. } | Tensor(_))
    }

    /// The kind of object, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Node::None => "None",
            Node::Bool(_) => "truth value",
            Node::Int(_) | Node::Float(_) => "number",
            Node::Str(_) | Node::Bytes(_) => "string",
            Node::List(_) => "list",
            Node::Tuple(_) => "tuple",
            Node::Set(_) => "set",
            Node::Dict(_) => "dictionary",
            Node::Class(_) => "class",
            Node::Object { .. } => "configuration object",
            Node::Storage(_) => "bare storage",
            Node::Tensor(_) => "bare tensor",
        }
    }
}
