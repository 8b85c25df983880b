# about: the old job: PySpark, JDBC
# needs: spark
# slow
"""What the job did that stevedore replaces, with its settings: Spark's defaults, JDBC's batches of 1000."""

import glob
import os
import urllib.parse

from pyspark.sql import SparkSession, functions as f
from pyspark.sql.types import ArrayType, BooleanType, IntegerType, StringType, StructField, StructType

url = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
jdbc = f"jdbc:postgresql://{url.hostname}:{url.port or 5432}{url.path}"
properties = {"driver": "org.postgresql.Driver", "user": url.username or "postgres", "password": url.password or ""}
jar = sorted(glob.glob("/usr/share/java/postgresql-4*.jar"))[-1]
entry = StructType([StructField("updatedOn", StringType()), StructField("status", StringType())])
schema = StructType(
    [
        StructField("userId", StringType()),
        StructField("createdAt", StringType()),
        StructField("lastVisitedAt", IntegerType()),
        StructField("status", StringType()),
        StructField("statusLogs", ArrayType(entry)),
        StructField("isBlacklisted", BooleanType()),
    ]
)

spark = (
    SparkSession.builder.master("local[*]")
    .appName("user_status")
    .config("spark.jars", jar)
    .config("spark.ui.enabled", "false")
    .config("spark.local.dir", os.environ["SCRATCH"])
    .config("spark.sql.session.timeZone", "UTC")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
records = spark.read.schema(schema).json(os.environ["FILE"])
not_null = " and ".join(f"{field.name} is not null" for field in schema)
valid = records.filter(f"{not_null} and status <> ''").withColumn("ingested_at", f.current_timestamp())
rejected = records.filter(f"not ({not_null} and coalesce(status, '') <> '')")
parts = []
for field in schema:
    name = "userid" if field.name == "userId" else field.name
    parts += [f.lit(f",{name}:"), f.coalesce(f.col(field.name).cast("string"), f.lit("null"))]
error_rec = rejected.select(f.concat(*parts).alias("text")).select(f.expr("substring(text, 2)").alias("error_rec"))
logs = valid.select("userId", f.explode("statusLogs").alias("entry"), "ingested_at")
tables = {
    "user_status": valid.select("userId", "createdAt", "status", "lastVisitedAt", "isBlacklisted", "ingested_at"),
    "user_status_log": logs.select("userId", "entry.updatedOn", "entry.status", "ingested_at"),
    "user_status_error_rec": error_rec,
}
for table, frame in tables.items():
    frame.write.jdbc(jdbc, table, mode="append", properties=properties)
spark.stop()
