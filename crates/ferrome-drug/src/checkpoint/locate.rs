use std::path::{Path, PathBuf};

use ferrome_core::weights::{self, Room};

use crate::{Error, Result};

/// Finds the folder of `model`: a path, or a name in `weights/`.
///
/// # Errors
///
/// Says where it looked, and which name may have been meant.
pub fn locate(model: &str) -> Result<PathBuf> {
    let path = Path::new(model);
    if path.exists() {
        return Ok(path.to_owned());
    }
    if model.is_empty() || path.is_absolute() || model.starts_with('.') {
        return Err(Error::file(path, "no such model folder"));
    }
    let looked = weights::shipped(model);
    if let Some(found) = looked.iter().find(|folder| folder.exists()) {
        return Ok(found.clone());
    }
    let looked: Vec<String> = looked.iter().map(|folder| folder.display().to_string()).collect();
    let meant = match weights::nearest(model, Some(Room::Drug)).as_slice() {
        [] => String::new(),
        names => format!("; did you mean {}?", weights::or(names)),
    };
    Err(Error::file(path, format!("no such model; looked for {}{meant}", looked.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_that_is_nowhere() {
        assert_eq!(locate("./no/such").unwrap_err().to_string(), "./no/such: no such model folder");
        let message = locate("no-such-model").unwrap_err().to_string();
        assert!(message.starts_with("no-such-model: no such model; looked for "), "{message}");
        assert!(message.contains("weights/no-such-model"), "{message}");
        let message = locate("ferrome-dta-davi").unwrap_err().to_string();
        assert!(message.ends_with("; did you mean `ferrome-dta-davis`?"), "{message}");
    }
}
