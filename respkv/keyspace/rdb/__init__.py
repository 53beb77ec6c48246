"""Redis' own format of values, as DUMP, RESTORE and RDB files hold them: version 10, of Redis 7.0.

Pure functions between bytes and neutral values; `containers` turns those into ours and back.
Every size read is checked against the bytes that are there, so a payload cannot ask for more work
or memory than it brings (LZF: 264 bytes for 3, which is the most that its format can say).
"""
