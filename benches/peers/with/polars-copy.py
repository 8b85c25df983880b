# about: Polars (Python), psycopg `COPY`
# needs: polars
import io
import os
import sys

sys.path.insert(0, os.environ["HERE"])
import frames
import psycopg

ROWS = 100_000

tables = frames.read()
with psycopg.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
    for table, frame in tables.items():
        with cursor.copy(f"copy {table} from stdin (format csv)") as copy:
            for part in frame.iter_slices(ROWS):
                text = io.BytesIO()
                part.write_csv(text, include_header=False)
                copy.write(text.getbuffer())
