"""What fuzzing found, each as the smallest input that broke something."""

import json

from stagekeeper.kube.client import _decoded


def test_half_a_utf_16_pair_in_an_answer_becomes_a_question_mark() -> None:
    """As the name of a pod it made every scrape fail: it can't be encoded."""
    assert _decoded('{"name": "a\\ud800b", "other": "\\uD83D\\uDE00"}') == {"name": "a?b", "other": "\U0001f600"}


def test_whole_text_is_left_as_it_is() -> None:
    said = {"name": "ä\u2028\U0001f600\\ud800"}
    assert _decoded(json.dumps(said)) == said
