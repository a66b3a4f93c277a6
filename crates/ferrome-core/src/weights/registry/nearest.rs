use super::{Room, registry};

/// Names of the registry that `name` may have been meant for, the nearest first, at most three; of `room` only, where one is
/// given.
#[must_use]
pub fn nearest(name: &str, room: Option<Room>) -> Vec<&'static str> {
    let asked = plain(name.rsplit('/').next().unwrap_or(name));
    let of_room = registry().iter().filter(|entry| room.is_none() || entry.room == room);
    let mut scored: Vec<(f64, &str)> =
        of_room.map(|entry| (likeness(&asked, &plain(&entry.name)), entry.name.as_str())).collect();
    scored.retain(|(score, _)| *score >= 0.75);
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let best = scored.first().map_or(0.0, |(score, _)| *score);
    scored.into_iter().take_while(|(score, _)| *score >= best - 0.02).take(3).map(|(_, name)| name).collect()
}

// Between 0 and 1: words that were left out (`esm2_650M`) cost less than letters that are wrong.
fn likeness(asked: &str, name: &str) -> f64 {
    let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
    let (asked_words, name_words) = (words(asked), words(name));
    let found = asked_words.iter().filter(|word| name_words.contains(word)).count() as f64;
    let by_words = if found >= 2.0 { found / asked_words.len() as f64 } else { 0.0 };
    by_words.max(strsim::normalized_damerau_levenshtein(asked, name))
}

// Lower case, and one blank for every sign between words.
fn plain(name: &str) -> String {
    let letters = name.chars().map(|letter| if letter.is_alphanumeric() { letter.to_ascii_lowercase() } else { ' ' });
    letters.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}
