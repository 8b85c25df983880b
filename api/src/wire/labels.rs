//! Labels, by which jobs are found again.

use std::collections::BTreeMap;

/// Labels of a job at most.
pub(crate) const MOST_LABELS: usize = 16;

/// Says what is wrong with labels, if something is.
pub(crate) fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), String> {
    let is_name = |name: &str| {
        let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
        (1..=63).contains(&name.len()) && name.bytes().all(is_of_names)
    };
    let is_value = |value: &str| value.chars().count() <= 255 && !value.contains([',', '\0']);
    let are_fine = labels.iter().all(|(name, value)| is_name(name) && is_value(value));
    if are_fine && labels.len() <= MOST_LABELS {
        return Ok(());
    }
    Err(format!(
        "labels has up to {MOST_LABELS} labels: names of 1 to 63 letters, digits, _, -, . and /, values of up to \
         255 characters without a comma"
    ))
}
