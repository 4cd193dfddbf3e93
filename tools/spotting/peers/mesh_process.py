"""MediaPipe's face mesh in a process and environment of its own: pictures in, landmarks out.

Reads two int32 (height, width) from standard input and then pictures; answers each one
with float32 [468, 3] in pixels (NaN where there is no face) and, as float64, the CPU seconds that the
mesh took on all its threads. Needs numpy and mediapipe only.
"""

import os
import sys
import time

N_LANDMARKS = 468


def main() -> None:
    """Answer until the pictures end."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what MediaPipe prints must not come between the answers
    import mediapipe
    import numpy as np

    mesh = mediapipe.solutions.face_mesh.FaceMesh(
        static_image_mode=False, max_num_faces=1, refine_landmarks=False
    )
    height, width = np.frombuffer(sys.stdin.buffer.read(8), np.int32).tolist()
    while len(pixels := sys.stdin.buffer.read(height * width)) == height * width:
        luma = np.frombuffer(pixels, np.uint8).reshape(height, width)
        picture = np.repeat(luma[:, :, None], 3, axis=2)
        begun_s = time.process_time()
        faces = mesh.process(picture).multi_face_landmarks
        cpu_s = time.process_time() - begun_s
        points = np.full((N_LANDMARKS, 3), np.nan, np.float32)
        if faces:
            # z is in the unit of x (MediaPipe's documentation of the face mesh)
            points[:] = [(p.x * width, p.y * height, p.z * width) for p in faces[0].landmark]
        answers.write(points.tobytes() + np.float64(cpu_s).tobytes())
        answers.flush()


if __name__ == "__main__":
    main()
