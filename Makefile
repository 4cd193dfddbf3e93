# make run and make test need only Python 3.10-3.13, make and, the first time, a network.
# Another Python: make test PYTHON=python3.12. Options for microcue: make run ARGS="--led terminal"

ARGS ?=
export PYTHON
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test test-tflite test-gstreamer test-picamera2 test-vivid test-powerloss test-durability test-service test-strace test-ahead test-firmware test-installer test-boot image-lint image-test soak lint bench compare benchmark models clean venv venv-dev venv-mediapipe

help:  ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: venv  ## watch with the camera, or the built-in demo where there is none
	@code=0; $(BIN)/microcue run $(ARGS) || code=$$?; \
	if [ $$code -eq 69 ] && [ -z "$(ARGS)" ]; then \
		echo "microcue: no camera here, so this is the built-in demo"; \
		$(BIN)/microcue demo; \
	else \
		exit $$code; \
	fi

test: lint  ## style, spelling, types and tests
	$(BIN)/pytest $(ARGS)

lint: venv-dev  ## style, spelling and types only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy

test-tflite:  ## the model tests once more, with the older runtime beside the default one
	@code=0; sh tools/make_venv.sh .venv-tflite tflite,test 11 || code=$$?; \
	if [ $$code -eq 3 ]; then \
		echo "microcue: test-tflite does not apply here, since tflite-runtime has no wheel after Python 3.11"; \
	elif [ $$code -ne 0 ]; then \
		exit $$code; \
	else \
		MICROCUE_RUNTIMES=litert,tflite .venv-tflite/bin/pytest tests/perceive $(ARGS); \
	fi

test-vivid: venv-dev  ## the USB source on a real V4L2 driver, in an emulated arm64 board (root, Debian; some 10 minutes)
	@$(BIN)/python tools/vivid_camera.py $(ARGS)

test-powerloss: venv-dev  ## the log under real power cuts, in an emulated arm64 board (root, Debian; some 15 minutes)
	@$(BIN)/python tools/cut_power.py $(ARGS)

soak: venv  ## two hours at 120 fps, as fast as they go: memory, threads, watchdog, log (ARGS="--minutes 2" for less)
	@$(BIN)/python tools/soak.py $(ARGS)

test-durability: venv-dev  ## the log under 300 kills, failing writes and a full disk (strace, root; some 15 minutes)
	@$(BIN)/python tools/torture_log.py $(ARGS)

test-firmware: venv-dev  ## units, udev rules, firewall, installer: each before its own checker (systemd, nftables, shellcheck)
	@$(BIN)/python tools/check_firmware.py $(ARGS)

test-service: test-firmware

# every test that calls a kernel
KERNEL_TESTS := tests/building tests/test_ahead.py tests/capture/test_frame_history.py tests/perceive/test_crop.py \
	$(wildcard tests/spot/test_*_kernel.py) tests/spot/test_leaks.py $(wildcard tests/synth/test_*_kernels.py) \
	$(wildcard tests/track/test_*_kernel.py tests/track/test_*_kernels.py) tests/track/test_follow_patches.py \
	tests/track/test_patch_state.py tests/track/test_templates.py

test-ahead: venv-dev  ## the tests of kernels, and a whole session, with kernels compiled ahead (C compiler, python3-dev; minutes)
	@export MICROCUE_AHEAD=$(CURDIR)/build/ahead MICROCUE_AHEAD_BUILT=1 && $(BIN)/microcue warmup --ahead && \
		$(BIN)/pytest $(KERNEL_TESTS) && $(BIN)/python tools/compare_ahead.py $(ARGS)

test-installer:  ## tools/install.sh for real, in a root of SUITE=trixie, noble, jammy, jetpack (root, mmdebstrap, network)
	@sh tools/installer/try.sh $(SUITE) $(ARGS)

.PHONY: test-wheelhouse
test-wheelhouse:  ## wheels for aarch64 in emulated arm64 roots: installed offline, compiled, examined, a clip (root, qemu-user-static, network)
	@sh tools/installer/wheelhouse.sh $(SUITE) $(ARGS)

test-boot:  ## a whole device: wrong and right settings on its card, a restart, a session, the plug pulled (root, mmdebstrap, network)
	@sh tools/installer/boot.sh $(SUITE) $(ARGS)

image-test: venv-dev  ## an arm64 card built, started in an emulated board, its plug pulled: cues, LED pin, watchdog, log (root, Debian)
	@$(BIN)/python tools/boot_image.py $(ARGS)

test-strace: venv-dev  ## a whole session's sockets and writes as the kernel saw them, with and without a network (strace, root)
	@$(BIN)/python tools/trace_session.py $(ARGS)

image-lint:  ## the card's recipe before its tool's own lint; RPI_IMAGE_GEN names the folder of a copy
	@[ -x "$(RPI_IMAGE_GEN)/rpi-image-gen" ] || { echo "microcue: expected a copy of rpi-image-gen: make image-lint RPI_IMAGE_GEN=DIR" >&2; exit 1; }
	@for layer in firmware_config/image/layer/*.yaml; do \
		"$(RPI_IMAGE_GEN)/rpi-image-gen" metadata --lint "$(CURDIR)/$$layer" || exit 1; done

test-gstreamer: venv-dev  ## the tests of the GStreamer source with the real one (gstreamer1.0-tools and -plugins-base, -good)
	@command -v gst-launch-1.0 > /dev/null || { echo "microcue: gst-launch-1.0 is not installed" >&2; exit 1; }
	MICROCUE_GSTREAMER=1 $(BIN)/pytest tests/capture/test_gstreamer.py $(ARGS)

test-picamera2:  ## the Raspberry Pi source on the real picamera2 and libcamera's virtual camera (Debian or Ubuntu, as root)
	tools/virtual_camera/enter.sh /opt/venv/bin/python -m pytest -c /dev/null --rootdir /microcue/tools/virtual_camera \
		-p no:cacheprovider --timeout 600 /microcue/tools/virtual_camera $(ARGS)

.PHONY: docs reference
reference: venv-dev  ## the generated pages: commands, settings, database, errors, faults
	@$(BIN)/python tools/write_reference.py
	@$(BIN)/python tools/write_faults.py

docs:  ## the documentation site, strictly, into build/site (ARGS=--serve shows it)
	@sh tools/make_venv.sh .venv-docs group:docs 13
	@.venv-docs/bin/python tools/build_site.py $(ARGS)

.PHONY: release
release: venv-dev  ## wheel, source archive, image inputs and sums of this version, each tried (ARGS="--key FILE", --draft)
	@$(BIN)/python tools/build_release.py $(ARGS)

.PHONY: test-docs
test-docs: venv-dev  ## the commands on the pages that are marked as runnable, and the notebook (minutes)
	@sh tools/make_venv.sh .venv-notebook group:notebook 13
	@$(BIN)/python tools/run_pages.py --notebook $(CURDIR)/.venv-notebook/bin/python $(ARGS)

.PHONY: test-browser
test-browser:  ## the review page driven in a real Chromium, with screenshots in .cache/ (chromium, or CHROMIUM=PATH)
	@test -n "$(CHROMIUM)" || command -v chromium > /dev/null || { echo "microcue: chromium is not installed: apt install chromium" >&2; exit 1; }
	@sh tools/make_venv.sh .venv-browser browser 13
	.venv-browser/bin/python tools/drive_review.py --chromium "$${CHROMIUM:-$$(command -v chromium)}" $(ARGS)
	.venv-browser/bin/python tools/drive_live.py --chromium "$${CHROMIUM:-$$(command -v chromium)}"
	.venv-browser/bin/python tools/drive_kiosk.py --chromium "$${CHROMIUM:-$$(command -v chromium)}"

.PHONY: mutants test-corpora
mutants: venv-dev  ## small faults put into spotter and tracker, to see whether the tests notice (hours; ARGS="--sample 10")
	@$(BIN)/python tools/mutants.py $(ARGS)

test-corpora: venv-dev  ## microcue evaluate on a corpus in each published layout, with rendered movements (minutes)
	@$(BIN)/python tools/try_corpora.py $(ARGS)

.PHONY: bench-review flood-review
bench-review:  ## the review page with 4 hours at 200 fps and 2,000 cues: first paint, zooms, memory (chromium, or CHROMIUM=PATH)
	@test -n "$(CHROMIUM)" || command -v chromium > /dev/null || { echo "microcue: chromium is not installed: apt install chromium" >&2; exit 1; }
	@sh tools/make_venv.sh .venv-browser browser 13
	.venv-browser/bin/python tools/bench_review.py --chromium "$${CHROMIUM:-$$(command -v chromium)}" $(ARGS)

flood-review: venv-dev  ## the watcher's delay while 1,000 requests a second reach the review page
	@$(BIN)/python tools/flood_review.py $(ARGS)

bench: venv  ## the speed of this machine, stage by stage
	@$(BIN)/microcue bench $(ARGS)

compare: venv venv-mediapipe  ## CPU per frame beside MediaPipe's face mesh, in one run
	@$(BIN)/python tools/compare_mediapipe.py --peer-python .venv-mediapipe/bin/python $(ARGS)

venv-mediapipe: venv
	@test -x .venv-mediapipe/bin/python || { $(BIN)/python -m venv .venv-mediapipe && \
		.venv-mediapipe/bin/pip install --quiet mediapipe==0.10.21; } || \
		{ rm -rf .venv-mediapipe; echo "microcue: MediaPipe 0.10.21 needs Python 3.9 to 3.12 here" >&2; exit 1; }

.PHONY: venv-benchmark
venv-benchmark:  ## .venv-benchmark alone, for the tools/benchmark_*.py of the pages
	@sh tools/make_venv.sh .venv-benchmark benchmark 13

benchmark: venv-mediapipe venv-benchmark  ## how well movements are found, beside peers: an hour or two, into benchmark/
	.venv-benchmark/bin/python tools/benchmark_spotting.py --peer-python .venv-mediapipe/bin/python $(ARGS)

models:  ## build models/ again from their published originals
	@sh tools/make_venv.sh .venv-models quantize,test 13
	.venv-models/bin/python tools/quantize_models.py $(ARGS)

clean:  ## remove the environments and everything that was built
	rm -rf .venv .venv-docs .venv-notebook .venv-browser .venv-tflite .venv-models .venv-mediapipe .venv-benchmark build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find edge tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

venv:
	@sh tools/make_venv.sh .venv usb 13

venv-dev:
	@sh tools/make_venv.sh .venv dev 13
