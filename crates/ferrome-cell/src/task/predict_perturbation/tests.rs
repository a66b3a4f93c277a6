//! What a planted rule of perturbation gives is predicted for pairs of genes that were held out.

use ferrome_core::interrupt::Interrupt;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Tensor};

use super::*;
use crate::model::scgpt::{self, Generator};

const GENES: usize = 20;
const REGULATORS: usize = 6;

/// What each regulator does to the other genes.
fn effects() -> Vec<Vec<f32>> {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let effect = |regulator: usize| {
        let change = |gene: usize, random: &mut ChaCha8Rng| match gene {
            _ if gene == regulator => -1.5,
            _ if gene < REGULATORS => 0.0,
            _ if random.random::<f32>() < 0.4 => random.random_range(-1.5..1.5),
            _ => 0.0,
        };
        (0..GENES).map(|gene| change(gene, &mut random)).collect()
    };
    // One after the other, since all draw from the same numbers.
    let mut effect = effect;
    (0..REGULATORS).map(&mut effect).collect()
}

/// Controls, singles and pairs; the changes of a pair are the sum of those of its genes.
fn screen() -> Screen {
    let effects = effects();
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut conditions: Vec<Vec<usize>> = vec![vec![]];
    conditions.extend((0..REGULATORS).map(|gene| vec![gene]));
    conditions.extend((0..REGULATORS).flat_map(|a| (a + 1..REGULATORS).map(move |b| vec![a, b])));
    let names: Vec<String> = conditions.iter().map(|genes| name(genes)).collect();
    let mut cells = Vec::new();
    for (genes, name) in conditions.iter().zip(&names) {
        for _ in 0..if genes.is_empty() { 60 } else { 20 } {
            let value = |gene: usize, random: &mut ChaCha8Rng| {
                let change: f32 = genes.iter().map(|&regulator| effects[regulator][gene]).sum();
                2.0 + 0.05 * gene as f32 + change + random.random_range(-0.2..0.2)
            };
            cells.push((name.as_str(), genes.clone(), (0..GENES).map(|gene| value(gene, &mut random)).collect()));
        }
    }
    Screen::of_cells(GENES, &cells).unwrap()
}

fn name(genes: &[usize]) -> String {
    match genes {
        [] => "ctrl".into(),
        [one] => format!("G{one}+ctrl"),
        many => many.iter().map(|gene| format!("G{gene}")).collect::<Vec<_>>().join("+"),
    }
}

fn config(steps: u64) -> TrainConfig {
    TrainConfig {
        embsize: 32,
        nlayers: 2,
        steps,
        learning_rate: 3e-3,
        warmup_steps: 20,
        batch_cells: 16,
        ..TrainConfig::default()
    }
}

fn generator(config: &TrainConfig) -> Generator {
    scgpt::random_generator(&config.model(GENES as i64), config.seed, Device::Cpu).unwrap()
}

fn start<'a>(
    config: &'a TrainConfig,
    (screen, split): (&'a Screen, &'a Split),
    folder: &'a std::path::Path,
) -> Start<'a> {
    let interrupt = Interrupt::default();
    Start { config, screen, split, from: "random", folder, device: Device::Cpu, overwrite: false, interrupt }
}

#[test]
fn pairs_that_were_held_out_are_predicted() {
    let screen = screen();
    let held_out = ["G1+G0", "G2+G5", "G3+G4"].map(str::to_owned);
    let split = Split::named(&screen, &held_out).unwrap();
    assert_eq!((split.train.len(), split.test.len()), (18, 3));
    // Threads that wait for each other at small products would take most of the time.
    tch::set_num_threads(1);
    let folder = tempfile::tempdir().unwrap();
    let config = config(400);
    let generator = generator(&config);
    let mut losses = Vec::new();
    train(&start(&config, (&screen, &split), folder.path()), &generator, &mut |progress| losses.push(progress.loss))
        .unwrap();
    let scores = evaluate(&generator, &screen, &split, &config).unwrap();
    let change = |method: usize| mean_of(&scores, method, |quality| quality.pearson_change);
    let error = |method: usize| mean_of(&scores, method, |quality| Some(quality.mse)).unwrap();
    eprintln!("change: {:?}; error: {:?}; loss {:?}", [0, 1, 2, 3].map(change), [0, 1, 2, 3].map(error), losses.last());
    assert!(change(0).unwrap() > 0.9, "{:?}", change(0));
    assert!(change(0).unwrap() > change(2).unwrap() + 0.2);
    assert!(error(0) < 0.3 * error(1) && error(0) < 0.5 * error(2));
    // The rule that was planted is the sum, which nothing beats.
    assert!(change(3).unwrap() > 0.98);
    assert_eq!(change(1), None);
}

#[test]
fn stopped_training_goes_on_to_the_same_numbers() {
    let screen = screen();
    let split = Split::random(&screen, 0.2, 4).unwrap();
    let config = TrainConfig { checkpoint_every: 3, ..config(8) };
    let tensors = |generator: &Generator| -> Vec<Tensor> {
        generator.parameters().into_iter().map(|(_, tensor)| tensor.copy()).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let whole = generator(&config);
    train(&start(&config, (&screen, &split), folder.path()), &whole, &mut |_| {}).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (generator(&config), generator(&config));
    let stopped = start(&config, (&screen, &split), folder.path());
    let interrupt = stopped.interrupt.clone();
    let refused = train(&stopped, &first, &mut |progress| {
        if progress.step == 5 {
            interrupt.raise();
        }
    });
    assert_eq!(refused.unwrap_err().to_string(), "interrupted: 5 of 8 steps done; run the same command again to go on");
    let mut steps = Vec::new();
    train(&start(&config, (&screen, &split), folder.path()), &second, &mut |progress| steps.push(progress.step))
        .unwrap();
    assert_eq!(steps, [6, 7, 8]);
    assert_eq!(tensors(&whole), tensors(&second));

    let other = TrainConfig { seed: 2, ..config.clone() };
    let refused =
        train(&start(&other, (&screen, &split), folder.path()), &second, &mut |_| {}).unwrap_err().to_string();
    assert!(refused.contains("seed was `1`, now `2`"), "{refused}");
}

#[test]
fn screens_that_teach_nothing() {
    let cell = |name: &'static str, genes: Vec<usize>| (name, genes, vec![0.0; 3]);
    let refused = |cells: &[(&str, Vec<usize>, Vec<f32>)]| {
        Screen::of_cells(3, cells).and_then(|screen| screen.check()).unwrap_err().to_string()
    };
    assert_eq!(refused(&[cell("G1+ctrl", vec![1])]), "no control cells: no condition is `ctrl` or `control`");
    assert_eq!(
        refused(&[cell("ctrl", vec![]), cell("G1+ctrl", vec![1])]),
        "expected 2 perturbed conditions or more, found 1; the genes of 0 others are not known"
    );
    let screen = screen();
    assert_eq!(Split::named(&screen, &["G9".into()]).unwrap_err().to_string(), "there is no condition `G9`");
    assert_eq!(Split::named(&screen, &["ctrl".into()]).unwrap_err().to_string(), "there is no condition `ctrl`");
}
