//! `obs` and `var`: dataframes as every anndata has written them, as columns of Arrow.
//!
//! | stored as | becomes |
//! |---|---|
//! | strings of any sort | `Utf8` |
//! | numbers | the number of the same width |
//! | truth values | `Boolean` |
//! | categories of anndata 0.8 and later (`codes`, `categories`), 0.7 (`__categories`), before 0.7 (`uns/NAME_categories`) | `Dictionary(Int32, Utf8)`, all categories in their order; -1 is null |
//! | `nullable-integer`, `nullable-boolean`, `nullable-string-array` | the same with nulls |
//! | a table with fields (before 0.7) | its fields |
//!
//! The field of categories is marked as ordered where they are, and its metadata `categories` says what they were, if
//! not strings. Columns of other kinds are left out, and named in the metadata `skipped` of the schema; a column with
//! nulls of its own has the metadata `mask`, and `index` of the schema is the name of the index, if it has one.

mod category;
mod column;
mod compound;
mod frame;

pub(super) use column::{Column, texts};
pub(super) use frame::{Frame, Parts};
