//! Fails a load of which too many records were rejected, before anything of it is committed.

use super::MaxRejected;
use crate::error::{Error, Result};
use crate::ledger::Counts;
use crate::transform::{TableTally, Tally};

/// Checks each object of a unit.
///
/// # Errors
/// [`Error::TooManyRejects`] of the first object that has more than `most`.
pub(super) fn check_rejects(
    names: &[String],
    tallies: &[Tally],
    most: Option<MaxRejected>,
) -> Result<()> {
    let Some(most) = most else {
        return Ok(());
    };
    let too_many = |tally: &Tally| most.is_exceeded(tally.rejected(), tally.records);
    match names.iter().zip(tallies).find(|(_, tally)| too_many(tally)) {
        None => Ok(()),
        Some((name, tally)) => Err(Error::TooManyRejects {
            object: name.clone(),
            rejected: tally.rejected(),
            records: tally.records,
            max_rejected: most,
            reasons: reasons(tally),
        }),
    }
}

/// Checks a load in parts when all of them are committed. It was begun without a limit: otherwise the object
/// were loaded on one connection.
///
/// # Errors
/// [`Error::TooManyRejects`]
pub(super) fn check_parts(name: &str, counts: &Counts, most: Option<MaxRejected>) -> Result<()> {
    let tally = Tally {
        records: counts.records,
        tables: vec![TableTally { rows: counts.rejected, entries: 0 }],
        rejected_by_reason: counts.rejected_by_reason.clone(),
        ..Tally::default()
    };
    check_rejects(&[name.to_owned()], &[tally], most)
}

/// The reasons, the most frequent first, with counts and an example of each.
fn reasons(tally: &Tally) -> String {
    let mut reasons: Vec<_> = tally.rejected_by_reason.iter().collect();
    reasons.sort_by(|(_, one), (_, other)| other.cmp(one));
    let text = |(reason, count): (&String, &u64)| match tally.examples.get(reason) {
        Some(example) => format!("{reason} {count} (for example {example})"),
        None => format!("{reason} {count}"),
    };
    reasons.into_iter().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transform::Example;

    #[test]
    fn the_object_that_has_too_many_is_named_with_its_reasons() {
        let tally = |rejected| Tally {
            records: 9,
            tables: vec![TableTally { rows: rejected, entries: 0 }],
            rejected_by_reason: [
                ("malformed".to_owned(), 1),
                ("wrong_type".to_owned(), rejected - 1),
            ]
            .into(),
            examples: [(
                "wrong_type".to_owned(),
                Example { record_no: 3, detail: "/a: no".to_owned() },
            )]
            .into(),
            ..Tally::default()
        };
        let names = ["one".to_owned(), "two".to_owned()];
        let check = |most: &str| check_rejects(&names, &[tally(3), tally(4)], most.parse().ok());
        assert!(check("4").is_ok() && check("").is_ok());
        let error = check("3").unwrap_err().to_string();
        let expected = "4 of the 9 records of two were rejected, and at most 3 may be, so nothing was written: \
            wrong_type 3 (for example record 3: /a: no), malformed 1";
        assert_eq!(error, expected);
    }
}
