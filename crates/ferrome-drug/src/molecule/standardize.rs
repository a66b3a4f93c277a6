use std::str::FromStr;

/// What is done to a molecule before it is used.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Standardize {
    /// Keep the largest part only: salts and solvents go.
    pub largest_fragment: bool,
    /// Take charges away by adding or removing hydrogens, where that is possible.
    pub neutralize: bool,
}

impl Standardize {
    /// Whether molecules stay as they are.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

impl FromStr for Standardize {
    type Err = String;

    /// Reads `largest-fragment`, `neutralize`, or both with a comma between.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut how = Self::default();
        for step in text.split(',').map(str::trim).filter(|step| !step.is_empty()) {
            match step {
                "largest-fragment" => how.largest_fragment = true,
                "neutralize" => how.neutralize = true,
                _ => return Err(format!("expected `largest-fragment` or `neutralize`, found `{step}`")),
            }
        }
        Ok(how)
    }
}
