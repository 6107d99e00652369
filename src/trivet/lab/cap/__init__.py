"""The CAP report card: the same clients under the same troubles in every mode, measured and judged.

Role: says what each mode gives up, by figures.
Floor: 7, inside ``lab``, above the stage and the pictures.
On the path: gets a seed, gives runs on the stage, figures, promises kept or not, a table and a page.
"""
