"""A plausible community, made through the services that people use: for the demo, previews and tests.

`script` says who does what (pure, from a seed), `tastes` why they like what they see (pure), `acting` does it.
"""
