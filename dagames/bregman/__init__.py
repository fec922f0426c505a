"""Bregman geometries: generators F on traces and Phi on answers."""
