"""Readers: a file in any usual format becomes one `Table` of rows that know where they stand. Nothing of tasks here.

table.py       Row, Problem, Table: what every reader returns
decoding.py    finding a file, gunzip, bytes to text
delimited.py   CSV and TSV
json_text.py   JSON and JSON Lines
binary.py      Parquet and Excel
nested.py      one JSON document to records: SQuAD, slots, objects keyed by id, columns
chat.py        conversations and preference pairs to input and output
promptfoo.py   the magic columns of promptfoo's test CSV
reading.py     read_table(): the one entry
"""
