//! The model that learns to integrate batches: `TransformerModel` with batch labels, and the discriminator of batches beside it.

use ferrome_core::{nn::Loader, weights::Checkpoint};
use tch::{Device, Kind, Tensor};

use super::random::{self, Foundation, Shapes};
use super::{Config, Discriminator, ScGpt, discriminator};
use crate::Result;

/// What is learnt beside the expression of hidden genes; each has tensors of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Objectives {
    /// Expression from the cell's vector (MVC, called GEPC in the tutorials).
    pub mvc: bool,
    /// Whether a gene is expressed at all.
    pub zero_probability: bool,
    /// A discriminator of batches with its gradient reversed (DAB).
    pub dab: bool,
    /// Batch normalisation apart for each batch (DSBN).
    pub dsbn: bool,
}

/// A model in training.
#[derive(Debug)]
pub struct Integrator {
    /// The model.
    pub model: ScGpt,
    /// The discriminator, where there is one.
    pub discriminator: Option<Discriminator>,
}

/// What is taken from the foundation wherever its shape allows: decoders that see no batch are of another shape in their first layer.
const WHERE_IT_FITS: [&str; 2] = ["decoder.", "mvc_decoder."];

impl Integrator {
    /// Genes, values and blocks of `foundation`, its decoders as far as they fit, the rest random from `seed`; in f32.
    pub(super) fn new(
        (config, foundation): (&Config, &Checkpoint),
        (objectives, batches): (Objectives, usize),
        seed: u64,
        device: Device,
    ) -> Result<Self> {
        let batches = i64::try_from(batches).unwrap_or(i64::MAX);
        let config = Config { num_batch_labels: batches, use_batch_labels: true, n_cls: 0, ..config.clone() };
        let given = Foundation { checkpoint: foundation, where_it_fits: &WHERE_IT_FITS };
        let checkpoint = random::fill(shapes(&config, objectives), Some(given), seed)?;
        let loader = || Loader::new(&checkpoint, Kind::Float, device);
        let discriminator = objectives.dab.then(|| {
            let loader = loader();
            let found = Discriminator::load(&loader.pp("grad_reverse_discriminator"), &config)?;
            loader.allow_left_over("*");
            loader.finish()?;
            Ok::<_, crate::Error>(found)
        });
        let discriminator = discriminator.transpose()?;
        Ok(Self { model: ScGpt::load(loader(), config, device)?, discriminator })
    }

    /// Every tensor that training changes by gradients.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, &Tensor)> {
        let mut all = self.model.parameters();
        all.extend(self.discriminator.as_ref().map(Discriminator::parameters).unwrap_or_default());
        all
    }

    /// Those and the running statistics: all that a checkpoint holds.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, &Tensor)> {
        let mut all = self.parameters();
        all.extend(self.model.buffers());
        all
    }
}

fn shapes(config: &Config, objectives: Objectives) -> Shapes {
    let (d, batches) = (config.embsize, config.num_batch_labels);
    let mut all = random::body(config);
    all.push(("batch_encoder.embedding.weight".into(), vec![batches, d]));
    all.extend(random::norm("batch_encoder.enc_norm", d));
    if objectives.dsbn {
        let statistics = |i: i64| ["running_mean", "running_var"].map(|name| format!("dsbn.bns.{i}.{name}"));
        all.extend((0..batches).flat_map(statistics).map(|name| (name, vec![d])));
    }
    all.extend(random::perceptron("decoder.fc", 2 * d, d));
    if objectives.zero_probability {
        all.extend(random::perceptron("decoder.zero_logit", 2 * d, d));
    }
    if objectives.mvc {
        all.extend(random::linear("mvc_decoder.gene2query", d, d));
        all.push(("mvc_decoder.W.weight".into(), vec![2 * d, d]));
        if objectives.zero_probability {
            all.extend(random::linear("mvc_decoder.W_zero_logit", d, 2 * d));
        }
    }
    if objectives.dab {
        for (name, inputs, outputs) in discriminator::layers(d, batches) {
            all.extend(random::linear(&name, inputs, outputs));
            if !name.ends_with("out_layer") {
                // Behind the activation.
                all.extend(random::norm(&behind(&name), d));
            }
        }
    }
    all
}

/// The LayerNorm two places after a linear layer of a list.
fn behind(linear: &str) -> String {
    let (list, place) = linear.rsplit_once('.').unwrap_or((linear, "0"));
    format!("{list}.{}", place.parse::<u32>().unwrap_or(0) + 2)
}
