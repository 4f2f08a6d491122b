"""Result files of a directory, combined into data.json.

The directory and its archive are listed (`listing`) and surveyed: files that an earlier call has read are taken from
data.json.index (`survey`, `index_file`). The results of the wanted grid and protocol are selected (`selection`) and
their runs written to data.json one by one (`run_bytes`, `data_json_writer`), with a table of what is missing
(`coverage`). On request they become tables (`parquet`) and an archive (`archive_results`). `data_json` reads data.json;
`result_trees` reads all results, combined or not. `sb3_files` and `sb3_results` make results of the files of
Stable-Baselines3.
"""
