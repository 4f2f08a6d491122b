"""From combined results to a report, one HTML file.

report_file reads the results and writes the file.  page fills the templates with the report's parts, in this order:
what_ran, progress, learning_curves, sensitivity, distributions, best_settings, pairwise_comparison, compute and
how_to_reproduce; each computes what the template of the same name shows.  svg_chart has the geometry of charts.
"""
