use hdf5_metno::types::{FixedAscii, FixedUnicode, TypeDescriptor, VarLenAscii, VarLenUnicode};
use hdf5_metno::{Attribute, Location};

/// Attributes longer than this are not what we look for.
const LONGEST: usize = 1 << 24;

/// Reading the attributes of a group or dataset; `None` for what is absent or of another type.
pub(crate) trait Attributes {
    /// Strings of any sort: a single one, or an array.
    fn texts(&self, name: &str) -> Option<Vec<String>>;

    /// The first string.
    fn text(&self, name: &str) -> Option<String> {
        self.texts(name)?.into_iter().next()
    }

    /// Whole numbers.
    fn integers(&self, name: &str) -> Option<Vec<i64>>;

    /// A truth value, or a number that stands for one.
    fn truth(&self, name: &str) -> Option<bool>;
}

impl Attributes for Location {
    fn texts(&self, name: &str) -> Option<Vec<String>> {
        let attribute = self.attr(name).ok()?;
        let owned = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match descriptor(&attribute)? {
            TypeDescriptor::VarLenUnicode => {
                Some(attribute.read_raw::<VarLenUnicode>().ok()?.iter().map(|text| owned(text.as_bytes())).collect())
            }
            TypeDescriptor::VarLenAscii => {
                Some(attribute.read_raw::<VarLenAscii>().ok()?.iter().map(|text| owned(text.as_bytes())).collect())
            }
            TypeDescriptor::FixedAscii(0..=1024) => {
                let texts = attribute.read_raw::<FixedAscii<1024>>().ok()?;
                Some(texts.iter().map(|text| owned(text.as_bytes())).collect())
            }
            TypeDescriptor::FixedUnicode(0..=1024) => {
                let texts = attribute.read_raw::<FixedUnicode<1024>>().ok()?;
                Some(texts.iter().map(|text| owned(text.as_bytes())).collect())
            }
            _ => None,
        }
    }

    fn integers(&self, name: &str) -> Option<Vec<i64>> {
        let attribute = self.attr(name).ok()?;
        match descriptor(&attribute)? {
            TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_) => attribute.read_raw().ok(),
            _ => None,
        }
    }

    fn truth(&self, name: &str) -> Option<bool> {
        let attribute = self.attr(name).ok()?;
        match descriptor(&attribute)? {
            TypeDescriptor::Boolean => attribute.read_raw::<bool>().ok()?.first().copied(),
            TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_) => {
                Some(*attribute.read_raw::<i64>().ok()?.first()? != 0)
            }
            _ => None,
        }
    }
}

/// The type of an attribute of reasonable size.
fn descriptor(attribute: &Attribute) -> Option<TypeDescriptor> {
    let descriptor = attribute.dtype().ok()?.to_descriptor().ok()?;
    let bytes = attribute.size().checked_mul(descriptor.size().max(1))?;
    (bytes <= LONGEST).then_some(descriptor)
}
