//! Queues of messages: SQS, over its JSON protocol.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use object_store::ClientOptions;
use object_store::aws::{AwsAuthorizer, AwsCredentialProvider};
use object_store::client::{HttpClient, HttpConnector, HttpRequest, HttpRequestBody};
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::client::Connector;
use super::{RemoteUrl, s3, variable};
use crate::error::Error;

/// How long the queue waits for a message before it answers that there is none: as long as it may.
const WAIT_SECONDS: u64 = 20;
/// Longest time that an answer takes.
const TIMEOUT: Duration = Duration::from_secs(WAIT_SECONDS + 20);
/// Messages of an answer, as many as there can be.
const AT_ONCE: u64 = 10;
/// Longest answer of a queue that refuses something, as errors show it.
const SHOWN_CHARACTERS: usize = 200;
/// The region of an endpoint that does not say where it is, as the tools of AWS have it.
const REGION: &str = "us-east-1";

/// A queue of messages that tell what arrived in a bucket.
pub struct MessageQueue {
    url: Url,
    region: String,
    credentials: AwsCredentialProvider,
    client: HttpClient,
}

/// A message of a queue.
#[derive(Debug, Clone, Deserialize)]
pub struct Message {
    /// What was sent.
    #[serde(rename = "Body")]
    pub body: String,
    /// By which it is deleted.
    #[serde(rename = "ReceiptHandle")]
    receipt: String,
}

/// Without the credentials.
impl fmt::Debug for MessageQueue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MessageQueue")
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}

impl MessageQueue {
    /// The queue of a URL, with the credentials that S3 has by the environment and the files of the AWS command line.
    /// Only queues of AWS are reached, and those of the endpoint that the environment names (`AWS_ENDPOINT_URL_SQS`,
    /// `AWS_ENDPOINT_URL`): nobody else gets to see a signed request.
    ///
    /// # Errors
    /// [`Error::Location`] when it is the URL of no such queue.
    pub fn open(text: &str, environment: &[(String, String)]) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::Location {
            location: super::shown(text),
            reason: reason.to_owned(),
        };
        let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        let endpoint = ["AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"]
            .into_iter()
            .find_map(|name| Url::parse(variable(environment, name)?).ok());
        let is_named = endpoint.is_some_and(|endpoint| endpoint.origin() == url.origin());
        let region = match region_of(&url) {
            Some(region) => region.to_owned(),
            None if is_named => variable(environment, "AWS_REGION").unwrap_or(REGION).to_owned(),
            None => {
                return Err(wrong(
                    "expected https://sqs.REGION.amazonaws.com/ACCOUNT/QUEUE, or a queue of AWS_ENDPOINT_URL_SQS",
                ));
            }
        };
        let Some(bucket) = RemoteUrl::parse("s3://queue")? else {
            return Err(wrong("no credentials can be found for it"));
        };
        let credentials = s3(&bucket, environment)?.credentials().clone();
        let options = ClientOptions::new().with_timeout(TIMEOUT).with_allow_http(is_named);
        let client = Connector.connect(&options).map_err(|error| wrong(&error.to_string()))?;
        Ok(Self { url, region, credentials, client })
    }

    /// Some messages, as soon as there are any; none after some seconds without. They are there again, for whoever
    /// asks, if they are not deleted within the visibility timeout of the queue.
    ///
    /// # Errors
    /// [`Error::Read`] when the queue cannot be read.
    pub async fn receive(&self) -> Result<Vec<Message>, Error> {
        #[derive(Deserialize)]
        struct Received {
            #[serde(rename = "Messages", default)]
            messages: Option<Vec<Message>>,
        }
        let wanted = json!({
            "QueueUrl": self.url.as_str(),
            "MaxNumberOfMessages": AT_ONCE,
            "WaitTimeSeconds": WAIT_SECONDS,
        });
        let answer = self.ask("ReceiveMessage", &wanted).await?;
        let received = serde_json::from_slice::<Received>(&answer);
        let received = received.map_err(|error| self.failed(error))?;
        Ok(received.messages.unwrap_or_default())
    }

    /// Deletes messages. One that cannot be deleted is there again.
    ///
    /// # Errors
    /// [`Error::Read`] when the queue cannot be reached.
    pub async fn delete(&self, messages: &[Message]) -> Result<(), Error> {
        for some in messages.chunks(AT_ONCE as usize) {
            let entry = |(id, message): (usize, &Message)| json!({ "Id": id.to_string(), "ReceiptHandle": message.receipt });
            let entries: Vec<Value> = some.iter().enumerate().map(entry).collect();
            let wanted = json!({ "QueueUrl": self.url.as_str(), "Entries": entries });
            self.ask("DeleteMessageBatch", &wanted).await?;
        }
        Ok(())
    }

    async fn ask(&self, action: &str, wanted: &Value) -> Result<Bytes, Error> {
        let credential = self.credentials.get_credential().await;
        let credential = credential.map_err(|error| self.failed(error))?;
        let mut request = HttpRequest::new(HttpRequestBody::from(wanted.to_string()));
        *request.method_mut() = reqwest::Method::POST;
        let root = self.url.join("/").map_err(|error| self.failed(error))?;
        *request.uri_mut() = root.as_str().parse().map_err(|error| self.failed(error))?;
        let target = HeaderValue::from_str(&format!("AmazonSQS.{action}"));
        let target = target.map_err(|error| self.failed(error))?;
        let headers = request.headers_mut();
        headers.insert(HeaderName::from_static("x-amz-target"), target);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
        let authorizer = AwsAuthorizer::new(&credential, "sqs", &self.region);
        authorizer.try_authorize(&mut request, None).map_err(|error| self.failed(error))?;
        let answer = self.client.execute(request).await.map_err(|error| self.failed(error))?;
        let status = answer.status();
        let body = answer.into_body().bytes().await.map_err(|error| self.failed(error))?;
        if status.is_success() {
            return Ok(body);
        }
        let said: String = String::from_utf8_lossy(&body).chars().take(SHOWN_CHARACTERS).collect();
        Err(self.failed(format!("{action}: {status}: {said}")))
    }

    fn failed(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        let source = object_store::Error::Generic { store: "SQS", source: source.into() };
        Error::Read { object: super::shown(self.url.as_str()), source }
    }
}

/// The region of a queue of AWS; none of any other URL.
fn region_of(url: &Url) -> Option<&str> {
    let host = url.host_str().filter(|_| url.scheme() == "https" && url.port().is_none())?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let ours = host.strip_suffix(".amazonaws.com").or(host.strip_suffix(".amazonaws.com.cn"))?;
    let labels: Vec<&str> = ours.split('.').collect();
    match labels[..] {
        ["sqs" | "sqs-fips", region] | [_, "sqs", region, "vpce"] => Some(region),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{MessageQueue, Url, region_of};

    #[test]
    fn only_queues_of_aws_have_a_region() {
        for (url, region) in [
            ("https://sqs.eu-west-1.amazonaws.com/1/q", Some("eu-west-1")),
            ("https://sqs.cn-north-1.amazonaws.com.cn/1/q", Some("cn-north-1")),
            ("https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com/1/q", Some("eu-west-1")),
            ("http://sqs.eu-west-1.amazonaws.com/1/q", None),
            ("https://sqs.eu-west-1.amazonaws.com.example.com/1/q", None),
            ("https://sqs.eu-west-1.example.com/amazonaws.com", None),
            ("https://user@sqs.eu-west-1.amazonaws.com/1/q", None),
            ("https://s3.eu-west-1.amazonaws.com/1/q", None),
        ] {
            assert_eq!(region_of(&Url::parse(url).unwrap()), region, "{url}");
        }
    }

    #[test]
    fn a_queue_elsewhere_is_opened_only_if_the_environment_names_its_endpoint() {
        // It is refused only where one is installed already.
        rustls::crypto::ring::default_provider().install_default().ok();
        let environment =
            |endpoint: &str| vec![("AWS_ENDPOINT_URL".to_owned(), endpoint.to_owned())];
        let queue = "http://127.0.0.1:5000/1/q";
        assert!(MessageQueue::open(queue, &environment("http://127.0.0.1:5000")).is_ok());
        for (url, endpoint) in [
            (queue, "http://127.0.0.1:5001"),
            (queue, ""),
            ("http://169.254.169.254/latest", "http://127.0.0.1:5000"),
            ("no url", ""),
        ] {
            assert!(MessageQueue::open(url, &environment(endpoint)).is_err(), "{url} {endpoint}");
        }
    }
}
