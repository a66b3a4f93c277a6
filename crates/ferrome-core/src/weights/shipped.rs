use std::{env, path::PathBuf};

/// Where a model that ships with ferrome under `name` may lie: `weights/` of `$FERROME_WEIGHTS`, of the working folder, and
/// of the checkout that the binary was built in.
#[must_use]
pub fn shipped(name: &str) -> Vec<PathBuf> {
    let beside = env::current_exe().ok().and_then(|exe| Some(exe.parent()?.parent()?.parent()?.join("weights")));
    let asked = env::var_os("FERROME_WEIGHTS").map(PathBuf::from);
    asked.into_iter().chain([PathBuf::from("weights")]).chain(beside).map(|folder| folder.join(name)).collect()
}
