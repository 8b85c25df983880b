//! The files of the AWS command line: a profile's region, endpoint and static keys.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use configparser::ini::Ini;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};

use super::remote::variable;
use crate::error::Error;

/// Fills in what is not configured yet from the profile that `AWS_PROFILE` names, or from `default`.
///
/// Keys are taken only where nothing else gives credentials (keys, a web identity, a container).
/// Without any of these the store asks the machine's metadata.
pub(super) fn complete(
    mut builder: AmazonS3Builder,
    location: &str,
    environment: &[(String, String)],
) -> Result<AmazonS3Builder, Error> {
    use AmazonS3ConfigKey::{AccessKeyId, Endpoint, Region, S3Endpoint, SecretAccessKey, Token};
    let profile = Profile::read(environment)?;
    let lacks = |builder: &AmazonS3Builder, key| builder.get_config_value(&key).is_none();
    if lacks(&builder, Region)
        && let Some(region) = profile.get("region")
    {
        builder = builder.with_config(Region, region);
    }
    if lacks(&builder, Endpoint)
        && lacks(&builder, S3Endpoint)
        && let Some(endpoint) = profile.get("endpoint_url")
    {
        builder = builder.with_config(Endpoint, endpoint);
    }
    if has_credentials(&builder) {
        return Ok(builder);
    }
    match (profile.get("aws_access_key_id"), profile.get("aws_secret_access_key")) {
        (Some(id), Some(secret)) => {
            builder = builder.with_config(AccessKeyId, id).with_config(SecretAccessKey, secret);
            let token = profile.get("aws_session_token");
            Ok(token.into_iter().fold(builder, |builder, token| builder.with_config(Token, token)))
        }
        _ if profile.is_named => Err(Error::Location {
            location: location.to_owned(),
            reason: format!(
                "the AWS profile {} has no aws_access_key_id and aws_secret_access_key, and no \
                 other credentials are read from it",
                profile.name
            ),
        }),
        _ => Ok(builder),
    }
}

/// Whether the environment or the URL says how to sign in.
fn has_credentials(builder: &AmazonS3Builder) -> bool {
    use AmazonS3ConfigKey::{
        AccessKeyId, ContainerCredentialsFullUri, ContainerCredentialsRelativeUri, SecretAccessKey,
        SkipSignature, WebIdentityTokenFile,
    };
    let ways = [
        AccessKeyId,
        SecretAccessKey,
        WebIdentityTokenFile,
        ContainerCredentialsRelativeUri,
        ContainerCredentialsFullUri,
    ];
    ways.iter().any(|way| builder.get_config_value(way).is_some())
        || builder.get_config_value(&SkipSignature).is_some_and(|skips| skips == "true")
}

/// A profile in the two files.
struct Profile {
    name: String,
    /// Whether somebody asked for it.
    is_named: bool,
    credentials: Ini,
    config: Ini,
}

impl Profile {
    fn read(environment: &[(String, String)]) -> Result<Self, Error> {
        let file = |name, default| {
            let named = variable(environment, name).map(PathBuf::from);
            named.or_else(|| Some(Path::new(variable(environment, "HOME")?).join(default)))
        };
        let name = variable(environment, "AWS_PROFILE");
        Ok(Self {
            name: name.unwrap_or("default").to_owned(),
            is_named: name.is_some(),
            credentials: read(file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"))?,
            config: read(file("AWS_CONFIG_FILE", ".aws/config"))?,
        })
    }

    fn get(&self, key: &str) -> Option<String> {
        let in_config = match self.name.as_str() {
            "default" => "default".to_owned(),
            name => format!("profile {name}"),
        };
        let value = self.credentials.get(&self.name, key);
        value.or_else(|| self.config.get(&in_config, key)).filter(|value| !value.is_empty())
    }
}

/// A file that is not there, or not for us, says nothing.
fn read(file: Option<PathBuf>) -> Result<Ini, Error> {
    let mut ini = Ini::new_cs();
    // A secret may hold the characters that begin a comment elsewhere.
    ini.set_inline_comment_symbols(Some(&[]));
    let Some(file) = file else {
        return Ok(ini);
    };
    let wrong = |reason| Error::Location { location: file.display().to_string(), reason };
    match std::fs::read_to_string(&file) {
        Ok(text) => {
            // The parser names the line, and not what it holds.
            ini.read(text).map_err(wrong)?;
            Ok(ini)
        }
        Err(error) if is_absent(error.kind()) => Ok(ini),
        Err(error) => Err(wrong(error.to_string())),
    }
}

const fn is_absent(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied)
}
