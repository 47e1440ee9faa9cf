"""`munjigi policy …`, made for pipelines: policies as files in a folder, and the policy API by its client.

Each command ends with an exit status that says what to do next (`exits`), and tells the same as JSON where it is asked.
"""
