import numpy as np
import pytest

from edge.synth.photometry import Sensor
from edge.synth.plan import Happening, SceneSettings


def exposed(sensor, level, frame=0, t_s=0.0):
    out = np.empty((200, 300), np.uint8)
    sensor.expose(np.full((200, 300), level, np.float32), frame, t_s, out)
    return out.astype(float)


@pytest.mark.parametrize("level", [16, 64, 128, 220])
def test_noise_variance_grows_in_a_line_with_light_and_is_as_asked_at_mid_grey(level):
    values = exposed(Sensor(SceneSettings(noise_levels=3.0)), level)
    expected = 9 * (0.25 + 0.75 * level / 128) + 1 / 12  # rounding to whole levels adds a twelfth
    assert values.var() == pytest.approx(expected, rel=0.05)
    assert values.mean() == pytest.approx(level, abs=0.1)


def test_noise_is_new_in_each_frame_and_the_same_in_each_run():
    sensor = Sensor(SceneSettings(noise_levels=3.0, seed=5))
    first, second = exposed(sensor, 128, frame=0), exposed(sensor, 128, frame=1)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(first[:-1].ravel(), first[1:].ravel())[0, 1]) < 0.02
    again = exposed(Sensor(SceneSettings(noise_levels=3.0, seed=5)), 128, frame=1)
    np.testing.assert_array_equal(again, second)


def test_an_exposure_step_lasts_as_long_as_planned():
    sensor = Sensor(SceneSettings(noise_levels=0), [Happening("exposure", 1.0, 0.5, 0.1)])
    assert [sensor.light(t) for t in (0.99, 1.0, 1.49, 1.5)] == pytest.approx([1, 1.1, 1.1, 1])
    assert exposed(sensor, 100, t_s=1.2).mean() == 110


def test_lamps_on_the_mains_beat_with_the_frame_rate():
    sensor = Sensor(SceneSettings(flicker_depth=0.02, mains_hz=50))
    light = np.array([sensor.light(k / 120) for k in range(240)]) - 1
    spectrum = np.abs(np.fft.rfft(light))
    # 100 Hz seen 120 times a second
    assert np.fft.rfftfreq(240, 1 / 120)[spectrum.argmax()] == pytest.approx(20)
    assert np.abs(light).max() == pytest.approx(0.02 * np.sin(np.pi / 3))
