//! The binary `ferrome`.

fn main() -> ! {
    ferrome_cli::end(ferrome_cli::run(std::env::args_os()))
}
