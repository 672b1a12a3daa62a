#!/usr/bin/env python3
"""Writes parquet/ with pyarrow: files, and what some of their rows are as JSON (records.json).

    pip install pyarrow==26.0.1 && python3 tests/golden/make_parquet_golden.py
"""
import datetime
import decimal
import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = pathlib.Path(__file__).parent / "parquet"

ROWS = 600  # more than one row group, and more than one batch of ours
table = pa.table({
    "question": pa.array([None if i == 3 else f"What is {i} + 1? 🙂" for i in range(ROWS)]),
    "answer": pa.array([i + 1 for i in range(ROWS)], pa.int64()),
    "small": pa.array([i % 100 for i in range(ROWS)], pa.uint8()),
    "large": pa.array([2**64 - 1 - i for i in range(ROWS)], pa.uint64()),
    "share": pa.array([float("nan") if i == 1 else i / 8 for i in range(ROWS)], pa.float64()),
    "half": pa.array([i / 4 for i in range(ROWS)], pa.float32()),
    "right": pa.array([None if i == 2 else i % 2 == 0 for i in range(ROWS)]),
    "subject": pa.array([["algebra", "geometry"][i % 2] for i in range(ROWS)]).dictionary_encode(),
    "choices": pa.array([None if i == 4 else [f"{i}", None] * (i % 3) for i in range(ROWS)], pa.list_(pa.string())),
    "point": pa.array([[i, -i] for i in range(ROWS)], pa.list_(pa.int32(), 2)),
    "about": pa.array([None if i == 5 else {"level": i, "tags": [{"name": f"t{i}"}]} for i in range(ROWS)]),
    "scores": pa.array([[("a", i), ("b", None)] for i in range(ROWS)], pa.map_(pa.string(), pa.int32())),
    "bytes": pa.array([b"plain" for _ in range(ROWS)]),
    "day": pa.array([datetime.date(2024, 2, 1 + i % 28) for i in range(ROWS)]),
    "price": pa.array([decimal.Decimal(i).scaleb(-2) for i in range(ROWS)], pa.decimal128(8, 2)),
    "nothing": pa.nulls(ROWS),
})


def as_json(row):
    row = dict(row, bytes=row["bytes"].decode(), day=str(row["day"]), price=str(row["price"]),
               scores=dict(row["scores"]), share=None if row["share"] != row["share"] else row["share"])
    return row


pq.write_table(table, FOLDER / "kinds.parquet", row_group_size=450, compression="zstd", version="2.6")
pq.write_table(table.slice(0, 5), FOLDER / "snappy.parquet", compression="snappy", version="1.0",
               data_page_version="1.0")
pq.write_table(pa.table({"text": pa.array([b"good", b"\xff\xfe", b"good again"])}), FOLDER / "bytes.parquet")
pq.write_table(table.slice(0, 0), FOLDER / "empty.parquet")
records = [as_json(row) for row in table.to_pylist()]
kept = {str(i): records[i] for i in [0, 1, 2, 3, 4, 5, 255, 256, 449, 450, 599]}
(FOLDER / "records.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
