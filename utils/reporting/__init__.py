"""From combined results to a report, one HTML file.

report_file reads the results and writes the file.  page fills the templates with the report's parts, in this order:
learning_curves, best_settings, pairwise_comparison, several_environments, distributions, sensitivity, diagnostics,
progress, compute, what_ran and how_to_reproduce; each computes what the template of the same name shows.  svg_chart has
the geometry of charts, line_styles their colours, templating the way from a template to a page.

live_watch keeps a page up to date about runs in training: live_page fills its templates, with live_curves.
"""
