"""What a box sends to its way out: reading it ends in a value, and what is written anew is one request for everybody."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.effort import examples
from tests.fuzz.egress_bytes import HEADS, faults_of_flight, faults_of_head, flight, head, hello

RANDOMNESS = st.randoms(use_true_random=False)
REAL = hello()


@settings(max_examples=examples(500), deadline=None)
@given(rng=RANDOMNESS)
def test_bent_heads_end_in_values(rng: Random) -> None:
    assert faults_of_head(head(rng)) == []


@settings(max_examples=examples(500), deadline=None)
@given(rng=RANDOMNESS)
def test_bent_first_flights_end_in_values(rng: Random) -> None:
    assert faults_of_flight(flight(rng, REAL)) == []


@settings(max_examples=examples(300), deadline=None)
@given(data=st.binary(max_size=300))
def test_arbitrary_bytes_end_in_values(data: bytes) -> None:
    assert faults_of_head(data) == []
    assert faults_of_flight(data) == []


def test_the_heads_that_are_bent_have_no_faults_as_they_are() -> None:
    assert [faults_of_head(each) for each in HEADS] == [[]] * len(HEADS)
