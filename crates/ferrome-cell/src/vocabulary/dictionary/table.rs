use csv::{ReaderBuilder, StringRecord};

use super::{Scalar, quote};
use crate::genes::unversioned;

/// Headers of columns that hold ids, and of those that hold symbols; compared without case.
const IDS: [&str; 9] = [
    "gene_id",
    "gene_ids",
    "ensembl_id",
    "ensembl_gene_id",
    "ensembl",
    "feature_id",
    "gene stable id",
    "gene_stable_id",
    "id",
];
const SYMBOLS: [&str; 9] =
    ["gene_name", "gene_names", "gene_symbol", "symbol", "feature_name", "gene name", "hgnc_symbol", "gene", "name"];

/// One name per line, or a table whose columns are parted by tabs or commas.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<(String, Scalar)>, String> {
    let text = std::str::from_utf8(bytes);
    let text = text.ok().filter(|text| !text.contains('\0'));
    let text = text
        .ok_or_else(|| format!("is neither a pickle nor JSON nor a table of text, it starts with {}", quote(bytes)))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    match [b'\t', b','].into_iter().find(|&separator| first.contains(char::from(separator))) {
        Some(separator) => table(text, separator),
        None => Ok(lines(text)),
    }
}

/// Each name with the number of its line.
fn lines(text: &str) -> Vec<(String, Scalar)> {
    let names = text.lines().enumerate().map(|(line, name)| (name.trim_end(), line as i64));
    names.filter(|(name, _)| !name.is_empty()).map(|(name, line)| (name.to_owned(), Scalar::Int(line))).collect()
}

fn table(text: &str, separator: u8) -> Result<Vec<(String, Scalar)>, String> {
    let mut reader =
        ReaderBuilder::new().delimiter(separator).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut entries = Vec::new();
    let mut columns = None;
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let [from, to] = match columns {
            Some(columns) => columns,
            None => {
                let header = header(&record);
                columns = Some(header.unwrap_or([0, 1]));
                if header.is_some() {
                    continue;
                }
                [0, 1]
            }
        };
        let line = || record.position().map_or(0, csv::Position::line);
        let (Some(from), Some(to)) = (record.get(from), record.get(to)) else {
            return Err(format!("line {}: {} columns, expected a pair of names", line(), record.len()));
        };
        if !from.is_empty() && !to.is_empty() {
            entries.push((from.to_owned(), scalar(to)));
        }
    }
    Ok(entries)
}

/// The columns of names, when the first line says which they are.
fn header(record: &StringRecord) -> Option<[usize; 2]> {
    if record.iter().any(|field| unversioned(field).is_some()) {
        return None;
    }
    let find = |known: &[&str]| {
        known.iter().find_map(|name| record.iter().position(|field| field.trim().eq_ignore_ascii_case(name)))
    };
    match (find(&SYMBOLS), find(&IDS)) {
        (Some(symbol), Some(id)) if symbol != id => Some([symbol, id]),
        // A header all the same, of two columns with other names.
        (Some(_), None) | (None, Some(_)) if record.len() == 2 => Some([0, 1]),
        _ => None,
    }
}

fn scalar(text: &str) -> Scalar {
    if let Ok(whole) = text.parse() {
        return Scalar::Int(whole);
    }
    // Names such as `nan` and `inf` are no numbers.
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Scalar::Float(number),
        _ => Scalar::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, Scalar)> {
        read(text.as_bytes()).unwrap()
    }

    fn names(pairs: &[(&str, &str)]) -> Vec<(String, Scalar)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), Scalar::Text((*b).to_owned()))).collect()
    }

    #[test]
    fn names_by_line() {
        let expected = [("<pad>", 0), ("<mask>", 1), ("ENSG00000000003", 2)];
        let expected = expected.map(|(name, line)| (name.to_owned(), Scalar::Int(line)));
        assert_eq!(pairs("<pad>\n<mask>\r\nENSG00000000003\n"), expected);
    }

    #[test]
    fn table_without_a_header() {
        let expected = names(&[("ENSG00000290825", "DDX11L16"), ("ENSG00000223972", "DDX11L1")]);
        assert_eq!(pairs("ENSG00000290825,DDX11L16,2,1396,lncRNA\nENSG00000223972,DDX11L1,6,632,x\n"), expected);
    }

    #[test]
    fn header_decides_the_columns() {
        let expected = names(&[("TP53", "ENSG00000141510")]);
        assert_eq!(pairs("chromosome\tgene_id\tgene_name\n17\tENSG00000141510\tTP53\n"), expected);
        assert_eq!(pairs("\u{feff}symbol,mine\nTP53,ENSG00000141510\n"), expected);
    }

    #[test]
    fn fields_without_content_are_no_pair() {
        assert_eq!(pairs("a\tb\n\tc\nd\t\n"), names(&[("a", "b")]));
    }

    #[test]
    fn what_is_no_table() {
        assert_eq!(read(b"a\tb\nc\n").unwrap_err(), "line 2: 1 columns, expected a pair of names");
        let message = "is neither a pickle nor JSON nor a table of text, it starts with `\\x89HDF\\r\\n\\x1a\\n`";
        assert_eq!(read(b"\x89HDF\r\n\x1a\n\0\0").unwrap_err(), message);
    }
}
