"""Data checks with Great Expectations: the only package that imports it, and only inside functions.

`suite` turns a declaration into expectations, `validation` runs them on a batch, `split` separates the rows that are
set aside from the accepted ones, `docs` writes Data Docs for people, `catalogue` lists the expectations that a
declaration may use.
"""
