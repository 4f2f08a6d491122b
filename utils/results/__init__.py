"""One run's result on disk.

A run is identified by its key and stored in a file named by it (`result_file`). The file's tree has one schema and one
validator (`schema`). Arrays, the learned parameters among them, are in a .npz of the same name (`arrays`,
`learned_params`). Two results are compared to the bit (`run_diff`); if they differ, their provenance shows what
differed between the two machines (`provenance_diff`).
"""
