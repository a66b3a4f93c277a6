//! Networks planted in the weights of small models are found.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use ferrome_core::journal::RunDescription;
use ferrome_core::train::write_tensors;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::*;
use crate::model::{OpenModel, open};
use crate::read::tokens::TokenCell;

const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);
const GENES: i64 = 12;
const WIDTH: i64 = 16;
const REGULATOR: i32 = 0;
const TARGETS: [i32; 3] = [1, 2, 3];

fn save(tensors: Vec<(String, Tensor)>, folder: &Path) {
    let tensors: Vec<(String, &Tensor)> = tensors.iter().map(|(name, tensor)| (name.clone(), tensor)).collect();
    write_tensors(&tensors, [], &folder.join("model.safetensors")).unwrap();
}

fn linear(name: &str, outputs: i64, inputs: i64) -> Vec<(String, Tensor)> {
    vec![
        (format!("{name}.weight"), Tensor::zeros([outputs, inputs], CPU)),
        (format!("{name}.bias"), Tensor::zeros([outputs], CPU)),
    ]
}

fn norm(name: &str, d: i64) -> Vec<(String, Tensor)> {
    vec![(format!("{name}.weight"), Tensor::ones([d], CPU)), (format!("{name}.bias"), Tensor::zeros([d], CPU))]
}

/// An scGPT of one block whose regulator asks for its targets: a gene's vector is one column of its own times its value, the first
/// column of the queries is the regulator's, that of the keys the targets'; the others are noise.
fn planted_scgpt(folder: &Path) -> OpenModel {
    tch::manual_seed(5);
    let tokens = GENES + 3;
    let table = Tensor::eye_m(tokens, WIDTH, CPU);
    let projection = Tensor::randn([3, 2, WIDTH / 2, WIDTH], CPU) * 0.3;
    for head in 0..2 {
        let [mut query, mut key] = [0, 1].map(|part| projection.get(part).get(head).get(0));
        let (_, _) = (query.zero_(), key.zero_());
        let _ = query.get(i64::from(REGULATOR)).fill_(3.0);
        TARGETS.iter().for_each(|&target| {
            let _ = key.get(i64::from(target)).fill_(1.0);
        });
    }
    let layer = "transformer_encoder.layers.0";
    let mut all = vec![
        ("encoder.embedding.weight".to_owned(), table),
        (format!("{layer}.self_attn.in_proj_weight"), projection.view([3 * WIDTH, WIDTH])),
        (format!("{layer}.self_attn.in_proj_bias"), Tensor::zeros([3 * WIDTH], CPU)),
    ];
    all.extend(norm("encoder.enc_norm", WIDTH));
    for part in ["self_attn.out_proj", "linear1", "linear2"] {
        all.extend(linear(&format!("{layer}.{part}"), WIDTH, WIDTH));
    }
    all.extend(norm(&format!("{layer}.norm1"), WIDTH));
    all.extend(norm(&format!("{layer}.norm2"), WIDTH));
    save(all, folder);
    let arguments = r#"{"embsize": 16, "nheads": 2, "nlayers": 1, "d_hid": 16, "input_emb_style": "scaling"}"#;
    fs_err::write(folder.join("args.json"), arguments).unwrap();
    let names: Vec<String> = (0..GENES).map(|gene| format!("\"G{gene}\": {gene}")).collect();
    let specials = format!("\"<pad>\": {GENES}, \"<cls>\": {}, \"<eoc>\": {}", GENES + 1, GENES + 2);
    fs_err::write(folder.join("vocab.json"), format!("{{{}, {specials}}}", names.join(", "))).unwrap();
    open(folder).unwrap()
}

/// A cell with all genes; the targets are low where the condition is the control's.
fn cell(row: u64, condition: &str, random: &mut ChaCha8Rng) -> TokenCell {
    let mut tokens: Vec<i32> = (0..GENES as i32).collect();
    tokens.insert(0, GENES as i32 + 1);
    let value = |&token: &i32| match (TARGETS.contains(&token), condition) {
        (true, "healthy") => -5.0,
        (true, _) => 5.0,
        _ => 1.0,
    };
    let values = tokens.iter().map(|token| value(token) + random.random::<f32>()).collect();
    let condition: arrow::array::ArrayRef = Arc::new(StringArray::from(vec![condition]));
    let obs = Arc::new(RecordBatch::try_from_iter([("disease", condition)]).unwrap());
    TokenCell { row, id: row.to_string(), tokens: Ok(tokens), values: Some(values), obs, place: 0 }
}

fn contrast(control: Option<&str>) -> Contrast<'_> {
    Contrast { control, edges: 3, min_cells: 5, modules: community::Options::default() }
}

#[test]
fn targets_of_a_regulator_are_found_in_attention() {
    let folder = tempfile::tempdir().unwrap();
    let opened = planted_scgpt(folder.path());
    let model = NetworkModel::load(&opened, Device::Cpu).unwrap();
    let panel = Panel::all(&opened.scgpt().unwrap().vocabulary().unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut attention = Attention::new(&model, &panel, 1, Some("disease"));
    for row in 0..20 {
        let cells = ["healthy", "sick"].map(|condition| cell(row, condition, &mut random));
        attention.add(cells.into()).unwrap();
    }
    assert_eq!((attention.cells, attention.rejected.0), (40, 0));
    let networks = attention.networks(&contrast(Some("healthy")));
    assert_eq!(networks.len(), 1);
    let network = &networks[0];
    assert_eq!(network.condition.as_deref(), Some("sick"));
    let mut targets: Vec<(u32, u32)> = network.edges.iter().map(|edge| (edge.source, edge.target)).collect();
    targets.sort_unstable();
    assert_eq!(targets, [(0, 1), (0, 2), (0, 3)], "{:?}", network.edges);
    for edge in &network.edges {
        let Ranks { condition, control, cells } = edge.attention.unwrap();
        assert!(condition > 0.6 && control.unwrap() < 0.3 && cells == 20, "{edge:?}");
        assert!((edge.weight - (condition - control.unwrap())).abs() < 1e-12);
    }
    // The regulator and its targets are one module; no other gene is in any.
    let expected = (0..GENES as usize).map(|gene| (gene < 4).then_some(0));
    assert_eq!(network.modules, expected.collect::<Vec<_>>());

    let description = RunDescription::new();
    write(&networks, &panel, folder.path(), "csv", &description).unwrap();
    let text = fs_err::read_to_string(folder.path().join("edges.csv")).unwrap();
    assert!(text.starts_with("condition,source,target,weight,rank,control_rank,cells\nsick,G0,G"), "{text}");
    let text = fs_err::read_to_string(folder.path().join("modules.csv")).unwrap();
    assert_eq!(text, "condition,gene,module,genes\nsick,G0,0,4\nsick,G1,0,4\nsick,G2,0,4\nsick,G3,0,4\n");
}

#[test]
fn conditions_stand_for_themselves_without_a_control() {
    let folder = tempfile::tempdir().unwrap();
    let opened = planted_scgpt(folder.path());
    let model = NetworkModel::load(&opened, Device::Cpu).unwrap();
    let panel = Panel::all(&opened.scgpt().unwrap().vocabulary().unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut attention = Attention::new(&model, &panel, 1, Some("disease"));
    let cells = (0..12).map(|row| cell(row, if row % 2 == 0 { "healthy" } else { "sick" }, &mut random));
    attention.add(cells.collect()).unwrap();
    let networks = attention.networks(&contrast(None));
    let names: Vec<_> = networks.iter().map(|network| network.condition.as_deref()).collect();
    assert_eq!(names, [Some("healthy"), Some("sick")]);
    assert!(networks.iter().all(|network| network.edges.iter().all(|edge| edge.attention.unwrap().control.is_none())));
    let few = Contrast { min_cells: 7, ..contrast(None) };
    assert!(attention.networks(&few).iter().all(|network| network.edges.is_empty()));
}

#[test]
fn cells_that_the_model_cannot_take_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let opened = planted_scgpt(folder.path());
    let model = NetworkModel::load(&opened, Device::Cpu).unwrap();
    let panel = Panel::all(&opened.scgpt().unwrap().vocabulary().unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut attention = Attention::new(&model, &panel, 1, None);
    let bad = TokenCell { tokens: Ok(vec![13, 99]), values: Some(vec![0.0, 1.0]), ..cell(7, "sick", &mut random) };
    let empty = TokenCell { tokens: Ok(vec![]), ..cell(8, "sick", &mut random) };
    attention.add(vec![bad, empty, cell(9, "sick", &mut random)]).unwrap();
    assert_eq!((attention.cells, attention.rejected.0), (1, 2));
    assert_eq!(attention.rejected.1.as_deref(), Some("row 7: token 99 is none of the model's 15"));
    let without = TokenCell { values: None, ..cell(9, "sick", &mut random) };
    assert_eq!(
        attention.add(vec![without]).unwrap_err().to_string(),
        "the tokens have no column `values`, which scGPT needs: tokenize with --style scgpt"
    );
}

#[test]
fn modules_of_embeddings_are_found() {
    let _guard = tch::no_grad_guard();
    tch::manual_seed(11);
    let (groups, each) = (6_i64, 25_i64);
    let centres = Tensor::randn([groups, 32], CPU);
    let of: Vec<i64> = (0..groups * each).map(|gene| gene % groups).collect();
    let x = centres.index_select(0, &Tensor::from_slice(&of)) + Tensor::randn([groups * each, 32], CPU) * 0.35;
    let network = of_embeddings(&x, 10, &community::Options::default()).unwrap();
    assert_eq!(network.count(), 6);
    for (gene, module) in network.modules.iter().enumerate() {
        assert_eq!(module, &network.modules[gene % 6], "{gene}");
    }
    assert!(network.edges.iter().all(|edge| edge.source % 6 == edge.target % 6 || edge.weight < 0.9));
    assert!(network.edges.is_sorted_by(|a, b| a.weight >= b.weight));
}

/// A Geneformer of one block with these gene embeddings.
fn geneformer(folder: &Path, words: Tensor) -> OpenModel {
    let (rows, d) = words.size2().unwrap();
    let layer = "bert.encoder.layer.0";
    let mut all = vec![
        ("bert.embeddings.word_embeddings.weight".to_owned(), words),
        ("bert.embeddings.position_embeddings.weight".into(), Tensor::zeros([64, d], CPU)),
        ("bert.embeddings.token_type_embeddings.weight".into(), Tensor::zeros([2, d], CPU)),
    ];
    all.extend(norm("bert.embeddings.LayerNorm", d));
    for part in ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"] {
        all.extend(linear(&format!("{layer}.{part}"), d, d));
    }
    for part in ["intermediate.dense", "output.dense"] {
        all.extend(linear(&format!("{layer}.{part}"), d, d));
    }
    all.extend(norm(&format!("{layer}.attention.output.LayerNorm"), d));
    all.extend(norm(&format!("{layer}.output.LayerNorm"), d));
    for (name, tensor) in &mut all {
        if name.ends_with("query.weight") || name.ends_with("key.weight") {
            *tensor = Tensor::eye(d, CPU);
        }
    }
    save(all, folder);
    let config = format!(
        r#"{{"model_type": "bert", "hidden_act": "relu", "vocab_size": {rows}, "hidden_size": {d}, "num_hidden_layers": 1,
            "num_attention_heads": 1, "intermediate_size": {d}, "max_position_embeddings": 64}}"#
    );
    fs_err::write(folder.join("config.json"), config).unwrap();
    open(folder).unwrap()
}

#[test]
fn geneformer_has_both_kinds_of_networks() {
    tch::manual_seed(12);
    let centres = Tensor::randn([3, 24], CPU);
    let of: Vec<i64> = (0..36).map(|gene| gene % 3).collect();
    let words = centres.index_select(0, &Tensor::from_slice(&of)) + Tensor::randn([36, 24], CPU) * 0.2;
    let folder = tempfile::tempdir().unwrap();
    let model = NetworkModel::load(&geneformer(folder.path(), words), Device::Cpu).unwrap();
    assert_eq!(model.blocks(), 1);
    let tokens: Vec<i32> = (0..36).collect();
    let network = of_embeddings(&model.gene_embeddings(&tokens).unwrap(), 8, &community::Options::default()).unwrap();
    assert_eq!(network.count(), 3);
    assert!((0..36).all(|gene| network.modules[gene] == network.modules[gene % 3]));

    // Queries and keys are the genes' own vectors, so that genes of a group attend to each other.
    let genes = (0..36).map(|gene| crate::vocabulary::Gene { id: format!("G{gene}"), token: gene, median: Some(1.0) });
    let vocabulary = crate::vocabulary::Vocabulary::new(crate::vocabulary::Parts {
        style: crate::tokenize::Style::GeneformerV1,
        specials: Vec::new(),
        genes: genes.collect(),
        symbols: vec![("seven".into(), "G7".into())],
        former_ids: Vec::new(),
        sources: Vec::new(),
    });
    let vocabulary = vocabulary.unwrap();
    let panel = Panel::all(&vocabulary);
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let cell = TokenCell { tokens: Ok(tokens), values: None, ..cell(1, "sick", &mut random) };
    let mut attention = Attention::new(&model, &panel, 1, None);
    attention.add(vec![cell]).unwrap();
    let options = Contrast { edges: 100, min_cells: 1, ..contrast(None) };
    let network = &attention.networks(&options)[0];
    let within = network.edges.iter().filter(|edge| edge.source % 3 == edge.target % 3).count();
    assert_eq!((network.edges.len(), within), (100, 100));

    let (named, unknown) = Panel::named(&vocabulary, &["G3".into(), "seven".into(), "G7".into(), "none".into()]);
    assert_eq!((named.tokens(), unknown), ([3, 7].as_slice(), vec!["none".to_owned()]));
}
