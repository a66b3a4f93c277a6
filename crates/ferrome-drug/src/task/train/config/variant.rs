//! Members that are not all alike, and the fast model: the same configuration with some keys changed.

use serde_json::{Map, Value};

use super::TrainConfig;
use crate::{Error, Result};

/// What members and the fast model may change.
const OF_BOTH: [&str; 12] = [
    "model",
    "batches",
    "epochs",
    "patience",
    "learning_rate",
    "warmup_epochs",
    "final_share",
    "weight_decay",
    "clip",
    "beta1",
    "beta2",
    "watch_test",
];
/// What a member may change beside that.
const OF_MEMBERS: [&str; 1] = ["seed"];
/// What the fast model may change beside that; its split is drawn from the same seed.
const OF_FAST: [&str; 6] = ["fingerprints", "protein_rows", "loss", "variance_weight", "store", "ensemble"];

impl TrainConfig {
    /// How many models are trained.
    #[must_use]
    pub fn count(&self) -> usize {
        self.ensemble * self.members.len().max(1)
    }

    /// Whether a member's model has this part.
    #[must_use]
    pub(in crate::task::train) fn looks_at(&self, part: &str) -> bool {
        let models: Vec<&Value> =
            self.members.iter().map(|changes| changes.get("model").unwrap_or(&self.model)).collect();
        let has = |model: &Value| model.get(part).is_some();
        if models.is_empty() { has(&self.model) } else { models.into_iter().any(has) }
    }

    /// The configuration of one member, from 0, which is trained as if it were alone.
    ///
    /// # Errors
    ///
    /// Its entry of `members` changes a key that members share, or gives one a value of another type.
    pub fn member(&self, member: usize) -> Result<Self> {
        self.of_member(member).map_err(Error::Model)
    }

    /// The configuration of the fast model, where there is to be one.
    ///
    /// # Errors
    ///
    /// `fast` changes a key that both models share, or gives one a value of another type.
    pub fn fast(&self) -> Result<Option<Self>> {
        self.of_fast().map_err(Error::Model)
    }

    fn of_member(&self, member: usize) -> Result<Self, String> {
        let (nothing, kinds) = (Map::new(), self.members.len().max(1));
        let changes = self.members.get(member % kinds).unwrap_or(&nothing);
        let mut config = self.changed(changes, "members", &[&OF_BOTH, &OF_MEMBERS])?;
        // Members of one kind differ in nothing else.
        let turn = if changes.contains_key("seed") { member / kinds } else { member };
        config.seed = config.seed.wrapping_add(turn as u64);
        config.ensemble = 1;
        Ok(config)
    }

    fn of_fast(&self) -> Result<Option<Self>, String> {
        let Some(changes) = &self.fast else { return Ok(None) };
        let mut config = self.changed(changes, "fast", &[&OF_BOTH, &OF_FAST])?;
        if !changes.contains_key("ensemble") {
            config.ensemble = 1;
        }
        Ok(Some(config))
    }

    fn changed(&self, changes: &Map<String, Value>, what: &str, allowed: &[&[&str]]) -> Result<Self, String> {
        let base = Self { members: Vec::new(), fast: None, ..self.clone() };
        let mut value = serde_json::to_value(base).map_err(|e| e.to_string())?;
        for (key, new) in changes {
            if !allowed.iter().any(|keys| keys.contains(&key.as_str())) {
                return Err(format!("`{what}` cannot change `{key}`; it can change {}", allowed.concat().join(", ")));
            }
            value[key] = new.clone();
        }
        serde_json::from_value(value).map_err(|e| format!("`{what}`: {e}"))
    }

    /// Checks every member and the fast model as it would be checked alone.
    pub(super) fn check_variants(&self) -> Result<(), String> {
        for member in 0..self.members.len() {
            let config = self.of_member(member)?;
            config.check().map_err(|reason| format!("member {member}: {reason}"))?;
        }
        if let Some(fast) = self.of_fast()? {
            fast.check().map_err(|reason| format!("`fast`: {reason}"))?;
            if fast.model.get("graph").is_some() {
                return Err("`fast`: a fast model has no `graph`".into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(rest: &str) -> Result<TrainConfig, String> {
        let json = format!(
            r#"{{"data": {{"pairs": "p.tsv", "value": "y"}}, "epochs": 7, "seed": 3,
                "model": {{"fingerprints": {{"hidden": [8]}}, "head": {{"kind": "bilinear", "rank": 4}}}}, {rest}}}"#
        );
        TrainConfig::parse(&json, "c.json".as_ref()).map_err(|e| e.to_string())
    }

    #[test]
    fn members_change_some_keys_and_keep_the_others() {
        let config = parse(r#""ensemble": 2, "members": [{}, {"epochs": 9, "model": {"graph": {}}}]"#).unwrap();
        assert_eq!(config.count(), 4);
        let members: Vec<TrainConfig> = (0..4).map(|i| config.member(i).unwrap()).collect();
        assert_eq!(members.iter().map(|c| (c.epochs, c.seed)).collect::<Vec<_>>(), [(7, 3), (9, 4), (7, 5), (9, 6)]);
        assert!(members[3].model.get("graph").is_some() && members[3].model.get("fingerprints").is_none());
        assert_eq!((members[1].data.clone(), members[1].ensemble), (config.data.clone(), 1));
        let seeded = parse(r#""ensemble": 2, "members": [{"seed": 10}, {}]"#).unwrap();
        assert_eq!((0..4).map(|i| seeded.member(i).unwrap().seed).collect::<Vec<_>>(), [10, 4, 11, 6]);
    }

    #[test]
    fn the_fast_model_is_one_without_graphs() {
        assert_eq!(parse(r#""ensemble": 2"#).unwrap().fast().unwrap(), None);
        let fast = parse(r#""ensemble": 2, "fast": {"fingerprints": ["ecfp4"]}"#).unwrap().fast().unwrap().unwrap();
        assert_eq!((fast.ensemble, fast.fingerprints.len(), fast.epochs), (1, 1, 7));
        assert_eq!(
            parse(r#""fast": {"model": {"graph": {}}}"#).unwrap_err(),
            "c.json: `fast`: a fast model has no `graph`"
        );
    }

    #[test]
    fn shared_keys_cannot_be_changed() {
        let told = parse(r#""members": [{}, {"objective": "both"}]"#).unwrap_err();
        assert!(
            told.starts_with("c.json: `members` cannot change `objective`; it can change model, batches, "),
            "{told}"
        );
        assert_eq!(
            parse(r#""members": [{"epochs": 0}]"#).unwrap_err(),
            "c.json: member 0: epochs and ensemble must be at least 1"
        );
        let told = parse(r#""members": [{"epochs": "many"}]"#).unwrap_err();
        assert!(told.starts_with("c.json: `members`: invalid type: string \"many\", expected u64"), "{told}");
    }
}
