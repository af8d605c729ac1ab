"""The old name of `stagekeeper.service.pages`, until nobody uses it any more."""

from stagekeeper.service.pages import PAGE_HEADERS

__all__ = ["PAGE_HEADERS"]
