"""The bar GAN: phrases of four bars from noise, alone or given some of their tracks or bars.

`form` (numpy only) is the form of a phrase that the networks see; `generator` and `discriminator` are the networks.
"""
