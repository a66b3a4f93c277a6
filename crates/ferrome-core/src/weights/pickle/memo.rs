use super::graph::Node;
use super::machine::Machine;
use super::{globals, opcode as op};
use crate::weights::problem::PytorchProblem;

impl Machine<'_> {
    /// Remembers the top of the stack.
    pub(super) fn put(&mut self, opcode: u8) -> Result<(), PytorchProblem> {
        let slot = match opcode {
            op::BINPUT => self.reader.byte()?.into(),
            op::LONG_BINPUT => u32::from_le_bytes(self.reader.array()?),
            _ => self.memo.len() as u32,
        };
        let top = self.pop()?;
        self.stack.push(top);
        self.memo.insert(slot, top);
        Ok(())
    }

    /// Puts a remembered object on the stack.
    pub(super) fn get(&mut self, opcode: u8) -> Result<(), PytorchProblem> {
        let slot = match opcode {
            op::BINGET => self.reader.byte()?.into(),
            _ => u32::from_le_bytes(self.reader.array()?),
        };
        let id = self.memo.get(&slot).copied().ok_or_else(|| self.reader.bad("the memo has no such entry"))?;
        self.stack.push(id);
        Ok(())
    }

    /// Looks up a class or function, and refuses any that is not on the list.
    pub(super) fn global(&mut self, opcode: u8) -> Result<(), PytorchProblem> {
        let class = if opcode == op::GLOBAL {
            let module = self.reader.line()?;
            globals::class(&module, &self.reader.line()?)?
        } else {
            let [module, name] = self.pop_last()?;
            match (self.node(module)?, self.node(name)?) {
                (Node::Str(module), Node::Str(name)) => globals::class(&short(module), &short(name))?,
                _ => return Err(self.reader.bad("the name of a global is not text")),
            }
        };
        self.push(Node::Class(class));
        Ok(())
    }
}

/// A name as a message shows it.
fn short(name: &str) -> String {
    name.bytes().take(1 << 10).flat_map(std::ascii::escape_default).map(char::from).collect()
}
