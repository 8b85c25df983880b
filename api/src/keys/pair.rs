//! Key pairs of clients that sign their requests, as those of AWS do.

use std::fmt::{self, Debug, Formatter};
use std::str::FromStr;

use super::Scope;
use crate::buckets::check_name;

/// Shortest secret. Those of AWS have 40 characters.
const SHORTEST_SECRET: usize = 16;

/// A key pair as it is configured: `ACCESS_KEY_ID:SECRET`, or `ACCESS_KEY_ID:SECRET:scope+scope`. A signature can only be
/// checked with the secret itself, so there is no hash of it.
#[derive(Clone)]
pub(crate) struct KeyPair {
    pub(crate) access_key_id: String,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) secret: String,
}

// Nobody reads the secret in a log.
impl Debug for KeyPair {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({}:***)", self.access_key_id)
    }
}

impl FromStr for KeyPair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(3, ':');
        let (Some(access_key_id), Some(secret)) = (parts.next(), parts.next()) else {
            return Err("expected ACCESS_KEY_ID:SECRET, or ACCESS_KEY_ID:SECRET:SCOPES".to_owned());
        };
        check_name(access_key_id)?;
        if secret.len() < SHORTEST_SECRET || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "a secret has {SHORTEST_SECRET} characters of ASCII or more, such as printed by: \
                 openssl rand -base64 30"
            ));
        }
        let scopes = match parts.next() {
            Some(scopes) => scopes.split('+').map(str::parse).collect::<Result<_, _>>()?,
            None => vec![Scope::Admin],
        };
        Ok(Self { access_key_id: access_key_id.to_owned(), scopes, secret: secret.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyPair, Scope};

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    #[test]
    fn a_pair_without_scopes_may_do_everything() {
        let pair: KeyPair = format!("AKIDEXAMPLE:{SECRET}").parse().unwrap();
        assert_eq!((pair.secret.as_str(), pair.scopes), (SECRET, vec![Scope::Admin]));
        let pair: KeyPair = format!("AKIDEXAMPLE:{SECRET}:trigger+read").parse().unwrap();
        assert_eq!(pair.scopes, [Scope::Trigger, Scope::Read]);
    }

    #[test]
    fn what_is_no_pair_is_refused_and_no_secret_is_shown() {
        for text in
            ["", "AKID", "AKID:", "AKID:short", ":wJalrXUtnFEMIK7MDENG", "A/B:wJalrXUtnFEMIK7MDENG"]
        {
            assert!(text.parse::<KeyPair>().is_err(), "{text}");
        }
        let refused = format!("AKID:{SECRET}:write").parse::<KeyPair>().unwrap_err();
        assert!(!refused.contains(SECRET), "{refused}");
        let pair: KeyPair = format!("AKID:{SECRET}").parse().unwrap();
        assert_eq!(format!("{pair:?}"), "KeyPair(AKID:***)");
    }
}
