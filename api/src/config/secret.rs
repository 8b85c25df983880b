//! Values that may hold a secret: errors name the option and never show the value.

use std::ffi::OsStr;
use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command, Error};

/// Parses as clap does, but for the message.
#[derive(Debug)]
pub(super) struct Secret<T>(PhantomData<fn() -> T>);

impl<T> Secret<T> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

// Derived, it would want `T: Clone`.
impl<T> Clone for Secret<T> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<T> TypedValueParser for Secret<T>
where
    T: FromStr<Err: Display> + Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        let text = value.to_str().ok_or_else(|| "expected UTF-8".to_owned());
        let parsed =
            text.and_then(|text| text.parse().map_err(|reason: T::Err| reason.to_string()));
        parsed.map_err(|reason| {
            let name = arg.map(ToString::to_string).unwrap_or_default();
            let text = format!("invalid value for '{name}': {reason}\n");
            Error::raw(ErrorKind::ValueValidation, text).with_cmd(command)
        })
    }
}
