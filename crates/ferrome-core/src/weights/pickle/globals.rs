use crate::weights::DType;
use crate::weights::problem::PytorchProblem;

/// A class or function that a pickle may mention.
#[derive(Clone, Copy, Debug)]
pub(super) struct Class {
    /// `module.name`.
    pub(super) path: &'static str,
    pub(super) role: Role,
}

/// What calling it, or making an instance of it, stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    Dict,
    DefaultDict,
    Set,
    /// `torch.Size`, a tuple.
    Size,
    /// `_codecs.encode`, with which protocol 2 writes bytes.
    Encode,
    Tensor,
    TensorWithDtype,
    Parameter,
    /// `None` for an untyped storage.
    Storage(Option<DType>),
    Dtype(DType),
    /// `scalar`, a NumPy number.
    Number,
    /// Kept as its name, its arguments and its state.
    Inert,
}

const ALLOWED: &[(&str, Role)] = &[
    ("torch._utils._rebuild_tensor", Role::Tensor),
    ("torch._utils._rebuild_tensor_v2", Role::Tensor),
    ("torch._utils._rebuild_tensor_v3", Role::TensorWithDtype),
    ("torch._utils._rebuild_parameter", Role::Parameter),
    ("collections.OrderedDict", Role::Dict),
    ("collections.defaultdict", Role::DefaultDict),
    ("torch.Size", Role::Size),
    ("_codecs.encode", Role::Encode),
    ("torch.DoubleStorage", Role::Storage(Some(DType::F64))),
    ("torch.FloatStorage", Role::Storage(Some(DType::F32))),
    ("torch.HalfStorage", Role::Storage(Some(DType::F16))),
    ("torch.BFloat16Storage", Role::Storage(Some(DType::BF16))),
    ("torch.LongStorage", Role::Storage(Some(DType::I64))),
    ("torch.IntStorage", Role::Storage(Some(DType::I32))),
    ("torch.ShortStorage", Role::Storage(Some(DType::I16))),
    ("torch.CharStorage", Role::Storage(Some(DType::I8))),
    ("torch.ByteStorage", Role::Storage(Some(DType::U8))),
    ("torch.BoolStorage", Role::Storage(Some(DType::Bool))),
    ("torch.storage.UntypedStorage", Role::Storage(None)),
    ("torch.storage.TypedStorage", Role::Storage(None)),
    ("torch.float64", Role::Dtype(DType::F64)),
    ("torch.float32", Role::Dtype(DType::F32)),
    ("torch.float16", Role::Dtype(DType::F16)),
    ("torch.bfloat16", Role::Dtype(DType::BF16)),
    ("torch.int64", Role::Dtype(DType::I64)),
    ("torch.int32", Role::Dtype(DType::I32)),
    ("torch.int16", Role::Dtype(DType::I16)),
    ("torch.int8", Role::Dtype(DType::I8)),
    ("torch.uint8", Role::Dtype(DType::U8)),
    ("torch.bool", Role::Dtype(DType::Bool)),
    ("numpy.core.multiarray.scalar", Role::Number),
    ("numpy._core.multiarray.scalar", Role::Number),
    ("numpy.dtype", Role::Inert),
    ("numpy.dtypes.BoolDType", Role::Inert),
    ("numpy.dtypes.Int8DType", Role::Inert),
    ("numpy.dtypes.Int16DType", Role::Inert),
    ("numpy.dtypes.Int32DType", Role::Inert),
    ("numpy.dtypes.Int64DType", Role::Inert),
    ("numpy.dtypes.UInt8DType", Role::Inert),
    ("numpy.dtypes.UInt16DType", Role::Inert),
    ("numpy.dtypes.UInt32DType", Role::Inert),
    ("numpy.dtypes.UInt64DType", Role::Inert),
    ("numpy.dtypes.Float32DType", Role::Inert),
    ("numpy.dtypes.Float64DType", Role::Inert),
    ("torch.device", Role::Inert),
    ("builtins.set", Role::Set),
    ("builtins.frozenset", Role::Set),
    ("builtins.dict", Role::Inert),
    ("builtins.list", Role::Inert),
    ("builtins.tuple", Role::Inert),
    ("builtins.int", Role::Inert),
    ("builtins.float", Role::Inert),
    ("builtins.str", Role::Inert),
    ("builtins.bool", Role::Inert),
    ("typing.Any", Role::Inert),
    ("argparse.Namespace", Role::Inert),
    ("omegaconf.dictconfig.DictConfig", Role::Inert),
    ("omegaconf.listconfig.ListConfig", Role::Inert),
    ("omegaconf.base.ContainerMetadata", Role::Inert),
    ("omegaconf.base.Metadata", Role::Inert),
    ("omegaconf.nodes.AnyNode", Role::Inert),
    ("omegaconf.nodes.StringNode", Role::Inert),
    ("omegaconf.nodes.IntegerNode", Role::Inert),
    ("omegaconf.nodes.FloatNode", Role::Inert),
    ("omegaconf.nodes.BooleanNode", Role::Inert),
];

/// Looks a global up in the list.
pub(super) fn class(module: &str, name: &str) -> Result<Class, PytorchProblem> {
    // Protocol 2 uses the names of Python 2; files saved on a GPU say `torch.cuda.FloatStorage`.
    let path = match (module, name) {
        ("__builtin__", "unicode") => "builtins.str".to_owned(),
        ("__builtin__", "long") => "builtins.int".to_owned(),
        ("__builtin__", name) => format!("builtins.{name}"),
        ("torch.cuda", name) if name.ends_with("Storage") => format!("torch.{name}"),
        (module, name) => format!("{module}.{name}"),
    };
    match ALLOWED.iter().find(|(allowed, _)| *allowed == path) {
        Some(&(path, role)) => Ok(Class { path, role }),
        None => Err(PytorchProblem::RefusedGlobal { name: format!("{module}.{name}") }),
    }
}
