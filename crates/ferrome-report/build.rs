//! Lets what is linked here find libtorch where it was found at build time.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // torch-sys hands this to crates that depend on it directly.
    if let Ok(folder) = std::env::var("DEP_TCH_LIBTORCH_LIB") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
