use super::globals::{Class, Role};
use super::graph::{Id, Node};
use super::machine::Machine;
use super::opcode as op;
use crate::weights::problem::PytorchProblem;

impl Machine<'_> {
    /// Calls a class or function from the list, or makes an instance of it: each is a case here, nothing is executed.
    pub(super) fn reduce(&mut self, opcode: u8) -> Result<(), PytorchProblem> {
        if opcode == op::NEWOBJ_EX {
            self.pop()?; // keyword arguments
        }
        let [class, args] = self.pop_last()?;
        let (Node::Class(class), Node::Tuple(args)) = (self.node(class)?, self.node(args)?) else {
            return Err(self.reader.bad("a call of something else than a class"));
        };
        let (class, count) = (*class, args.len());
        let args = args.clone();
        self.charge_ids(count)?;
        match (class.role, args.as_slice()) {
            (Role::Parameter, [tensor, ..]) => self.stack.push(*tensor),
            (Role::Size, [tuple]) => self.stack.push(*tuple),
            _ => {
                let node = self.call(class, args)?;
                self.push(node);
            }
        }
        Ok(())
    }

    fn call(&mut self, class: Class, args: Vec<Id>) -> Result<Node, PytorchProblem> {
        match (class.role, args.as_slice()) {
            (Role::Dict | Role::DefaultDict, []) | (Role::DefaultDict, [_]) => Ok(Node::Dict(vec![])),
            (Role::Dict, [items]) | (Role::DefaultDict, [_, items]) => self.dictionary(*items),
            (Role::Set, []) => Ok(Node::Set(vec![])),
            (Role::Set, [items]) => self.items(*items).map(Node::Set),
            (Role::Encode, [text, _encoding]) => self.latin1(*text),
            (Role::Tensor, args) => self.tensor(args),
            (Role::TensorWithDtype, args) => self.tensor_with_dtype(args),
            (Role::Number, &[dtype, bytes]) => self.number(dtype, bytes),
            (Role::Inert, _) => Ok(Node::Object { class: class.path, args, state: None }),
            _ => Err(self.reader.bad("a call with unexpected arguments")),
        }
    }

    /// A copy of the items of a list, tuple or set.
    fn items(&mut self, id: Id) -> Result<Vec<Id>, PytorchProblem> {
        let items = match self.node(id)? {
            Node::List(items) | Node::Tuple(items) | Node::Set(items) => items.len(),
            _ => return Err(self.reader.bad("a call with unexpected arguments")),
        };
        self.charge_ids(items)?;
        match self.node(id)? {
            Node::List(items) | Node::Tuple(items) | Node::Set(items) => Ok(items.clone()),
            _ => Ok(vec![]),
        }
    }

    /// A dictionary from a list of pairs, as Python 2 wrote it, or from another dictionary.
    fn dictionary(&mut self, id: Id) -> Result<Node, PytorchProblem> {
        if let Node::Dict(pairs) = self.node(id)? {
            let count = 2 * pairs.len();
            let copy = self.node(id)?.clone();
            self.charge_ids(count)?;
            return Ok(copy);
        }
        let mut pairs = vec![];
        for item in self.items(id)? {
            match self.node(item)? {
                Node::List(pair) | Node::Tuple(pair) => match pair.as_slice() {
                    &[key, value] => pairs.push([key, value]),
                    _ => return Err(self.reader.bad("a key without a value")),
                },
                _ => return Err(self.reader.bad("a key without a value")),
            }
        }
        Ok(Node::Dict(pairs))
    }

    /// Bytes from text in which each letter is one byte.
    fn latin1(&mut self, id: Id) -> Result<Node, PytorchProblem> {
        let Node::Str(text) = self.node(id)? else {
            return Err(self.reader.bad("a call with unexpected arguments"));
        };
        let bytes: Option<Vec<u8>> = text.chars().map(|letter| u8::try_from(letter).ok()).collect();
        let bytes = bytes.ok_or_else(|| self.reader.bad("bytes with a letter outside Latin-1"))?;
        self.charge(bytes.len())?;
        Ok(Node::Bytes(bytes))
    }
}
