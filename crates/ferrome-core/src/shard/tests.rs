use super::*;

fn shard(text: &str) -> Result<Shard, String> {
    text.parse()
}

#[test]
fn shards_hold_every_row_once_in_order() {
    for total in [0, 1, 7, 16, 1000, u64::MAX] {
        for of in [1, 3, 16, 99_999] {
            let mut next = 0;
            for index in (1..=of).step_by(if of > 100 { 33_333 } else { 1 }) {
                let rows = shard(&format!("{index}/{of}")).unwrap().rows(total);
                assert!(rows.start >= next && rows.end >= rows.start, "{index}/{of} of {total}: {rows:?}");
                assert!(of > 100 || rows.start == next);
                next = rows.end;
            }
            assert_eq!(shard(&format!("{of}/{of}")).unwrap().rows(total).end, total);
        }
    }
}

#[test]
fn shards_that_are_none_are_refused() {
    let message = |text| shard(text).unwrap_err();
    assert_eq!(message("5/4"), "there are only 4 shards: expected 1/4 to 4/4");
    assert_eq!(
        message("0/16"),
        "shards are counted from 1: expected 1/16 to 16/16 (in an array that begins with 0, pass \
         $((SLURM_ARRAY_TASK_ID + 1))/16)"
    );
    assert_eq!(message("1/0"), "expected at least one shard");
    for text in ["a/b", "3", "", "/16", "-1/4", "1.5/4", "1/4/9"] {
        assert_eq!(message(text), "expected I/N, shard I of N, such as 3/16", "{text}");
    }
}

#[test]
fn lists_of_rows_that_are_none_are_refused() {
    let message = |text: &str| text.parse::<RowList>().unwrap_err();
    for text in ["0", "a", "9-3", "1-", ""] {
        assert_eq!(message(text), format!("`{text}`: expected rows counted from 1, such as 7,20-31"));
    }
    assert_eq!(message("7,5-9"), "row 7 stands there twice");
}

#[test]
fn quarantined_rows_are_found_within_the_shard() {
    let portion = |text: &str, quarantine: &str| {
        Portion::new(shard(text).unwrap(), Path::new("out"), 40, quarantine.parse().unwrap())
    };
    let second = portion("2/4", "3,12-13,19-25").unwrap();
    assert_eq!((second.rows(), second.quarantine.to_string().as_str()), (10..20, "12-13,19-20"));
    assert_eq!(second.quarantined(10), None);
    let rejection = second.quarantined(12).unwrap();
    assert_eq!(
        (rejection.kind.as_str(), rejection.reason.as_str()),
        ("quarantined rows 12-13", "quarantined rows 12-13: not computed")
    );
    assert_eq!(Rejection::of_quarantine(&rejection.reason), Some(rejection));
    assert_eq!(Rejection::of_quarantine("no sequence"), None);
    assert_eq!(portion("2/4", "41").unwrap_err().to_string(), "--quarantine 41: the input has 40 rows");
}

#[test]
fn select_gives_the_rows_of_the_shard() {
    let portion = Portion::new(shard("2/3").unwrap(), Path::new("out"), 10, RowList::default()).unwrap();
    let rows: Result<Vec<u32>, ()> = portion.select((0..10).map(Ok)).collect();
    assert_eq!(rows, Ok(vec![3, 4, 5]));
}

#[test]
fn trouble_among_passed_rows_is_told_once() {
    let portion = Portion::new(shard("2/2").unwrap(), Path::new("out"), 10, RowList::default()).unwrap();
    let rows = (0..10).map(|row| if row == 2 { Err("cut short") } else { Ok(row) });
    assert_eq!(portion.select(rows).collect::<Vec<_>>(), [Err("cut short")]);
}
