"""Boxes as containers of podman or docker, with runc or runsc (gVisor)."""
