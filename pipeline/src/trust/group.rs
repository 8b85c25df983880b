//! Groups that are a user's own.

use std::process::{Command, Stdio};

/// Whether a group has the name of a user and no other members. Where the system knows neither, as in a
/// container, their numbers must be the same.
pub(super) fn is_private(group: u32, user: u32) -> bool {
    match (entry("group", group), entry("passwd", user)) {
        (Some(group), Some(user)) => {
            let members = group.get(3).map_or("", String::as_str);
            let others = members.split(',').filter(|name| !name.is_empty() && *name != user[0]);
            group[0] == user[0] && others.count() == 0
        }
        (None, None) => group == user,
        _ => false,
    }
}

/// The name of a group, or else its number.
pub(super) fn name(group: u32) -> String {
    entry("group", group).map_or_else(|| group.to_string(), |mut entry| entry.swap_remove(0))
}

/// The name of a user, or else the number.
pub(super) fn user_name(user: u32) -> String {
    entry("passwd", user).map_or_else(|| user.to_string(), |mut entry| entry.swap_remove(0))
}

/// The fields of a number's line: in the file, or else in what the system knows from elsewhere.
fn entry(database: &str, id: u32) -> Option<Vec<String>> {
    let file = std::fs::read_to_string(format!("/etc/{database}")).unwrap_or_default();
    find(&file, id).or_else(|| {
        let mut command = Command::new("getent");
        let output = command.args([database, &id.to_string()]).stderr(Stdio::null()).output();
        find(&String::from_utf8_lossy(&output.ok()?.stdout), id)
    })
}

/// The fields of the line that has a number in the third.
fn find(lines: &str, id: u32) -> Option<Vec<String>> {
    let fields = lines.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut found =
        fields.filter(|fields| fields.get(2).is_some_and(|field| *field == id.to_string()));
    Some(found.next()?.into_iter().map(str::to_owned).collect())
}
