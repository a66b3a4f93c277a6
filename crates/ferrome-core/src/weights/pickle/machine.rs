use std::collections::HashMap;
use std::rc::Rc;

use super::graph::{Graph, Id, Node};
use super::opcode as op;
use super::reader::Reader;
use crate::weights::problem::PytorchProblem;
use crate::weights::storage::Storage;

/// Bytes of copies that are granted to every pickle, and those that each of its own bytes pays for.
const GRANTED: usize = 1 << 20;
const PER_BYTE: usize = 128;

/// The stack machine that a pickle programs.
#[derive(Debug)]
pub(super) struct Machine<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) nodes: Vec<Node>,
    pub(super) stack: Vec<Id>,
    /// Heights of the stack at each mark.
    pub(super) marks: Vec<usize>,
    pub(super) memo: HashMap<u32, Id>,
    pub(super) storages: HashMap<String, Rc<Storage>>,
    /// Bytes copied by calls, which can exceed the bytes of the pickle.
    copied: usize,
}

impl<'a> Machine<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Machine<'a> {
        Machine {
            reader: Reader::new(bytes),
            nodes: vec![],
            stack: vec![],
            marks: vec![],
            memo: HashMap::new(),
            storages: HashMap::new(),
            copied: 0,
        }
    }

    /// Runs until the pickle stops; every opcode consumes at least one byte, so that it does.
    pub(super) fn run(mut self) -> Result<Graph, PytorchProblem> {
        loop {
            let at = self.reader.position();
            match self.reader.byte()? {
                op::STOP => break,
                opcode => self.step(opcode, at)?,
            }
        }
        let root = self.pop()?;
        Ok(Graph { nodes: self.nodes, root, consumed: self.reader.position(), storages: self.storages })
    }

    fn step(&mut self, opcode: u8, at: usize) -> Result<(), PytorchProblem> {
        match opcode {
            op::PROTO => drop(self.reader.byte()?),
            op::FRAME => drop(self.reader.length8()?),
            op::MARK => self.marks.push(self.stack.len()),
            op::POP => drop(self.pop()?),
            op::POP_MARK => drop(self.pop_to_mark()?),
            op::DUP => {
                let top = self.pop()?;
                self.stack.extend([top, top]);
            }
            op::BINPUT | op::LONG_BINPUT | op::MEMOIZE => self.put(opcode)?,
            op::BINGET | op::LONG_BINGET => self.get(opcode)?,
            op::GLOBAL | op::STACK_GLOBAL => self.global(opcode)?,
            op::REDUCE | op::NEWOBJ | op::NEWOBJ_EX => self.reduce(opcode)?,
            op::BUILD => self.build()?,
            op::BINPERSID => self.persistent()?,
            _ if self.collect(opcode)? => (),
            _ => match self.scalar(opcode)? {
                Some(node) => self.push(node),
                None => return Err(PytorchProblem::UnsupportedOpcode { opcode, at }),
            },
        }
        Ok(())
    }

    /// Adds a node and puts it on the stack.
    pub(super) fn push(&mut self, node: Node) {
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
    }

    /// Takes the top of the stack, but nothing below the last mark.
    pub(super) fn pop(&mut self) -> Result<Id, PytorchProblem> {
        let floor = self.marks.last().copied().unwrap_or_default();
        let top = if self.stack.len() > floor { self.stack.pop() } else { None };
        top.ok_or_else(|| self.reader.bad("the stack is empty"))
    }

    /// Takes the last `N` values, the top last.
    pub(super) fn pop_last<const N: usize>(&mut self) -> Result<[Id; N], PytorchProblem> {
        let mut taken = [0; N];
        for slot in taken.iter_mut().rev() {
            *slot = self.pop()?;
        }
        Ok(taken)
    }

    /// Takes everything above the last mark, and the mark.
    pub(super) fn pop_to_mark(&mut self) -> Result<Vec<Id>, PytorchProblem> {
        let mark = self.marks.pop().ok_or_else(|| self.reader.bad("the mark is missing"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    pub(super) fn node(&self, id: Id) -> Result<&Node, PytorchProblem> {
        self.nodes.get(id).ok_or_else(|| self.reader.bad("an object is missing"))
    }

    /// Accounts for objects that a call copies, since a short pickle can ask for many calls on one large argument.
    pub(super) fn charge_ids(&mut self, count: usize) -> Result<(), PytorchProblem> {
        self.charge(count.saturating_mul(size_of::<Id>()))
    }

    /// Accounts for bytes that a call copies.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), PytorchProblem> {
        self.copied = self.copied.saturating_add(bytes);
        if self.copied > allowance(self.reader.position()) {
            return Err(PytorchProblem::PickleBomb { what: EXPANDS });
        }
        Ok(())
    }
}

/// What a pickle says that grows far beyond its bytes.
pub(super) const EXPANDS: &str = "its values take far more memory than its bytes";

/// How many bytes a pickle of this length may copy.
pub(super) fn allowance(length: usize) -> usize {
    length.saturating_mul(PER_BYTE).saturating_add(GRANTED)
}
