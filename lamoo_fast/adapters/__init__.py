"""The kernels in the terms of other packages. Each module imports its host, which must be there.

Nothing is imported from here by `import lamoo_fast`.
"""
