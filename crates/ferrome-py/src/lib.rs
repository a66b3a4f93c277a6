//! The Python module `ferrome._core`: what the package `ferrome` calls. It converts what comes in, lets go of the interpreter,
//! has a subcommand of `ferrome-cli` compute, and converts what comes out.

mod cell;
mod command;
mod drug;
mod error;
mod given;
mod process;
mod protein;
mod result;
mod work;

use pyo3::pymodule;

#[pymodule]
mod _core {
    #[pymodule_export]
    use crate::cell::{CellModel, Cells, cell_call, cell_layers, cell_table, cell_vectors};
    #[pymodule_export]
    use crate::command::{call, definition, main, table};
    #[pymodule_export]
    use crate::drug::{DrugModel, drug_call, drug_table};
    #[pymodule_export]
    use crate::error::{DeviceError, InternalError, WeightsError};
    #[pymodule_export]
    use crate::process::finish;
    #[pymodule_export]
    use crate::protein::{ProteinModel, protein_embed, protein_pretrain, protein_vectors};
    use pyo3::{Bound, PyResult, types::PyModule, types::PyModuleMethods};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::process::remember();
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
