use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int8Array, ListArray, StructArray, UInt8Array, UInt16Array, UInt32Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields};
use arrow::error::ArrowError;

use super::Features;
use crate::molecule::{Atom, Descriptors};

/// The column of a fingerprint: its on-bits.
pub(super) fn bits_field(name: &str) -> Field {
    Field::new(name, DataType::List(bit()), true)
}

fn bit() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::UInt16, false))
}

pub(super) fn bits(rows: &[Option<&Features>], of: fn(&Features) -> &Vec<u16>) -> ArrayRef {
    let (starts, nulls) = shape(rows, |row| of(row).len());
    let values: UInt16Array = rows.iter().flatten().flat_map(|row| of(row).iter().copied()).collect();
    Arc::new(ListArray::new(bit(), starts, Arc::new(values), nulls))
}

/// Where each row's items begin, and which rows are null.
fn shape(rows: &[Option<&Features>], length: impl Fn(&Features) -> usize) -> (OffsetBuffer<i32>, Option<NullBuffer>) {
    let starts = OffsetBuffer::from_lengths(rows.iter().map(|row| row.map_or(0, &length)));
    (starts, Some(rows.iter().map(Option::is_some).collect::<Vec<_>>().into()))
}

/// A column of descriptors: its name, and where it is found.
type Named<T> = (&'static str, fn(&Descriptors) -> T);

/// The numbers of [`Descriptors`].
const NUMBERS: [Named<f64>; 4] = [
    ("molecular_weight", |found| found.molecular_weight),
    ("logp", |found| found.logp),
    ("tpsa", |found| found.tpsa),
    ("qed", |found| found.qed),
];

/// The counts of [`Descriptors`].
const COUNTS: [Named<u32>; 5] = [
    ("donors", |found| found.donors),
    ("acceptors", |found| found.acceptors),
    ("rotatable_bonds", |found| found.rotatable_bonds),
    ("rings", |found| found.rings),
    ("aromatic_rings", |found| found.aromatic_rings),
];

pub(super) fn descriptor_fields() -> Vec<Field> {
    let numbers = NUMBERS.iter().map(|(name, _)| Field::new(*name, DataType::Float64, true));
    let counts = COUNTS.iter().map(|(name, _)| Field::new(*name, DataType::UInt32, true));
    numbers.chain(counts).collect()
}

pub(super) fn descriptors(rows: &[Option<&Features>]) -> Vec<ArrayRef> {
    let found = || rows.iter().map(|row| row.and_then(|row| row.descriptors.as_ref()));
    let numbers = NUMBERS
        .iter()
        .map(|(_, of)| -> ArrayRef { Arc::new(found().map(|row| row.map(of)).collect::<Float64Array>()) });
    let counts =
        COUNTS.iter().map(|(_, of)| -> ArrayRef { Arc::new(found().map(|row| row.map(of)).collect::<UInt32Array>()) });
    numbers.chain(counts).collect()
}

pub(super) fn atoms_field() -> Field {
    Field::new("atoms", DataType::List(atom()), true)
}

fn atom() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Struct(atom_fields()), false))
}

fn atom_fields() -> Fields {
    let field = |name: &str, kind| Field::new(name, kind, false);
    Fields::from(vec![
        field("element", DataType::UInt8),
        field("total_hydrogens", DataType::UInt8),
        field("charge", DataType::Int8),
        field("aromatic", DataType::Boolean),
        field("in_ring", DataType::Boolean),
        field("degree", DataType::UInt8),
    ])
}

pub(super) fn atoms(rows: &[Option<&Features>]) -> Result<ArrayRef, ArrowError> {
    let all: Vec<&Atom> = rows.iter().flatten().flat_map(|row| &row.atoms).collect();
    let bytes = |of: fn(&Atom) -> u8| -> ArrayRef { Arc::new(all.iter().map(|atom| of(atom)).collect::<UInt8Array>()) };
    let flags = |of: fn(&Atom) -> bool| -> ArrayRef {
        Arc::new(BooleanArray::from(all.iter().map(|atom| of(atom)).collect::<Vec<_>>()))
    };
    let columns = vec![
        bytes(|atom| atom.element),
        bytes(|atom| atom.total_hydrogens),
        Arc::new(all.iter().map(|atom| atom.charge).collect::<Int8Array>()),
        flags(|atom| atom.aromatic),
        flags(|atom| atom.in_ring),
        bytes(|atom| atom.degree),
    ];
    let (starts, nulls) = shape(rows, |row| row.atoms.len());
    let values = StructArray::try_new(atom_fields(), columns, None)?;
    Ok(Arc::new(ListArray::try_new(atom(), starts, Arc::new(values), nulls)?))
}
