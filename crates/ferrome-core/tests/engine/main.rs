//! The engine on a dummy task whose model adds letters up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "clippy knows tests only by #[test]")]

mod dummy;
mod formats;
mod full_disk;
mod identical;
mod killed;
mod memory;
mod order;
mod panicked;
mod refused;
mod rejected;
mod residues;
mod resumed;
mod sharded;
