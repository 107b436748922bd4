from hypothesis import given
from hypothesis import strategies as st

from modelyard_crds.build import MESSAGE_MAX_BYTES, PodResult
from modelyard_crds.reasons import Reason

DIGEST = "sha256:" + "0" * 64


@given(st.sampled_from(Reason), st.text(), st.none() | st.just(DIGEST))
def test_a_pod_result_reads_back_and_fits_what_the_kubelet_keeps(reason, message, digest):
    """Pitfall 3.5: JSON in the termination message is cut and does not parse."""
    text = PodResult(reason=reason, message=message, digest=digest).encode()
    assert len(text.encode()) <= MESSAGE_MAX_BYTES
    result = PodResult.decode(text)
    assert result is not None
    assert (result.reason, result.digest) == (reason, digest)
    assert message.startswith(result.message.removesuffix("…"))


def test_a_message_of_wide_characters_is_cut_to_fit():
    text = PodResult(reason=Reason.TARGET_NOT_FOUND, message="列" * 5000).encode()
    assert len(text.encode()) <= MESSAGE_MAX_BYTES
    assert PodResult.decode(text) is not None


@given(st.text())
def test_somebody_elses_message_is_no_result(text):
    assert PodResult.decode(text) is None


def test_a_cut_message_is_no_result():
    text = PodResult(reason=Reason.READY, message="done", digest=DIGEST).encode()
    assert PodResult.decode(text[:-5]) is None
