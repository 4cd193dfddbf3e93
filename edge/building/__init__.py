"""Compiling all kernels ahead of time, into one extension module that needs no numba.

Numba compiles each kernel as for a session. What it hands to its own linker, optimised LLVM code, is
written as a relocatable object instead (`objects`); a wrapper in C, generated from the signature, lets
Python call it (`wrappers`); the C compiler links both (`build`). docs/decisions/0017 says why this way.
"""
