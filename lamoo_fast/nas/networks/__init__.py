"""The torch modules that the architectures of `lamoo_fast.nas.spaces` are built of."""
