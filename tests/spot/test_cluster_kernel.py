"""From scores to candidates and blinks: the kernel against a plain reference."""

from __future__ import annotations

import numpy as np
import pytest

from edge.kernels import cluster

N_SIGNALS, N_LANES, N_SCALES = 6, 10, 3  # the closure lanes are 6 and 7
DELAYS = np.array([4, 7, 12])
OPEN, CLOSURE_MIN, HOLD, REFRACTORY = 3.5, 0.25, 5, 18


class PlainCluster:
    """What `cluster.follow` does, with words and dictionaries."""

    def __init__(self, thresholds, rise_allowed, fall_allowed):
        self.thresholds = thresholds
        self.allowed = {True: rise_allowed, False: fall_allowed}
        self.ready, self.last = [0] * N_SIGNALS, [0.0] * N_SIGNALS
        self.cue, self.blink = None, None

    def best_of_frame(self, sample, scores, responses):
        best = {}
        for signal in range(N_SIGNALS):
            for scale in range(N_SCALES):
                score, response = scores[scale][signal], responses[scale][signal]
                early = sample - DELAYS[scale] < self.ready[signal]
                if early and score < 1.5 * self.last[signal]:
                    continue
                if self.allowed[response > 0][signal] and score > best.get(signal, (0.0,))[0]:
                    best[signal] = (score, response, scale, sample)
        return best

    def follow(self, sample, scores, responses, returns):
        closed = self.follow_blink(sample, responses, returns)
        best = self.best_of_frame(sample, scores, responses)
        strengths = {s: b[0] / self.thresholds[s] for s, b in best.items() if b[0] > OPEN}
        if self.cue is None and not strengths:
            return closed, None
        if self.cue is None:
            self.cue = {"peaks": {}, "strength": 0.0}
        for signal, peak in best.items():
            if peak[0] > self.cue["peaks"].get(signal, (0.0,))[0]:
                self.cue["peaks"][signal] = peak
        if strengths and max(strengths.values()) > self.cue["strength"]:
            lead = max(strengths, key=strengths.get)
            self.cue |= {"strength": strengths[lead], "lead": lead, "at": (sample, best[lead][2])}
        if sample - self.cue["at"][0] < HOLD:
            return closed, None
        done, self.cue = self.cue, None
        for signal, (score, _, scale, at) in done["peaks"].items():
            if score > OPEN:
                self.ready[signal], self.last[signal] = at - DELAYS[scale] + REFRACTORY, score
        return closed, done

    def follow_blink(self, sample, responses, returns):
        for scale in range(N_SCALES):
            eyes = [(responses[scale][k], returns[scale][k] > 0) for k in (6, 7)]
            alone = max([r for r, back in eyes if back and r > 0], default=0.0)
            known = [r for r, _ in eyes if not np.isnan(r)]
            height = max(np.mean(known) if known else 0.0, 0.6 * alone)
            if alone > 0 and height > CLOSURE_MIN and (self.blink is None or height > self.blink[0]):
                self.blink = (height, sample, scale)
        if self.blink is not None and sample - self.blink[1] >= HOLD:
            blink, self.blink = self.blink, None
            return blink
        return None


@pytest.fixture
def kernel():
    """The kernel's arrays after the scores, by name."""
    limits = np.ones((cluster.N_LIMITS, N_SIGNALS), np.float32)
    limits[cluster.THRESHOLD] = np.linspace(4.0, 6.0, N_SIGNALS)
    limits[cluster.FALL_ALLOWED, 2] = 0.0
    rules = np.zeros(cluster.N_RULES, np.float32)
    rules[:] = OPEN, CLOSURE_MIN, HOLD, REFRACTORY
    return {
        "delays": DELAYS,
        "rules": rules,
        "limits": limits,
        "peaks": np.zeros((2, cluster.N_PEAKS, N_SIGNALS), np.float32),
        "where": np.zeros((2, cluster.N_WHERE, N_SIGNALS), np.int64),
        "state": np.zeros(cluster.N_STATE, np.int64),
        "best": np.zeros(cluster.N_BEST, np.float32),
    }


@pytest.mark.parametrize("seed", range(4))
def test_candidates_and_blinks_match_the_definition(kernel, seed):
    rng = np.random.default_rng(seed)
    limits = kernel["limits"]
    plain = PlainCluster(
        limits[cluster.THRESHOLD], limits[cluster.RISE_ALLOWED], limits[cluster.FALL_ALLOWED]
    )
    n_cues, n_blinks = 0, 0
    for sample in range(3000):
        shape = (N_SCALES, N_LANES)
        scores = np.where(rng.random(shape) < 0.02, rng.exponential(5.0, shape), 1.0).astype(np.float32)
        responses = rng.normal(scale=3.0, size=shape).astype(np.float32)
        responses[:, 6:8] = np.where(rng.random((N_SCALES, 2)) < 0.02, 0.6, 0.1) * rng.random((N_SCALES, 2))
        responses[rng.random(shape) < 0.05] = np.nan
        scores[np.isnan(responses)] = 0.0
        returns = (rng.random(shape) < 0.6).astype(np.float32)
        rows = (scores.ravel(), responses.ravel(), returns.ravel())
        got = cluster.follow(sample, *rows, *kernel.values())
        blink, cue = plain.follow(sample, scores, responses, returns)
        assert bool(got & cluster.CUE_CLOSED) == (cue is not None)
        assert bool(got & cluster.BLINK_CLOSED) == (blink is not None)
        assert bool(got & cluster.STILL_OPEN) == (plain.cue is not None or plain.blink is not None)
        state, peaks = kernel["state"], kernel["peaks"]
        if cue is not None:
            n_cues += 1
            assert (state[cluster.BEST_SAMPLE], state[cluster.BEST_SCALE]) == cue["at"]
            assert state[cluster.BEST_CHANNEL] == cue["lead"]
            for signal, (score, response, scale, _) in cue["peaks"].items():
                assert peaks[0, cluster.PEAK_SCORE, signal] == score
                assert peaks[0, cluster.PEAK_RESPONSE, signal] == response
                assert kernel["where"][0, cluster.PEAK_SCALE, signal] == scale
        if blink is not None:
            n_blinks += 1
            assert kernel["best"][cluster.BLINK_HEIGHT] == pytest.approx(blink[0], rel=1e-6)
            assert (state[cluster.BLINK_SAMPLE], state[cluster.BLINK_SCALE]) == blink[1:]
    assert n_cues > 20
    assert n_blinks > 5
