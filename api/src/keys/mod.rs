//! Keys of the API as they are configured, and what they are for.

mod pair;

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub(crate) use self::pair::KeyPair;
use crate::buckets::check_name;

/// Keys whose hashes are known to everybody: those of examples, and of a variable that was empty.
const WELL_KNOWN: [&str; 6] = ["", "\n", "password", "changeme", "admin", "123456"];

/// Random bytes of a key.
const BYTES: usize = 32;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// To ask for loads.
    Trigger,
    /// To see jobs, loads, rejected records and metrics.
    Read,
    /// To do everything.
    Admin,
}

/// A key as it is configured: `name:scope+scope:sha256`. The key itself is kept nowhere; since it
/// is random and long, a plain SHA-256 of it cannot be guessed back.
#[derive(Debug, Clone)]
pub(crate) struct KeySetting {
    pub(crate) name: String,
    pub(crate) scopes: Vec<Scope>,
    sha256: [u8; 32],
}

impl KeySetting {
    /// Whether it is the key of that hash; the time it takes tells nothing.
    pub(crate) fn is(&self, hash: &[u8; 32]) -> bool {
        self.sha256.ct_eq(hash).into()
    }
}

impl Scope {
    /// Whether somebody who has these scopes may do what needs this one.
    pub(crate) fn is_in(self, scopes: &[Self]) -> bool {
        scopes.iter().any(|&has| has == self || has == Self::Admin)
    }

    /// The word for the scope.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "trigger" => Ok(Self::Trigger),
            "read" => Ok(Self::Read),
            "admin" => Ok(Self::Admin),
            // What was given may be the key itself, in the wrong place.
            _ => Err("a scope is trigger, read or admin".to_owned()),
        }
    }
}

impl FromStr for KeySetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(3, ':');
        let (Some(name), Some(scopes), Some(hash)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err("expected name:scope+scope:sha256, as `stevedore key` prints it".to_owned());
        };
        check_name(name)?;
        let scopes = scopes.split('+').map(str::parse).collect::<Result<_, _>>()?;
        let mut sha256 = [0; 32];
        hex::decode_to_slice(hash, &mut sha256)
            .map_err(|_| "expected the SHA-256 of the key in 64 hexadecimal digits".to_owned())?;
        if WELL_KNOWN.iter().any(|known| self::hash(known) == sha256) {
            return Err(format!(
                "the key {name} is empty or a word that everybody tries first: make one with `stevedore key`"
            ));
        }
        Ok(Self { name: name.to_owned(), scopes, sha256 })
    }
}

/// A new key, random and long.
pub(crate) fn new_key() -> Result<String, getrandom::Error> {
    let mut random = [0; BYTES];
    getrandom::fill(&mut random)?;
    Ok(format!("sv_{}", URL_SAFE_NO_PAD.encode(random)))
}

/// The SHA-256 of a key.
pub(crate) fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key).into()
}

#[cfg(test)]
mod tests;
