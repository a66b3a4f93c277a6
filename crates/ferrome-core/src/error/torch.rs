//! What libtorch says.

use super::Error;

impl From<tch::TchError> for Error {
    fn from(error: tch::TchError) -> Self {
        let text = match &error {
            tch::TchError::Torch(text) | tch::TchError::FileFormat(text) => text.clone(),
            other => other.to_string(),
        };
        Self::Torch(text.lines().next().unwrap_or_default().trim().to_owned())
    }
}
