"""A simulated community, made through the services that people use: for the demo, previews and tests.

`scenario` says who does what and `preferences` who likes what (both pure, from a seed); `publications` and
`interactions` carry it out.
"""
