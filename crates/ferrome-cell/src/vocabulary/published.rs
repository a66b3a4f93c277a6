//! The dictionaries that the authors of Geneformer and scGPT published, by their SHA-256.
//!
//! Sources: the files and Git LFS pointers of ctheodoris/Geneformer and its copies, and the wheel scgpt 0.2.4.

use std::fmt;

/// A published file.
#[derive(Debug)]
pub(super) struct Published {
    /// Whose it is.
    pub(super) model: &'static str,
    /// What upstream calls it.
    pub(super) file: &'static str,
    pub(super) bytes: u64,
    pub(super) sha256: &'static str,
}

impl fmt::Display for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}'s {}", self.model, self.file)
    }
}

const fn published(model: &'static str, file: &'static str, bytes: u64, sha256: &'static str) -> Published {
    Published { model, file, bytes, sha256 }
}

const V1: &str = "Geneformer V1";
const V2: &str = "Geneformer V2";

const FILES: [Published; 10] = [
    published(
        V1,
        "token_dictionary_gc30M.pkl",
        788_424,
        "ab9dc40973fa5224d77b793e2fd114cacf3d08423ed9c4c49caf0ba9c7f218f1",
    ),
    published(
        V1,
        "gene_median_dictionary_gc30M.pkl",
        940_965,
        "b3b589bb5ec75040d05fc44dd6bf0184cf87f3c362cf158d196a6ed3b7fe5f39",
    ),
    published(
        V1,
        "gene_name_id_dict_gc30M.pkl",
        1_117_117,
        "55e67962e79c0039a6c32d43c5c99f38e51964bbcfa32f736150ee1e285c438c",
    ),
    published(
        V1,
        "ensembl_mapping_dict_gc30M.pkl",
        584_125,
        "eac0fb0b3007267871b6305ac0003ceba19d4f28d85686cb9067ecf142787869",
    ),
    published(
        V2,
        "token_dictionary_gc104M.pkl",
        425_590,
        "67c445f4385127adfc48dcc072320cd65d6822829bf27dd38070e6e787bc597f",
    ),
    published(
        V2,
        "gene_median_dictionary_gc104M.pkl",
        1_512_661,
        "a51c53f6a771d64508dfaf61529df70e394c53bd20856926117ae5d641a24bf5",
    ),
    published(
        V2,
        "gene_name_id_dict_gc104M.pkl",
        1_660_882,
        "fabfa0c2f49c598c59ae432a32c3499a5908c033756c663b5e0cddf58deea8e1",
    ),
    published(
        V2,
        "ensembl_mapping_dict_gc95M.pkl",
        3_957_652,
        "0819bcbd869cfa14279449b037eb9ed1d09a91310e77bd1a19d927465030e95c",
    ),
    published(
        "scGPT",
        "default_census_vocab.json",
        1_317_585,
        "9fe73cf29929b5c66a5fffcfb2bcbdd3e38a3a086848cd12f8f918bcf458d75f",
    ),
    published(
        "scGPT",
        "default_gene_vocab.json",
        940_574,
        "af490ed60ed045fe492d9124134ceb0855c056a1398e50eda24077ffa4946345",
    ),
];

/// The published file with this SHA-256, in lower-case hexadecimal digits.
pub(super) fn by_sha256(sha256: &str) -> Option<&'static Published> {
    FILES.iter().find(|file| file.sha256 == sha256)
}
