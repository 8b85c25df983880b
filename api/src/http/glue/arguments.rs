//! The arguments of a job run: what is loaded, and how.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::invalid;
use crate::http::problem::Problem;
use crate::http::request::JobRequest;
use crate::wire::Job;

/// The arguments that say something here, each as the member of `POST /v1/jobs` without the dashes.
const NAMES: &str = "--bucket, --key, --prefix, --glob, --version, --feed, --mode, --dry_run, --reload, --max_rejected";

/// Beginnings of the arguments that Glue itself reads. They are about machines and Spark, so they say nothing here.
const OF_GLUE: [&str; 16] = [
    "--TempDir",
    "--additional-python-modules",
    "--class",
    "--conf",
    "--continuous-log-",
    "--customer-driver-env-vars",
    "--customer-executor-env-vars",
    "--datalake-formats",
    "--disable-proxy",
    "--enable-",
    "--executor-cores",
    "--extra-",
    "--job-",
    "--python-modules-installer-option",
    "--scriptLocation",
    "--spark-event-logs-path",
];

/// The request that a run of a job with these arguments makes.
pub(super) fn request(
    job: &str,
    arguments: BTreeMap<String, String>,
) -> Result<JobRequest, Problem> {
    let mut wanted = json!({ "bucket": null, "feed": job });
    for (name, value) in arguments {
        let member = name.strip_prefix("--").unwrap_or_default();
        wanted[member] = match member {
            "bucket" | "key" | "prefix" | "glob" | "version" | "mode" | "max_rejected" => {
                value.into()
            }
            "feed" if value == job => value.into(),
            "feed" => {
                return invalid(format!(
                    "--feed is {value}, but the job is the feed {job}: leave it out"
                ));
            }
            "dry_run" | "reload" => switch(&name, &value)?,
            _ if OF_GLUE.iter().any(|known| name.starts_with(known)) => continue,
            _ => return invalid(format!("there is no argument {name}; there are {NAMES}")),
        };
    }
    if wanted["bucket"].is_null() {
        return invalid("the argument --bucket is missing: it names a configured bucket");
    }
    serde_json::from_value(wanted).or_else(|error| invalid(format!("the arguments: {error}")))
}

fn switch(name: &str, value: &str) -> Result<Value, Problem> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true.into()),
        "false" => Ok(false.into()),
        _ => invalid(format!("{name} is true or false")),
    }
}

/// The arguments with which a job was, or could have been, requested.
pub(super) fn of(job: &Job) -> BTreeMap<&'static str, String> {
    let Job { bucket, key, prefix, glob, mode, max_rejected, .. } = job;
    let version = job.version.as_ref().filter(|_| job.is_pinned);
    let texts = [
        ("--bucket", bucket.as_ref()),
        ("--key", key.as_ref()),
        ("--prefix", prefix.as_ref()),
        ("--glob", glob.as_ref()),
        ("--version", version),
        ("--mode", mode.as_ref()),
        ("--max_rejected", max_rejected.as_ref()),
    ];
    let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text?.clone())));
    let switches = [("--dry_run", job.dry_run), ("--reload", job.reload)];
    let switches = switches.into_iter().filter(|(_, is_on)| *is_on);
    texts.chain(switches.map(|(name, _)| (name, "true".to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::request;

    fn outcome(arguments: &[(&str, &str)]) -> Result<String, String> {
        let arguments =
            arguments.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let wanted = request("orders", arguments.collect());
        let wanted = wanted.map_err(|problem| problem.detail().to_owned())?;
        Ok(serde_json::to_string(&wanted).unwrap())
    }

    #[test]
    fn arguments_are_the_members_of_a_request_and_those_of_glue_say_nothing() {
        let arguments = [
            ("--bucket", "b"),
            ("--key", "k"),
            ("--feed", "orders"),
            ("--mode", "append"),
            ("--reload", "True"),
            ("--max_rejected", "20%"),
            ("--enable-metrics", ""),
            ("--TempDir", "s3://tmp/"),
            ("--job-bookmark-option", "job-bookmark-disable"),
        ];
        let expected = r#"{"bucket":"b","key":"k","feed":"orders","mode":"append","dry_run":false,"reload":true,"max_rejected":"20%"}"#;
        assert_eq!(outcome(&arguments).unwrap(), expected);
    }

    #[test]
    fn arguments_that_say_nothing_known_are_refused() {
        for (arguments, expected) in [
            (&[][..], "--bucket is missing"),
            (&[("--bucket", "b"), ("--mdoe", "append")], "there is no argument --mdoe"),
            (&[("--bucket", "b"), ("key", "k")], "there is no argument key"),
            (&[("--bucket", "b"), ("--feed", "other")], "leave it out"),
            (&[("--bucket", "b"), ("--reload", "yes")], "--reload is true or false"),
            (&[("--bucket", "b"), ("--mode", "upsert")], "upsert"),
        ] {
            let refused = outcome(arguments).unwrap_err();
            assert!(refused.contains(expected), "{refused}");
        }
    }
}
