//! A vocabulary from the dictionaries that the authors of a model published.

use std::path::PathBuf;

use hashbrown::HashMap;

use super::dictionary::{self, Dictionary, Scalar};
use super::{Gene, Parts, Source, Vocabulary, published};
use crate::tokenize::Style;
use crate::{Error, Result};

/// The published files.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// Genes and special tokens with their tokens: a pickle, `vocab.json`, or one name per line.
    pub tokens: PathBuf,
    /// Genes with their medians; Geneformer only.
    pub medians: Option<PathBuf>,
    /// Symbols with their ids.
    pub symbols: Option<PathBuf>,
    /// Former ids and other names with the current id.
    pub former_ids: Option<PathBuf>,
}

/// The special tokens of Geneformer V2 that V1 lacks.
const FRAME: [&str; 2] = ["<cls>", "<eos>"];

/// Those of scGPT, which come after the genes of its census vocabulary.
const SCGPT: [&str; 3] = ["<pad>", "<cls>", "<eoc>"];

/// Reads published dictionaries and checks that they belong together.
///
/// Without `style`, tokens with medians are Geneformer's: V2 when they have `<cls>` and `<eos>`, V1 otherwise; tokens
/// without medians are scGPT's. scGPT's special tokens are added behind the last gene where the file lacks them, as
/// scGPT itself does.
///
/// # Errors
///
/// A file cannot be read or is something else; published files of different models; genes without a median.
pub fn import(files: &Files, style: Option<Style>) -> Result<Vocabulary> {
    let tokens = dictionary::open(&files.tokens)?;
    let optional = |path: &Option<PathBuf>| path.as_deref().map(dictionary::open).transpose();
    let (medians, symbols) = (optional(&files.medians)?, optional(&files.symbols)?);
    let former_ids = optional(&files.former_ids)?;
    let roles = [("tokens", Some(&tokens)), ("medians", medians.as_ref()), ("symbols", symbols.as_ref())];
    let roles = roles.into_iter().chain([("former ids", former_ids.as_ref())]);
    let sources = roles.filter_map(|(role, file)| Some((role, file?))).collect::<Vec<_>>();
    same_model(&sources)?;
    let sources = sources.into_iter().map(|(role, file)| Source::of(role, file)).collect();

    let mut names = numbers(&tokens)?;
    let style = style.unwrap_or_else(|| guess(&names, medians.is_some()));
    let specials = specials(&mut names, style);
    let genes = match (style, &medians) {
        (Style::ScGpt, _) => names.into_iter().map(|(id, token)| Gene { id, token, median: None }).collect(),
        (_, Some(medians)) => with_medians(names, &tokens, medians)?,
        (_, None) => {
            return Err(Error::file(&files.tokens, format!("{style} also needs its medians (--medians FILE)")));
        }
    };
    let table = |file: Option<Dictionary>| file.map_or_else(|| Ok(Vec::new()), |file| texts(&file));
    let (symbols, former_ids) = (table(symbols)?, table(former_ids)?);
    let parts = Parts { style, specials, genes, symbols, former_ids, sources };
    Vocabulary::new(parts).map_err(|error| match error {
        Error::Vocabulary(reason) => Error::file(&files.tokens, reason),
        other => other,
    })
}

fn guess(names: &[(String, i32)], medians: bool) -> Style {
    let framed = FRAME.iter().all(|special| names.iter().any(|(name, _)| name == special));
    match (medians, framed) {
        (false, _) => Style::ScGpt,
        (true, true) => Style::GeneformerV2,
        (true, false) => Style::GeneformerV1,
    }
}

/// Takes names in angle brackets out, and adds what scGPT adds.
fn specials(names: &mut Vec<(String, i32)>, style: Style) -> Vec<(String, i32)> {
    let mut specials: Vec<(String, i32)> =
        names.extract_if(.., |(name, _)| name.starts_with('<') && name.ends_with('>')).collect();
    if style == Style::ScGpt {
        let mut next = names.iter().chain(&specials).map(|(_, token)| token + 1).max().unwrap_or(0);
        for name in SCGPT {
            if !specials.iter().any(|(special, _)| special == name) {
                specials.push((name.to_owned(), next));
                next += 1;
            }
        }
    }
    specials
}

/// Published files that are of different models cannot make one vocabulary.
fn same_model(sources: &[(&str, &Dictionary)]) -> Result<()> {
    let published = sources.iter().filter_map(|(_, file)| Some((*file, published::by_sha256(&file.sha256)?)));
    let published: Vec<_> = published.collect();
    for pair in published.windows(2) {
        if let [(_, first), (file, second)] = pair
            && first.model != second.model
        {
            return Err(Error::file(&file.path, format!("is {second}, which does not belong to {first}")));
        }
    }
    Ok(())
}

fn numbers(file: &Dictionary) -> Result<Vec<(String, i32)>> {
    let number = |(name, value): &(String, Scalar)| match value {
        Scalar::Int(token) if i32::try_from(*token).is_ok() => Ok((name.clone(), *token as i32)),
        Scalar::Int(token) => {
            Err(Error::file(&file.path, format!("the token of `{name}` is {token}, expected 32 bits")))
        }
        _ => Err(Error::file(&file.path, format!("`{name}` has no token, but {}", shown(value)))),
    };
    file.entries.iter().map(number).collect()
}

fn texts(file: &Dictionary) -> Result<Vec<(String, String)>> {
    let text = |(name, value): &(String, Scalar)| match value {
        Scalar::Text(id) => Ok((name.clone(), id.clone())),
        _ => Err(Error::file(&file.path, format!("`{name}` has no id, but {}", shown(value)))),
    };
    file.entries.iter().map(text).collect()
}

fn with_medians(names: Vec<(String, i32)>, tokens: &Dictionary, medians: &Dictionary) -> Result<Vec<Gene>> {
    let mut table = HashMap::with_capacity(medians.entries.len());
    for (name, value) in &medians.entries {
        let median = match value {
            Scalar::Float(median) => *median,
            Scalar::Int(median) => *median as f64,
            Scalar::Text(_) => {
                return Err(Error::file(&medians.path, format!("`{name}` has no median, but {}", shown(value))));
            }
        };
        table.insert(name.as_str(), median);
    }
    let total = names.len();
    let (mut genes, mut missing) = (Vec::with_capacity(total), Vec::new());
    for (id, token) in names {
        match table.get(id.as_str()) {
            Some(&median) => genes.push(Gene { id, token, median: Some(median) }),
            None => missing.push(id),
        }
    }
    match missing.first() {
        None => Ok(genes),
        Some(first) => Err(Error::file(
            &medians.path,
            format!(
                "has no median for {} of the {total} genes of {} (first `{first}`): these files do not belong together",
                missing.len(),
                tokens.path.display()
            ),
        )),
    }
}

fn shown(value: &Scalar) -> String {
    match value {
        Scalar::Int(number) => format!("the number {number}"),
        Scalar::Float(number) => format!("the number {number}"),
        Scalar::Text(text) => format!("the text `{}`", text.escape_debug()),
    }
}
