use ferrome_core::engine::Summary;
use ferrome_drug::task::score::Outcome;

/// What a run did, in one line.
pub(super) fn line(outcome: &Outcome) -> String {
    let Outcome { summary, kept, rescored, .. } = outcome;
    let mut line = format!("{} rows: {} scored", summary.rows, summary.unique);
    if let Some(rescored) = rescored {
        line += &format!(", {rescored} of them by both tiers");
    }
    for rejected in &summary.rejected {
        line += &format!(", {} rejected ({}, first `{}`)", rejected.count, rejected.kind, rejected.first);
    }
    if let Some(kept) = kept {
        line += &format!("; {kept} kept");
    }
    line + &pace(summary)
}

fn pace(summary: &Summary) -> String {
    if summary.already_complete {
        return "; already complete, nothing to do".to_owned();
    }
    let before = if summary.resumed_rows > 0 {
        format!("; {} rows were done before", summary.resumed_rows)
    } else {
        String::new()
    };
    let rate = summary.tokens_per_second();
    format!("{before}; {} molecules in {:.1} s, {rate:.0} molecules/s", summary.computed_tokens, summary.seconds)
}

/// The same as JSON; opening inputs and models took `open_seconds`.
pub(super) fn stats(outcome: &Outcome, open_seconds: f64) -> serde_json::Value {
    let Summary { rows, unique, resumed_rows, computed_tokens, seconds, .. } = outcome.summary;
    serde_json::json!({
        "load_seconds": open_seconds + outcome.load_seconds,
        "run_seconds": seconds,
        "rows": rows,
        "scored": unique,
        "resumed_rows": resumed_rows,
        "molecules": computed_tokens,
        "kept": outcome.kept,
        "rescored": outcome.rescored,
    })
}
