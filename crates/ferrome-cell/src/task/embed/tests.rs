use super::*;

fn task(pool: Pool, specials: Option<Specials>) -> EmbedTask {
    let options =
        EmbedOptions { pool, layer: 1, long: Long::Error, positions: Some(4), specials, unit: false, batches: None };
    EmbedTask::new(options, 8, ObsColumns::default(), &Schema::empty()).unwrap()
}

fn cell(tokens: &[i32]) -> TokenCell {
    let obs = Arc::new(RecordBatch::new_empty(Arc::new(Schema::empty())));
    TokenCell { row: 1, id: "c".to_owned(), tokens: Ok(tokens.to_vec()), values: None, obs, place: 0 }
}

#[test]
fn genes_are_what_stands_between_the_special_tokens() {
    let specials = Some(Specials::PUBLISHED);
    assert_eq!(genes(&[5, 6, 7], None), 0..3);
    assert_eq!(genes(&[2, 6, 7, 3], specials), 1..3);
    assert_eq!(genes(&[2, 6, 7], specials), 1..3);
    assert_eq!(genes(&[2, 3], specials), 1..1);
    assert_eq!(genes(&[2], specials), 1..1);
}

#[test]
fn cells_that_cannot_be_computed_say_why() {
    let refused = |task: &EmbedTask, tokens: &[i32]| task.tokenize(&cell(tokens)).unwrap_err().reason;
    let (v1, v2) = (task(Pool::Mean, None), task(Pool::Mean, Some(Specials::PUBLISHED)));
    assert_eq!(refused(&v1, &[]), "has no tokens: no gene of the vocabulary");
    assert_eq!(refused(&v1, &[5; 6]), "6 tokens are more than the model's 4 positions: see --long truncate");
    assert_eq!(refused(&v2, &[7, 8, 3]), "begins with the token 7, expected `<cls>` (2)");
    assert_eq!(refused(&v2, &[2, 3]), "has no genes beside `<cls>` and `<eos>`");
    assert_eq!(task(Pool::Cls, Some(Specials::PUBLISHED)).tokenize(&cell(&[2, 3])).unwrap().genes, 1..1);
}

#[test]
fn table_without_rows_has_its_columns() {
    let described = task(Pool::Mean, None).describe(&[]).unwrap();
    assert_eq!(
        described.schema().fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>(),
        ["cell_id", "length"]
    );
}
