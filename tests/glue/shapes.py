"""A client of AWS Glue that holds every answer of the server against the shapes that botocore has for it."""

import json
import re

import boto3
from botocore.config import Config

# What a pattern of AWS has in the dialect of Java.
JAVA = re.compile(r"\\p\{|\\uD")


def check(shape, value, path):
    """Fails where a value is not one of a shape: an unknown member, another type, a word that is none."""
    kind = shape.type_name
    if kind == "structure":
        assert isinstance(value, dict), (path, value)
        unknown = set(value) - set(shape.members)
        assert not unknown, (path, unknown)
        missing = set(shape.required_members) - set(value)
        assert not missing, (path, missing)
        for name, member in value.items():
            check(shape.members[name], member, f"{path}.{name}")
    elif kind == "list":
        assert isinstance(value, list), (path, value)
        for at, entry in enumerate(value):
            check(shape.member, entry, f"{path}[{at}]")
    elif kind == "map":
        assert isinstance(value, dict), (path, value)
        for name, entry in value.items():
            check(shape.key, name, f"{path} key")
            check(shape.value, entry, f"{path}.{name}")
    elif kind == "string":
        assert isinstance(value, str), (path, value)
        assert not shape.enum or value in shape.enum, (path, value)
        limits = shape.metadata
        assert limits.get("min", 0) <= len(value) <= limits.get("max", len(value)), (path, value)
        pattern = limits.get("pattern", ".*")
        assert JAVA.search(pattern) or re.fullmatch(pattern, value), (path, value)
    elif kind in ("integer", "long"):
        assert isinstance(value, int) and not isinstance(value, bool), (path, value)
    elif kind in ("double", "float", "timestamp"):
        assert isinstance(value, (int, float)) and not isinstance(value, bool), (path, value)
    else:
        assert kind == "boolean" and isinstance(value, bool), (path, kind, value)


def client(url, access_key_id, secret):
    """A client whose answers are checked, and which does not ask again where it is refused."""
    glue = boto3.client(
        "glue",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}),
    )
    model = glue.meta.service_model

    def received(response_dict, event_name, **_):
        action = event_name.rsplit(".", 1)[1]
        body = json.loads(response_dict["body"])
        assert response_dict["headers"]["x-amzn-requestid"], action
        if response_dict["status_code"] == 200:
            check(model.operation_model(action).output_shape, body, action)
        else:
            assert set(body) == {"__type", "Message"}, (action, body)

    glue.meta.events.register("response-received.glue", received)
    return glue


def refusal(call, **arguments):
    """The name of the error that a call is answered with."""
    try:
        answer = call(**arguments)
    except call.__self__.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError(answer)
