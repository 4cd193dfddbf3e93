"""Where the parts of a face are, on key frames: detector, rotated region, landmark model."""
