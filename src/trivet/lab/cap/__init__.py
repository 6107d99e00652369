"""**Role**: the CAP report card: the same clients under the same troubles in every mode, measured and judged.

**Floor**: 6, in the lab. **On the path**: a seed → runs on the stage → figures, promises kept or not → a table and a page.
"""
