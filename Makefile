# A thin front door; Meson does the work. Every target prepares a fresh Debian 12 by itself.
BUILD ?= build
SECONDS_EACH ?= 5
.PHONY: all demo test bench asan tsan fuzz clean setup
all: setup
	@[ -f $(BUILD)/build.ninja ] || meson setup $(BUILD) >/dev/null
	@ninja -C $(BUILD) --quiet
setup:
	@scripts/setup
demo: all
	@examples/debian/demo $(BUILD)/karat
test: all
	@meson test -C $(BUILD) --print-errorlogs
asan: setup
	@[ -f build-asan/build.ninja ] || CC=clang meson setup build-asan -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false -Darena_debug=true >/dev/null
	@ninja -C build-asan --quiet
tsan: setup
	@[ -f build-tsan/build.ninja ] || CC=clang meson setup build-tsan -Dbuildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false >/dev/null
	@ninja -C build-tsan --quiet
fuzz: setup
	@[ -f build-fuzz/build.ninja ] || CC=clang meson setup build-fuzz -Dfuzz=true -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false -Darena_debug=true >/dev/null
	@ninja -C build-fuzz --quiet
	@fuzz/run build-fuzz $(SECONDS_EACH)
bench: all
	@bench/run $(BUILD)/karat
clean:
	rm -rf build build-*
