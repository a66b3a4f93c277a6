use super::graph::Node;
use super::machine::Machine;
use super::opcode as op;
use crate::weights::problem::PytorchProblem;

impl Machine<'_> {
    /// Reads the value of an opcode that stands for one; `None` for any other opcode.
    pub(super) fn scalar(&mut self, opcode: u8) -> Result<Option<Node>, PytorchProblem> {
        let reader = &mut self.reader;
        Ok(Some(match opcode {
            op::NONE => Node::None,
            op::NEWTRUE => Node::Bool(true),
            op::NEWFALSE => Node::Bool(false),
            op::BININT => Node::Int(i32::from_le_bytes(reader.array()?).into()),
            op::BININT1 => Node::Int(reader.byte()?.into()),
            op::BININT2 => Node::Int(u16::from_le_bytes(reader.array()?).into()),
            op::BINFLOAT => Node::Float(f64::from_be_bytes(reader.array()?)),
            op::LONG1 | op::LONG4 => Node::Int(self.long(opcode)?),
            op::BINUNICODE | op::SHORT_BINUNICODE | op::BINUNICODE8 => {
                let text = self.counted(opcode)?.to_vec();
                Node::Str(String::from_utf8(text).map_err(|_| self.reader.bad("text is not UTF-8"))?)
            }
            // Python 2 wrote text and bytes alike.
            op::BINSTRING | op::SHORT_BINSTRING => match String::from_utf8(self.counted(opcode)?.to_vec()) {
                Ok(text) => Node::Str(text),
                Err(error) => Node::Bytes(error.into_bytes()),
            },
            op::BINBYTES | op::SHORT_BINBYTES | op::BINBYTES8 => Node::Bytes(self.counted(opcode)?.to_vec()),
            _ => return Ok(None),
        }))
    }

    /// Reads a length and as many bytes.
    fn counted(&mut self, opcode: u8) -> Result<&[u8], PytorchProblem> {
        let length = match opcode {
            op::SHORT_BINUNICODE | op::SHORT_BINSTRING | op::SHORT_BINBYTES | op::LONG1 => self.reader.byte()?.into(),
            op::BINUNICODE8 | op::BINBYTES8 => self.reader.length8()?,
            _ => self.reader.length4()?,
        };
        self.reader.take(length)
    }

    /// Reads an integer in two's complement, lowest byte first.
    fn long(&mut self, opcode: u8) -> Result<i128, PytorchProblem> {
        let bytes = self.counted(opcode)?;
        let negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
        let mut padded = [if negative { 0xff } else { 0 }; 16];
        let fits = padded.get_mut(..bytes.len()).map(|slots| slots.copy_from_slice(bytes));
        fits.ok_or_else(|| self.reader.bad("an integer of more than 128 bits"))?;
        Ok(i128::from_le_bytes(padded))
    }
}
