//! What a summary says of what was found before a load.

use super::fit::{Fit, Line, Verdict};
use super::source::Source;
use crate::load::{State, Summary};
use crate::side_by_side::cell;
use crate::summary::{Warning, WarningKind};

/// New fields that are named; the others are counted, since the names are the sender's and could be
/// without number.
const NAMED: usize = 50;
/// Where they are counted.
const OTHERS: &str = "(other)";

/// What was found before a load.
#[derive(Debug, Default)]
pub struct PreflightReport {
    warnings: Vec<Warning>,
    /// What people call the table that the feed was held against.
    source: Option<String>,
}

impl PreflightReport {
    pub(super) fn new(source: &Source, fit: &Fit) -> Self {
        let lines = fit.lines.iter().filter(|line| line.verdict != Verdict::Fits);
        let warnings = lines.map(|line| warning(line, source)).collect();
        Self { warnings, source: Some(source.name.clone()) }
    }

    /// Adds the warnings to the summary of the load: what was found before it, and the fields that
    /// only the load has found. None where nothing was done.
    #[must_use]
    pub fn added_to(self, mut summary: Summary) -> Summary {
        let Some(source) = self.source.filter(|_| summary.state != State::AlreadyLoaded) else {
            return summary;
        };
        let of_load = std::mem::replace(&mut summary.warnings, self.warnings);
        for (field, count) in &summary.unknown_fields {
            let is_same = |Warning { field: known, .. }: &Warning| {
                known.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(field))
            };
            if field != OTHERS && !summary.warnings.iter().any(is_same) {
                let detail = format!("{count} in the object; neither the feed nor {source} has it");
                let kind = WarningKind::NewField;
                summary.warnings.push(Warning { field: Some(field.clone()), kind, detail });
            }
        }
        bound(&mut summary.warnings);
        summary.warnings.extend(of_load);
        summary
    }
}

/// Counts the new fields beyond those that are named.
fn bound(warnings: &mut Vec<Warning>) {
    let (mut new, mut more) = (0, 0);
    warnings.retain(|warning| {
        new += usize::from(warning.kind == WarningKind::NewField);
        let is_kept = warning.kind != WarningKind::NewField || new <= NAMED;
        more += usize::from(!is_kept);
        is_kept
    });
    if more > 0 {
        let (field, kind) = (Some(OTHERS.to_owned()), WarningKind::NewField);
        warnings.push(Warning { field, kind, detail: format!("{more} more new fields") });
    }
}

fn warning(line: &Line, source: &Source) -> Warning {
    let Line { field, takes, found, verdict } = line;
    let (name, found) = (&source.name, cell(found));
    let (kind, detail) = match verdict {
        Verdict::New => {
            let column = source.columns.iter().find(|column| column.name == *field);
            let records = column.map_or(String::new(), |column| {
                format!(" in {} of {} records", column.present, source.records)
            });
            (
                WarningKind::NewField,
                format!("{found}{records} of {name}; the feed does not have it"),
            )
        }
        Verdict::Missing => (WarningKind::MissingField, format!("{name} has no value for it")),
        Verdict::Never | Verdict::InPart | Verdict::Fits => {
            (WarningKind::TypeMismatch, format!("{found} in {name}; the feed takes {takes}"))
        }
    };
    Warning { field: Some(cell(field)), kind, detail }
}
