use std::borrow::Cow;

/// The Ensembl gene id that `name` is, without its version; `None` for anything else.
///
/// A gene id is `ENS`, the letters of the species, `G`, and at least ten digits: `ENSG00000141510`, `ENSMUSG00000059552`,
/// and the old `ENSGR0000182378` of pseudoautosomal genes. GENCODE's `ENSG00000182378.15_PAR_Y` keeps its ending, since it
/// is another locus.
#[must_use]
pub fn unversioned(name: &str) -> Option<Cow<'_, str>> {
    let rest = name.strip_prefix("ENS")?;
    let letters = rest.bytes().take_while(u8::is_ascii_uppercase).count();
    let (species, digits) = rest.split_at(letters);
    if !(species.ends_with('G') || species == "GR") || species.len() > 7 {
        return None;
    }
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    if count < 10 {
        return None;
    }
    let (id, ending) = name.split_at(3 + letters + count);
    let after_version = ending.strip_prefix('.').map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    match after_version.unwrap_or(ending) {
        "" => Some(Cow::Borrowed(id)),
        "_PAR_Y" => Some(Cow::Owned(format!("{id}_PAR_Y"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::unversioned;

    #[test]
    fn ids_of_several_species_lose_their_version() {
        for (name, id) in [
            ("ENSG00000000003", "ENSG00000000003"),
            ("ENSG00000000003.15", "ENSG00000000003"),
            ("ENSGR0000182378", "ENSGR0000182378"),
            ("ENSMUSG00000000001.5", "ENSMUSG00000000001"),
            ("ENSDARG00000000001", "ENSDARG00000000001"),
            ("ENSMFAG00000000001.2", "ENSMFAG00000000001"),
            ("ENSG00000182378.15_PAR_Y", "ENSG00000182378_PAR_Y"),
        ] {
            assert_eq!(unversioned(name).as_deref(), Some(id));
        }
    }

    #[test]
    fn symbols_transcripts_and_other_names_are_no_gene_ids() {
        for name in [
            "ENSA",
            "ENSAP1",
            "",
            "ENS",
            "ENSG",
            "ensg00000000003",
            "ENSG0000",
            "ENST00000000233",
            "AC000111.1",
            "TP53",
        ] {
            assert_eq!(unversioned(name), None, "{name}");
        }
        assert_eq!(unversioned("ENSG00000000003-AS"), None);
        assert_eq!(unversioned("ENSG00000000003.x"), None);
    }
}
