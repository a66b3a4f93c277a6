use hdf5_metno::types::{CompoundType, TypeDescriptor};

use crate::read::hdf5::number::Number;

/// What the elements of an array are.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Number(Number),
    /// One byte, 0 or 1.
    Truth,
    /// So many bytes, padded with zeros; whether it is ASCII.
    Fixed(usize, bool),
    /// Strings of variable length; whether they are ASCII.
    Variable(bool),
    Compound(CompoundType),
    Other,
}

impl Kind {
    /// What a type of HDF5 is.
    pub(super) fn of(datatype: &hdf5_metno::Datatype) -> Kind {
        let Ok(descriptor) = datatype.to_descriptor() else { return Kind::Other };
        match descriptor {
            TypeDescriptor::Boolean => Kind::Truth,
            TypeDescriptor::FixedAscii(width) => Kind::Fixed(width, true),
            TypeDescriptor::FixedUnicode(width) => Kind::Fixed(width, false),
            TypeDescriptor::VarLenAscii => Kind::Variable(true),
            TypeDescriptor::VarLenUnicode => Kind::Variable(false),
            TypeDescriptor::Compound(compound) => Kind::Compound(compound),
            TypeDescriptor::Enum(members) => Number::of(&members.base_type()).map_or(Kind::Other, Kind::Number),
            other => Number::of(&other).map_or(Kind::Other, Kind::Number),
        }
    }
}
