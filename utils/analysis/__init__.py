"""From combined results to curves, rankings and comparisons, as numbers and text.

combined_results reads data.json: a curve and an outcome for each run.  setting_choice chooses the settings to show.
mean_curve averages a setting's runs.  ranking and cross_environment rank settings; best_setting and rerun_commands
report the best.  hyperparameter_effect, comparison_table and protocol_diff compare values, agents and protocols.
number_format and line_style are shared by figures and reports.  data_frames makes tables for pandas.
"""
