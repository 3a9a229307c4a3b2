"""A Dask cluster on this machine, and a second client that looks on."""

from __future__ import annotations

from typing import Any

__all__ = ["client_of", "local_cluster"]


def local_cluster(n_workers: int, n_threads: int = 1) -> Any:
    """A context manager: so many worker processes, on the loopback interface only."""
    import distributed

    make: Any = distributed.LocalCluster
    place = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    return make(n_workers=n_workers, threads_per_worker=n_threads, processes=True, **place)


def client_of(address: str) -> Any:
    """A context manager: a client that is not the default one."""
    import distributed

    make: Any = distributed.Client
    return make(address, set_as_default=False)
