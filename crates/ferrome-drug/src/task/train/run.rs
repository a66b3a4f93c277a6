mod basis;
mod start;

use std::rc::Rc;

use ferrome_core::journal::{Lock, write_whole};

use super::{
    Data, Measured, Quality, Split, WORK, card,
    ensemble::Joined,
    features::{self, ProteinRows},
    fit::{Fitted, Lesson, Run, fit},
};
use crate::{
    Error, Result,
    checkpoint::{self, FAST, TrainingMolecule},
    inputs::Inputs,
    molecule::MolSource,
};

use basis::{basis, describe, distinct, spread};
pub use start::{Outcome, Progress, Start};

/// Trains all members, or goes on with an earlier run into the same folder, and writes the model's folder: what
/// [`checkpoint::Folder`] opens, its card, `metrics.csv`, `loss.svg`, `split.json` and what to go on from; then, where the
/// configuration wants one, the fast model likewise into the folder `fast` in it.
///
/// # Errors
///
/// The data cannot be split or learnt from; the folder holds a run with other data or options (listed) or cannot be written;
/// the training diverges; [`Error::Stopped`] after Ctrl-C, with everything kept.
pub fn train(start: &Start, data: &Data, tell: &mut dyn FnMut(&Progress)) -> Result<Outcome> {
    fs_err::create_dir_all(start.folder)?;
    let lock = Lock::take(start.folder.join(LOCK), start.folder)?;
    let outcome = train_alone(start, data, tell);
    lock.release()?;
    outcome
}

/// Held as long as a run writes into the folder.
const LOCK: &str = ".ferrome-lock";

fn train_alone(start: &Start, data: &Data, tell: &mut dyn FnMut(&Progress)) -> Result<Outcome> {
    let outcome = train_members(start, data, tell)?;
    let Some(config) = start.config.fast()? else { return Ok(outcome) };
    let folder = start.folder.join(FAST);
    fs_err::create_dir_all(&folder)?;
    let fast = Start { config: &config, folder: &folder, interrupt: start.interrupt.clone(), ..*start };
    let mut tell = |progress: &Progress| tell(&Progress { fast: true, ..*progress });
    let fast = train_members(&fast, data, &mut tell)?;
    checkpoint::share_tables(start.folder)?;
    Ok(Outcome { fast: Some(Box::new(fast)), ..outcome })
}

fn train_members(start: &Start, data: &Data, tell: &mut dyn FnMut(&Progress)) -> Result<Outcome> {
    prepare(start)?;
    let mut school = School::new(start, data)?;
    for member in 0..start.config.count() {
        school.teach(member, tell)?;
    }
    school.graduate()
}

fn prepare(start: &Start) -> Result<()> {
    let work = start.folder.join(WORK);
    if start.overwrite && work.exists() {
        fs_err::remove_dir_all(&work)?;
    }
    if !start.overwrite && !work.exists() && start.folder.join("model.safetensors").exists() {
        return Err(Error::ModelExists { path: start.folder.to_owned() });
    }
    Ok(fs_err::create_dir_all(&work)?)
}

struct School<'a> {
    start: &'a Start<'a>,
    data: &'a Data,
    drugs: Vec<crate::inputs::Drug>,
    /// Rows of the proteins, by the proteins they are compared with.
    rows: Option<(Vec<usize>, Rc<ProteinRows>)>,
    measured: Vec<Measured>,
    members: Vec<Member>,
}

/// A trained member.
struct Member {
    /// The last training: what the model's folder gets.
    fitted: Fitted,
    lesson: Lesson,
    /// The split and the predictions of the training that chose the epoch.
    split: Split,
    validation: features::Predictions,
    epoch: u64,
}

impl<'a> School<'a> {
    fn new(start: &'a Start<'a>, data: &'a Data) -> Result<Self> {
        let split = Split::new(&start.config.split, data, start.config.seed, 0)?;
        write_whole(&start.folder.join("split.json"), split.json(data))?;
        let mut rejected = String::from("row\treason\n");
        data.left_out.iter().for_each(|(row, why)| rejected.push_str(&format!("{}\t{why}\n", row + 1)));
        if !data.left_out.is_empty() {
            write_whole(&start.folder.join("left_out.tsv"), rejected)?;
        }
        let config = start.config;
        let models = (0..config.count()).map(|member| config.member(member)?.pair_config(1));
        let inputs = Inputs::new(&describe(config, &models.collect::<Result<Vec<_>>>()?, (0.0, 1.0))?)?;
        let drugs = features::drugs(data, &inputs)?;
        Ok(Self { start, data, drugs, rows: None, measured: Vec::new(), members: Vec::new() })
    }

    fn teach(&mut self, member: usize, tell: &mut dyn FnMut(&Progress)) -> Result<()> {
        let config = self.start.config;
        let split = Split::new(&config.split, self.data, config.seed, member)?;
        let lesson = self.lesson(member, split.clone(), None)?;
        let first = self.fit(&lesson, tell)?;
        self.measured.extend(&first.measured);
        let (validation, epoch) = (first.validation.clone(), first.epoch);
        let (fitted, lesson) = if config.refit {
            let mut all = split.clone();
            all.train.extend(&all.validation);
            all.train.sort_unstable();
            let lesson = self.lesson(member, all, Some(epoch))?;
            let second = self.fit(&lesson, tell)?;
            self.measured.extend(&second.measured);
            (second, lesson)
        } else {
            (first, lesson)
        };
        self.members.push(Member { fitted, lesson, split, validation, epoch });
        Ok(())
    }

    fn fit(&self, lesson: &Lesson, tell: &mut dyn FnMut(&Progress)) -> Result<Fitted> {
        let Start { config, folder, device, interrupt, .. } = self.start;
        let (config, members) = (&config.member(lesson.member)?, config.count());
        let run = Run { config, members, data: self.data, drugs: &self.drugs, folder, device: *device, interrupt };
        fit(&run, lesson, &self.measured, tell)
    }

    fn lesson(&mut self, member: usize, split: Split, epochs: Option<u64>) -> Result<Lesson> {
        let config = self.start.config;
        let basis = basis(config, &split);
        let known = distinct(&basis, |i| self.data.pairs[i].protein);
        let rows = match &self.rows {
            Some((before, rows)) if *before == known => Rc::clone(rows),
            _ => Rc::new(ProteinRows::new(config, self.data, &known)?),
        };
        self.rows = Some((known, Rc::clone(&rows)));
        let label = spread(config, self.data, &basis)?;
        let model = config.member(member)?.pair_config(rows.width)?;
        Ok(Lesson { member, model, split, rows, label, epochs })
    }

    /// Writes the model's folder.
    fn graduate(self) -> Result<Outcome> {
        let config = self.start.config;
        let joined = Joined::new(config, self.data, &self.validations());
        let none = || Error::Model("an ensemble without members".into());
        let first = self.members.first().ok_or_else(none)?;
        let models: Vec<_> = self.members.iter().map(|member| member.lesson.model.clone()).collect();
        let mut written = describe(config, &models, first.lesson.label)?;
        written.calibration = joined.calibration.clone();
        written.trained = card::trained(config, self.data, &self.members.iter().map(|m| m.epoch).collect::<Vec<_>>());
        let parts: Vec<_> = self.members.iter().map(|member| member.fitted.model.parts()).collect();
        let molecules = self.molecules(&first.lesson.split)?;
        let tables = (molecules.as_slice(), first.lesson.rows.references.as_slice());
        checkpoint::save(self.start.folder, &written, &parts, tables, config.store.kind())?;
        let outcome = self.outcome(&joined);
        write_whole(&self.start.folder.join("README.md"), card::card(config, &written, &outcome, self.data))?;
        Ok(outcome)
    }

    fn validations(&self) -> Vec<(&Split, &features::Predictions)> {
        self.members.iter().map(|member| (&member.split, &member.validation)).collect()
    }

    fn outcome(&self, joined: &Joined) -> Outcome {
        let (config, data) = (self.start.config, self.data);
        let single = |member: &Member| Quality::of(&member.fitted.test, data, &member.split.test, config.objective);
        let tests: Vec<_> = self.members.iter().map(|member| &member.fitted.test).collect();
        let split = &self.members[0].lesson.split;
        Outcome {
            measured: self.measured.clone(),
            epochs: self.members.iter().map(|member| member.epoch).collect(),
            pairs: [split.train.len(), split.validation.len(), split.test.len()],
            validation: joined.quality,
            test: Quality::of(&super::ensemble::mean(&tests), data, &split.test, config.objective),
            single: self.members.iter().map(single).collect(),
            fast: None,
        }
    }

    /// The distinct molecules of the training pairs.
    fn molecules(&self, split: &Split) -> Result<Vec<TrainingMolecule>> {
        let known = distinct(&basis(self.start.config, split), |i| self.data.pairs[i].drug);
        let one = |&which: &usize| {
            let drug = &self.data.drugs[which];
            Ok(TrainingMolecule {
                smiles: drug.smiles.clone(),
                canonical_smiles: drug.canonical.clone(),
                ecfp4: drug.molecule.ecfp4()?,
            })
        };
        known.iter().map(one).collect()
    }
}
