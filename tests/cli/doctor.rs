use std::path::Path;

use crate::support::place::Place;

#[test]
fn doctor_says_which_libtorch_runs() {
    let place = Place::new();
    for line in ["doctor", "doctor --device cpu"] {
        let ended = place.run(line);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        let value = |name: &str| -> &str {
            let line = ended.stdout.lines().find(|line| line.starts_with(name));
            line.unwrap_or_else(|| panic!("no {name} in {}", ended.stdout))[10..].trim()
        };
        assert_eq!(value("ferrome"), "0.1.0");
        let path = value("libtorch").strip_prefix("2.11.0 (").unwrap().strip_suffix(')').unwrap();
        assert!(path.ends_with("/libtorch_cpu.so") && Path::new(path).is_file(), "{path}");
        assert!(value("cpu").contains(" threads, "), "{}", ended.stdout);
        assert!(["cpu", "cuda:0"].iter().any(|device| value("devices").starts_with(device)), "{}", ended.stdout);
        assert!(value("attention").starts_with("f32 ") && !value("advice").is_empty());
    }
}
