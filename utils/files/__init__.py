"""Reading and writing files.

`atomic`, `overwrite`, `lock`: writes that are complete or absent, never replace foreign files, and exclude each other.
`json_text`, `json_model`, `json_diff`: JSON read and written, validated, and compared.
`read_ahead`: many files read in parallel.  `archive`, `archive_writer`: many files in one .tar.zst.
"""
