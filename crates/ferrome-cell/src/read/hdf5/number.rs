use hdf5_metno::types::{FloatSize, IntSize, TypeDescriptor};

/// A kind of number; in memory always little-endian.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Number {
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F32,
    F64,
}

impl Number {
    /// The kind that a type of HDF5 is.
    pub(crate) fn of(descriptor: &TypeDescriptor) -> Option<Self> {
        Some(match descriptor {
            TypeDescriptor::Integer(IntSize::U1) => Self::I8,
            TypeDescriptor::Integer(IntSize::U2) => Self::I16,
            TypeDescriptor::Integer(IntSize::U4) => Self::I32,
            TypeDescriptor::Integer(IntSize::U8) => Self::I64,
            TypeDescriptor::Unsigned(IntSize::U1) => Self::U8,
            TypeDescriptor::Unsigned(IntSize::U2) => Self::U16,
            TypeDescriptor::Unsigned(IntSize::U4) => Self::U32,
            TypeDescriptor::Unsigned(IntSize::U8) => Self::U64,
            TypeDescriptor::Float(FloatSize::U4) => Self::F32,
            TypeDescriptor::Float(FloatSize::U8) => Self::F64,
            _ => return None,
        })
    }

    /// Bytes of one.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// Whether it is a floating-point number.
    pub(crate) fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }
}

/// Runs a block of code with the type that a [`Number`] stands for.
macro_rules! with_number {
    ($number:expr, $type:ident => $body:expr) => {
        match $number {
            $crate::read::hdf5::Number::I8 => {
                type $type = i8;
                $body
            }
            $crate::read::hdf5::Number::I16 => {
                type $type = i16;
                $body
            }
            $crate::read::hdf5::Number::I32 => {
                type $type = i32;
                $body
            }
            $crate::read::hdf5::Number::I64 => {
                type $type = i64;
                $body
            }
            $crate::read::hdf5::Number::U8 => {
                type $type = u8;
                $body
            }
            $crate::read::hdf5::Number::U16 => {
                type $type = u16;
                $body
            }
            $crate::read::hdf5::Number::U32 => {
                type $type = u32;
                $body
            }
            $crate::read::hdf5::Number::U64 => {
                type $type = u64;
                $body
            }
            $crate::read::hdf5::Number::F32 => {
                type $type = f32;
                $body
            }
            $crate::read::hdf5::Number::F64 => {
                type $type = f64;
                $body
            }
        }
    };
}
pub(crate) use with_number;

/// Numbers as bytes, little-endian.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Numbers {
    pub(crate) number: Number,
    /// [`Number::width`] bytes for each.
    pub(crate) bytes: Vec<u8>,
}

/// A type of number as it is stored.
pub(crate) trait Little: Copy + Send + Sync + 'static {
    /// Bytes of one.
    const WIDTH: usize;

    /// Reads one from [`Self::WIDTH`] bytes.
    fn read(bytes: &[u8]) -> Self;

    /// The value as a count, and whether it is a whole number from 1 to `i32::MAX - 1`.
    fn count(self) -> (i32, bool);

    /// The value as an index, and whether it can be one.
    fn index(self) -> (u32, bool);

    /// The value as a whole number, if it is one and not negative.
    fn whole(self) -> Option<u64>;

    fn double(self) -> f64;
}

macro_rules! little {
    ($($type:ty),*) => {$(
        #[allow(clippy::cast_lossless, clippy::float_cmp, clippy::unnecessary_cast, unused_comparisons, reason = "one text for all types")]
        impl Little for $type {
            const WIDTH: usize = size_of::<$type>();

            #[inline]
            fn read(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().unwrap_or_default())
            }

            #[inline]
            fn count(self) -> (i32, bool) {
                let count = self as i32;
                (count, count as $type == self && count > 0 && count < i32::MAX)
            }

            #[inline]
            fn index(self) -> (u32, bool) {
                let index = self as u32;
                (index, index as $type == self && index < u32::MAX)
            }

            #[inline]
            fn whole(self) -> Option<u64> {
                let whole = self as u64;
                (self >= (0 as $type) && whole as $type == self).then_some(whole)
            }

            #[inline]
            fn double(self) -> f64 {
                self as f64
            }
        }
    )*};
}
little!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);

impl Numbers {
    /// No numbers.
    pub(crate) fn none(number: Number) -> Self {
        Self { number, bytes: Vec::new() }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() / self.number.width()
    }

    /// All of them, as whole numbers; `None` if one is negative or has a fraction.
    pub(crate) fn offsets(&self) -> Option<Vec<u64>> {
        with_number!(self.number, T => {
            self.bytes.chunks_exact(T::WIDTH).map(|bytes| T::read(bytes).whole()).collect()
        })
    }

    /// The number at a place.
    pub(crate) fn double(&self, place: usize) -> f64 {
        let width = self.number.width();
        let bytes = self.bytes.get(place * width..(place + 1) * width).unwrap_or_default();
        with_number!(self.number, T => T::read(bytes).double())
    }
}
