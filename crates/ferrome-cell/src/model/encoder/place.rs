/// Where a tensor of an encoder stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// In what a cell meets first: tables of genes, ranks and values, normalisation.
    Embedding,
    /// In a block, counted from 0.
    Block(usize),
    /// In what is read off the last representation.
    Decoder,
}

/// How the names of blocks and of decoders begin.
const BLOCKS: [&str; 2] = ["bert.encoder.layer.", "transformer_encoder.layers."];
const DECODERS: [&str; 5] = ["cls.", "decoder.", "mvc_decoder.", "cls_decoder.", "batch_encoder."];

impl Place {
    /// By its name in a checkpoint.
    #[must_use]
    pub fn of(name: &str) -> Self {
        match Self::in_block(name) {
            Some((block, _)) => Self::Block(block),
            None if DECODERS.iter().any(|prefix| name.starts_with(prefix)) => Self::Decoder,
            None => Self::Embedding,
        }
    }

    /// The block of a tensor of one, and its name there.
    #[must_use]
    pub fn in_block(name: &str) -> Option<(usize, &str)> {
        let (block, rest) = BLOCKS.iter().find_map(|prefix| name.strip_prefix(prefix))?.split_once('.')?;
        Some((block.parse().ok()?, rest))
    }
}
