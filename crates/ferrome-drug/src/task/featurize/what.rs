use std::fmt;
use std::str::FromStr;

/// Which columns are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct What {
    /// `canonical_smiles`: with everything but fingerprints alone.
    pub canonical: bool,
    /// `scaffold`.
    pub scaffold: bool,
    /// `ecfp4`.
    pub ecfp4: bool,
    /// `fcfp4`.
    pub fcfp4: bool,
    /// `molecular_weight`, `logp`, `tpsa`, `donors`, `acceptors`, `rotatable_bonds`, `rings`, `aromatic_rings`, `qed`.
    pub descriptors: bool,
    /// `atoms`.
    pub atoms: bool,
}

impl FromStr for What {
    type Err = String;

    /// Reads names with commas between.
    ///
    /// ```
    /// use ferrome_drug::task::featurize::What;
    ///
    /// let what: What = "scaffold,ecfp4".parse()?;
    /// assert_eq!(what.to_string(), "canonical,scaffold,ecfp4");
    /// assert!("ecfp4".parse::<What>().is_ok_and(|what| !what.canonical));
    /// # Ok::<(), String>(())
    /// ```
    fn from_str(text: &str) -> Result<Self, String> {
        let mut what = Self::default();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match name {
                "canonical" => what.canonical = true,
                "scaffold" => what.scaffold = true,
                "ecfp4" => what.ecfp4 = true,
                "fcfp4" => what.fcfp4 = true,
                "descriptors" => what.descriptors = true,
                "atoms" => what.atoms = true,
                _ => {
                    return Err(format!(
                        "expected canonical, scaffold, ecfp4, fcfp4, descriptors or atoms, found `{name}`"
                    ));
                }
            }
        }
        let fingerprints_alone = (what.ecfp4 || what.fcfp4) && !what.scaffold && !what.descriptors && !what.atoms;
        what.canonical |= !fingerprints_alone;
        Ok(what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            ("canonical", self.canonical),
            ("scaffold", self.scaffold),
            ("ecfp4", self.ecfp4),
            ("fcfp4", self.fcfp4),
            ("descriptors", self.descriptors),
            ("atoms", self.atoms),
        ];
        let chosen: Vec<&str> = names.iter().filter(|(_, chosen)| *chosen).map(|(name, _)| *name).collect();
        f.write_str(&chosen.join(","))
    }
}
