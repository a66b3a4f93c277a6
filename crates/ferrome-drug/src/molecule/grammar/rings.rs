use super::super::Refusal;

/// A ring that waits for its second atom.
struct Open {
    number: u32,
    atom: usize,
    at: usize,
}

/// Ring numbers that were met once.
#[derive(Default)]
pub(super) struct Rings {
    open: Vec<Open>,
}

impl Rings {
    /// Opens or closes the ring `number`, found at byte `at`, on the `atom`-th atom, and writes the number as the
    /// chemistry library reads it.
    pub(super) fn meet(&mut self, number: u32, atom: usize, at: usize, out: &mut String) -> Result<(), Refusal> {
        match self.open.iter().position(|open| open.number == number) {
            Some(index) => {
                let open = self.open.swap_remove(index);
                if open.atom == atom {
                    return Err(Refusal::syntax(at, format!("ring {number} joins an atom to itself")));
                }
            }
            None => self.open.push(Open { number, atom, at }),
        }
        match number {
            0..=9 => out.push(char::from(b'0' + number as u8)),
            10..=99 => out.push_str(&format!("%{number}")),
            _ => out.push_str(&format!("%({number})")),
        }
        Ok(())
    }

    /// Every ring must be closed.
    pub(super) fn finish(&self) -> Result<(), Refusal> {
        match self.open.first() {
            Some(open) => Err(Refusal::syntax(open.at, format!("ring {} is never closed", open.number))),
            None => Ok(()),
        }
    }
}
