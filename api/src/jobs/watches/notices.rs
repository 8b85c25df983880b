//! What stores send when objects arrive, in all the forms that they have.
//!
//! A notice is a hint: it names an object, and nothing else of it is believed.

use serde_json::Value;

/// Who sends notices of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    S3,
    EventBridge,
    Minio,
    Google,
    Azure,
    Sns,
    Unknown,
}

impl Kind {
    /// The word for it, in counts and answers.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::EventBridge => "eventbridge",
            Self::Minio => "minio",
            Self::Google => "google",
            Self::Azure => "azure",
            Self::Sns => "sns",
            Self::Unknown => "unknown",
        }
    }
}

/// An object that a notice names, as its store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// Its bucket or container.
    pub(crate) container: String,
    pub(crate) key: String,
}

/// What a body says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// These objects have arrived. What a body says of other things is left out.
    Arrived(Vec<Named>),
    /// The sender wants this code back (Azure Event Grid).
    Validate(String),
    /// The sender wants this URL called (SNS).
    Confirm(String),
}

/// Nobody knows such a body.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "the body is no notice of S3, EventBridge, MinIO, Google Pub/Sub or Azure Event Grid that is known here"
)]
pub(crate) struct Unknown;

/// Reads a body.
pub(crate) fn read(body: &[u8]) -> Result<(Kind, Said), Unknown> {
    let body: Value = serde_json::from_slice(body).map_err(|_| Unknown)?;
    if body["Type"].is_string() && body["TopicArn"].is_string() {
        return of_sns(&body);
    }
    of_store(&body)
}

/// A notice in the envelope of SNS, or what SNS says itself.
fn of_sns(body: &Value) -> Result<(Kind, Said), Unknown> {
    let text = |name: &str| body[name].as_str().map(str::to_owned).ok_or(Unknown);
    match body["Type"].as_str() {
        Some("Notification") => {
            let message = serde_json::from_str(&text("Message")?).map_err(|_| Unknown)?;
            of_store(&message)
        }
        Some("SubscriptionConfirmation") => Ok((Kind::Sns, Said::Confirm(text("SubscribeURL")?))),
        Some("UnsubscribeConfirmation") => Ok((Kind::Sns, Said::Arrived(Vec::new()))),
        _ => Err(Unknown),
    }
}

fn of_store(body: &Value) -> Result<(Kind, Said), Unknown> {
    if let Some(events) = body.as_array() {
        return of_azure(events);
    }
    if body["specversion"].is_string() && body["type"].is_string() {
        return of_azure(std::slice::from_ref(body));
    }
    if let Some(records) = body["Records"].as_array() {
        return of_s3(records);
    }
    if body["Event"] == "s3:TestEvent" {
        return Ok((Kind::S3, Said::Arrived(Vec::new())));
    }
    if body["source"] == "aws.s3" && body["detail-type"].is_string() {
        return of_eventbridge(body);
    }
    if body["message"].is_object() && body["subscription"].is_string() {
        return of_google(&body["message"]["attributes"]);
    }
    Err(Unknown)
}

/// An object by two texts of a body.
fn named(container: &Value, key: &Value) -> Result<Named, Unknown> {
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(Unknown);
    Ok(Named { container: text(container)?, key: text(key)? })
}

/// S3, and MinIO, which sends the same. Keys are as in a form: `+` is a space.
fn of_s3(records: &[Value]) -> Result<(Kind, Said), Unknown> {
    let (mut kind, mut objects) = (Kind::S3, Vec::new());
    for record in records {
        match record["eventSource"].as_str() {
            Some("aws:s3") => {}
            Some("minio:s3") => kind = Kind::Minio,
            _ => return Err(Unknown),
        }
        let event = record["eventName"].as_str().ok_or(Unknown)?;
        if event.trim_start_matches("s3:").starts_with("ObjectCreated:") {
            let s3 = &record["s3"];
            let Named { container, key } = named(&s3["bucket"]["name"], &s3["object"]["key"])?;
            objects.push(Named { container, key: from_form(&key)? });
        }
    }
    Ok((kind, Said::Arrived(objects)))
}

/// A text without the encoding of forms.
fn from_form(text: &str) -> Result<String, Unknown> {
    // `=` and `&` are encoded, so all of it is one name.
    let mut pairs = url::form_urlencoded::parse(text.as_bytes());
    let (name, value) = pairs.next().unwrap_or_default();
    let is_one = pairs.next().is_none() && value.is_empty() && !text.contains(['=', '&']);
    if is_one { Ok(name.into_owned()) } else { Err(Unknown) }
}

fn of_eventbridge(body: &Value) -> Result<(Kind, Said), Unknown> {
    let mut objects = Vec::new();
    if body["detail-type"] == "Object Created" {
        let detail = &body["detail"];
        objects.push(named(&detail["bucket"]["name"], &detail["object"]["key"])?);
    }
    Ok((Kind::EventBridge, Said::Arrived(objects)))
}

fn of_google(attributes: &Value) -> Result<(Kind, Said), Unknown> {
    let mut objects = Vec::new();
    match attributes["eventType"].as_str() {
        Some("OBJECT_FINALIZE") => {
            objects.push(named(&attributes["bucketId"], &attributes["objectId"])?);
        }
        Some(_) => {}
        None => return Err(Unknown),
    }
    Ok((Kind::Google, Said::Arrived(objects)))
}

/// Azure Event Grid, in its own schema and as CloudEvents.
fn of_azure(events: &[Value]) -> Result<(Kind, Said), Unknown> {
    let mut objects = Vec::new();
    for event in events {
        let name = event["eventType"].as_str().or(event["type"].as_str()).ok_or(Unknown)?;
        match name {
            "Microsoft.EventGrid.SubscriptionValidationEvent" => {
                let code = event["data"]["validationCode"].as_str().ok_or(Unknown)?;
                return Ok((Kind::Azure, Said::Validate(code.to_owned())));
            }
            "Microsoft.Storage.BlobCreated" => objects.push(of_subject(&event["subject"])?),
            name if name.starts_with("Microsoft.") => {}
            _ => return Err(Unknown),
        }
    }
    Ok((Kind::Azure, Said::Arrived(objects)))
}

/// The blob of a subject: `/blobServices/default/containers/CONTAINER/blobs/KEY`.
fn of_subject(subject: &Value) -> Result<Named, Unknown> {
    let subject = subject.as_str().ok_or(Unknown)?;
    let rest = subject.strip_prefix("/blobServices/default/containers/").ok_or(Unknown)?;
    let (container, key) = rest.split_once("/blobs/").ok_or(Unknown)?;
    Ok(Named { container: container.to_owned(), key: key.to_owned() })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Kind, Named, Said, read};

    fn said(body: &Value) -> Option<(Kind, Said)> {
        read(body.to_string().as_bytes()).ok()
    }

    fn arrived(kind: Kind, objects: &[(&str, &str)]) -> Option<(Kind, Said)> {
        let named = |&(container, key): &(&str, &str)| Named {
            container: container.to_owned(),
            key: key.to_owned(),
        };
        Some((kind, Said::Arrived(objects.iter().map(named).collect())))
    }

    fn record(event: &str, key: &str) -> Value {
        json!({ "eventSource": "aws:s3", "eventName": event,
            "s3": { "bucket": { "name": "exports" }, "object": { "key": key } } })
    }

    #[test]
    fn keys_of_s3_are_decoded_as_forms_are() {
        let body = json!({ "Records": [
            record("ObjectCreated:Put", "in/a+b%2Bc%26%3D%25.json"),
            record("ObjectRemoved:Delete", "in/gone.json"),
            record("ObjectCreated:CompleteMultipartUpload", "in/%C3%A9.json"),
        ] });
        let expected = [("exports", "in/a b+c&=%.json"), ("exports", "in/é.json")];
        assert_eq!(said(&body), arrived(Kind::S3, &expected));
    }

    #[test]
    fn sns_is_an_envelope() {
        let inner = json!({ "Records": [record("ObjectCreated:Put", "a.json")] }).to_string();
        let body = json!({ "Type": "Notification", "TopicArn": "arn", "Message": inner });
        assert_eq!(said(&body), arrived(Kind::S3, &[("exports", "a.json")]));
        let confirm = json!({ "Type": "SubscriptionConfirmation", "TopicArn": "arn",
            "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?x" });
        let url = "https://sns.eu-west-1.amazonaws.com/?x".to_owned();
        assert_eq!(said(&confirm), Some((Kind::Sns, Said::Confirm(url))));
        let twice =
            json!({ "Type": "Notification", "TopicArn": "arn", "Message": body.to_string() });
        assert_eq!(said(&twice), None);
    }

    #[test]
    fn what_is_no_notice_is_not_guessed_at() {
        for body in [
            json!(null),
            json!({}),
            json!([1]),
            json!({ "Records": [{ "eventSource": "aws:kinesis" }] }),
            json!({ "Records": [record("ObjectCreated:Put", "a=b&c")] }),
            json!({ "source": "aws.ec2", "detail-type": "Object Created", "detail": {} }),
            json!({ "source": "aws.s3", "detail-type": "Object Created", "detail": {} }),
            json!({ "message": { "attributes": {} }, "subscription": "s" }),
            json!([{ "eventType": "Microsoft.Storage.BlobCreated", "subject": "/elsewhere" }]),
        ] {
            assert_eq!(said(&body), None, "{body}");
        }
        assert!(read(b"no json").is_err());
    }
}
