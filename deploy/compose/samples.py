"""Puts the samples into the demo's bucket."""

import os
import pathlib

import boto3

s3 = boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT"])
bucket = "microservice-hw"
if bucket not in [known["Name"] for known in s3.list_buckets()["Buckets"]]:
    s3.create_bucket(Bucket=bucket)
for sample in sorted(pathlib.Path(os.environ.get("SAMPLES", "/data")).glob("*json*")):
    s3.upload_file(str(sample), bucket, sample.name)
    print(sample.name)
