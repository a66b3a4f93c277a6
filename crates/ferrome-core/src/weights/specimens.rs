//! Tests on files that PyTorch wrote, see `scripts/make_weight_specimens.py`, and on those in `shared/data`.

use std::path::{Path, PathBuf};

use super::{Checkpoint, DType, Value};

const SPECIMENS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/specimens/weights");
const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/checkpoints");

fn specimen(name: &str) -> Checkpoint {
    Checkpoint::open(&Path::new(SPECIMENS).join(name)).unwrap()
}

/// One line for what a file holds, or for why it is refused.
fn outcome(path: &Path) -> String {
    match Checkpoint::open(path) {
        Ok(found) => {
            format!("{} tensors of {} bytes, {}", found.len(), found.total_bytes(), found.fingerprint().unwrap())
        }
        Err(error) => {
            let error = error.to_string();
            error.strip_prefix(&format!("{}: ", path.display())).unwrap_or(&error).to_owned()
        }
    }
}

/// Checks every file against the table `expected`: file name, tab, outcome.
fn check(folder: &Path, expected: &str) {
    let expected: Vec<(&str, &str)> = expected.lines().filter_map(|line| line.split_once('\t')).collect();
    let found: Vec<String> = expected.iter().map(|(name, _)| outcome(&folder.join(name))).collect();
    let lines = |outcomes: Vec<&str>| -> String {
        expected.iter().zip(outcomes).map(|((name, _), outcome)| format!("{name}\t{outcome}\n")).collect()
    };
    let expected_lines = lines(expected.iter().map(|(_, outcome)| *outcome).collect());
    assert_eq!(lines(found.iter().map(String::as_str).collect()), expected_lines);
}

#[test]
fn every_specimen_gives_its_expected_outcome() {
    let folder = Path::new(SPECIMENS);
    let expected = fs_err::read_to_string(folder.join("expected.tsv")).unwrap();
    let files = fs_err::read_dir(folder).unwrap().count() - 1;
    assert_eq!(files, expected.lines().count(), "a specimen without a line in expected.tsv");
    check(folder, &expected);
}

#[test]
fn every_layout_holds_the_same_tensors() {
    let plain = specimen("plain.safetensors").fingerprint().unwrap();
    for name in ["plain.pt", "legacy.pt", "protocol4.pt", "protocol5_legacy.pt", "transposed.pt"] {
        assert_eq!(specimen(name).fingerprint().unwrap(), plain, "{name}");
    }
    assert!(!specimen("transposed.pt").info("layers.0.weight").unwrap().is_contiguous());
}

#[test]
fn floats_of_a_transposed_matrix() {
    let floats =
        |bytes: &[u8]| -> Vec<f32> { bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect() };
    let expected: Vec<f32> = (0..12).map(|i| i as f32 / 8.0).collect();
    assert_eq!(specimen("transposed.pt").with_bytes("layers.0.weight", floats).unwrap(), expected);
    let bias = specimen("legacy.pt").with_bytes("layers.0.bias", floats).unwrap();
    assert_eq!(bias, [1.0, -2.0, 3.5, f32::INFINITY]);
}

#[test]
fn every_dtype_in_every_format() {
    let expected = specimen("dtypes.safetensors");
    for name in ["dtypes.bin", "dtypes_legacy.bin"] {
        assert_eq!(specimen(name).fingerprint().unwrap(), expected.fingerprint().unwrap(), "{name}");
    }
    let file = specimen("dtypes.bin");
    assert_eq!(file.info("bfloat16").map(|info| info.dtype), Some(DType::BF16));
    assert_eq!(file.with_bytes("bfloat16", <[u8]>::to_vec).unwrap(), [0, 0, 0x80, 0x3f, 0x80, 0x3f, 0, 0]);
    assert_eq!(file.info("empty").map(|info| info.shape.clone()), Some(vec![0, 3]));
    assert_eq!(file.info("scalar").map(|info| info.shape.clone()), Some(vec![]));
}

#[test]
fn arguments_in_a_namespace() {
    let file = specimen("namespace.pt");
    assert_eq!(file.names().collect::<Vec<_>>(), ["model.encoder.layers.0.weight"]);
    let args = file.metadata().get("args").unwrap();
    assert_eq!(args.get("arch").and_then(Value::as_str), Some("roberta_large"));
    assert_eq!(args.get("layers").and_then(Value::as_int), Some(33));
    assert_eq!(args.get("dropout").and_then(Value::as_float), Some(0.1));
    assert_eq!(args.get("token_dropout").and_then(Value::as_bool), Some(true));
    assert_eq!(args.get("seed"), Some(&Value::None));
    assert_eq!(args.get("big"), Some(&Value::Int(1 << 70)));
    assert_eq!(args.get("data"), Some(&Value::Bytes(vec![255, 0])));
    assert_eq!(file.metadata().get("epoch").and_then(Value::as_int), Some(3));
    assert_eq!(file.metadata().get("tags"), Some(&Value::Set(vec![Value::Str("a".into())])));
}

#[test]
fn configuration_of_omegaconf() {
    let file = specimen("omegaconf.pt");
    let layers = file.metadata().get("cfg").and_then(|cfg| cfg.get("model")?.get("encoder_layers")?.as_int());
    assert_eq!(layers, Some(6));
    assert_eq!(file.names().collect::<Vec<_>>(), ["model.layers.0.bias", "model.layers.0.weight"]);
}

#[test]
fn tied_weights_share_their_bytes() {
    for name in ["tied.pt", "tied_legacy.pt"] {
        let file = specimen(name);
        let copy = |tensor: &str| file.with_bytes(tensor, <[u8]>::to_vec).unwrap();
        assert_eq!(copy("embed.weight"), copy("head.weight"));
        assert_eq!(copy("embed.weight")[12..], copy("row"));
        assert_eq!(file.info("embed.weight"), file.info("head.weight"));
    }
}

/// Every way to cut a file short, and every file with one byte changed, is read or refused, but never a panic.
#[test]
fn truncated_and_flipped_files() {
    for name in ["plain.pt", "legacy.pt", "omegaconf.pt", "plain.safetensors"] {
        let whole = fs_err::read(Path::new(SPECIMENS).join(name)).unwrap();
        for end in 0..whole.len() {
            assert!(Checkpoint::from_bytes(name.as_ref(), whole[..end].to_vec()).is_err(), "{name} of {end} bytes");
            let mut flipped = whole.clone();
            flipped[end] ^= 0x41;
            if let Ok(checkpoint) = Checkpoint::from_bytes(name.as_ref(), flipped) {
                checkpoint.fingerprint().unwrap();
            }
        }
    }
}

/// The folder of shared files; a test that needs it fails on CI when it is missing.
fn shared() -> Option<PathBuf> {
    let folder = PathBuf::from(SHARED);
    if folder.exists() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{SHARED} is missing");
    eprintln!("skipped: {SHARED} is missing");
    None
}

#[test]
fn every_shared_checkpoint_gives_its_expected_outcome() {
    if let Some(folder) = shared() {
        check(&folder, EXPECTED_SHARED);
    }
}

/// Fingerprints were computed with `torch.load` or safetensors, and the Python package xxhash.
const EXPECTED_SHARED: &str = "\
candle_core_tests/fortran_tensor_3d.pth	1 tensors of 192 bytes, fb680924b52b12a59f5ba829b91c89be
candle_core_tests/test.pt	1 tensors of 64 bytes, 65d5f1927be7fe16d955347000f2a255
candle_core_tests/test_with_key.pt	1 tensors of 64 bytes, 37ed53eddf54785862346a2f07696db9
candle_core_tests/test.npy	a NumPy array is not supported, expected .safetensors or a PyTorch .bin, .pt or .pth file
candle_core_tests/test.npz	a NumPy archive is not supported, expected .safetensors or a PyTorch .bin, .pt or .pth file
safetensors_samples/samples/B.safetensors	1 tensors of 6 bytes, 5e5ef638ab9e656cb07917951b8b4027
safetensors_samples/samples/H.safetensors	1 tensors of 12 bytes, 160c3478fd0bf59a90ba4bcdb5a51eb9
safetensors_samples/samples/I.safetensors	1 tensors of 24 bytes, 4751eab197d0a40bba273e5638304d3b
safetensors_samples/samples/b.safetensors	1 tensors of 6 bytes, d53a860b1439430e318b4d01c2603314
safetensors_samples/samples/d.safetensors	1 tensors of 48 bytes, 883b620a3b1799a29f712be42816f866
safetensors_samples/samples/e.safetensors	1 tensors of 12 bytes, 686a045a9643f67feaecd63bfd131f49
safetensors_samples/samples/f.safetensors	1 tensors of 24 bytes, 6eabb538a965b9c5baa814d819f2567d
safetensors_samples/samples/h.safetensors	1 tensors of 12 bytes, a030c83a4697e3a01597df38cfc91534
safetensors_samples/samples/i.safetensors	1 tensors of 24 bytes, 1049a67eb38fa592a58ca507d77d130a
safetensors_samples/samples/overall.safetensors	9 tensors of 168 bytes, e8a233363ab87885c8e03025f2ad8995
";
