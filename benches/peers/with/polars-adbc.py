# about: Polars (Python), ADBC
# needs: polars
import os
import sys

sys.path.insert(0, os.environ["HERE"])
import frames
from adbc_driver_postgresql import dbapi

tables = frames.read()
with dbapi.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
    for table, frame in tables.items():
        cursor.adbc_ingest(table, frame.to_arrow(), mode="append")
    connection.commit()
