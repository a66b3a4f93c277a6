use super::graph::{Id, Node};
use super::machine::Machine;
use super::opcode as op;
use crate::weights::problem::PytorchProblem;

impl Machine<'_> {
    /// Runs an opcode that makes or fills a collection; `false` for any other opcode.
    pub(super) fn collect(&mut self, opcode: u8) -> Result<bool, PytorchProblem> {
        match opcode {
            op::EMPTY_LIST => self.push(Node::List(vec![])),
            op::EMPTY_TUPLE => self.push(Node::Tuple(vec![])),
            op::EMPTY_DICT => self.push(Node::Dict(vec![])),
            op::EMPTY_SET => self.push(Node::Set(vec![])),
            op::LIST | op::TUPLE | op::DICT | op::FROZENSET => {
                let items = self.pop_to_mark()?;
                let node = match opcode {
                    op::LIST => Node::List(items),
                    op::TUPLE => Node::Tuple(items),
                    op::DICT => Node::Dict(self.pairs(&items)?),
                    _ => Node::Set(items),
                };
                self.push(node);
            }
            op::TUPLE1 => self.tuple::<1>()?,
            op::TUPLE2 => self.tuple::<2>()?,
            op::TUPLE3 => self.tuple::<3>()?,
            op::APPEND | op::SETITEM | op::APPENDS | op::SETITEMS | op::ADDITEMS => {
                let items = match opcode {
                    op::APPEND => vec![self.pop()?],
                    op::SETITEM => self.pop_last::<2>()?.to_vec(),
                    _ => self.pop_to_mark()?,
                };
                self.fill(opcode, items)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn tuple<const N: usize>(&mut self) -> Result<(), PytorchProblem> {
        let items = self.pop_last::<N>()?;
        self.push(Node::Tuple(items.to_vec()));
        Ok(())
    }

    /// Adds items to the collection on top of the stack, which stays there.
    fn fill(&mut self, opcode: u8, items: Vec<Id>) -> Result<(), PytorchProblem> {
        let top = self.pop()?;
        self.stack.push(top);
        let pairs = if matches!(opcode, op::SETITEM | op::SETITEMS) { self.pairs(&items)? } else { vec![] };
        match (opcode, self.nodes.get_mut(top)) {
            (op::APPEND | op::APPENDS, Some(Node::List(list))) => list.extend(items),
            (op::SETITEM | op::SETITEMS, Some(Node::Dict(dict))) => dict.extend(pairs),
            (op::ADDITEMS, Some(Node::Set(set))) => set.extend(items),
            _ => return Err(self.reader.bad("items for an object that is no collection of that kind")),
        }
        Ok(())
    }

    /// Keys and values by turns, as pairs.
    fn pairs(&self, items: &[Id]) -> Result<Vec<[Id; 2]>, PytorchProblem> {
        match items.as_chunks() {
            (pairs, []) => Ok(pairs.to_vec()),
            _ => Err(self.reader.bad("a key without a value")),
        }
    }

    /// Sets the state of the object below the top of the stack.
    pub(super) fn build(&mut self) -> Result<(), PytorchProblem> {
        let [object, state] = self.pop_last()?;
        match self.nodes.get_mut(object) {
            Some(Node::Object { state: slot, .. }) => *slot = Some(state),
            // Attributes of a state dictionary, such as PyTorch's `_metadata`, and of a parameter say nothing to us.
            Some(Node::Dict(_) | Node::Tensor(_)) => (),
            _ => return Err(self.reader.bad("a state for an object that has none")),
        }
        self.stack.push(object);
        Ok(())
    }
}
