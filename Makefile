# A thin front door; Meson does the work. Every target prepares a fresh Debian 12 by itself.
BUILD ?= build
SECONDS_EACH ?= 5
CLANG_DEBUG = -Dbuildtype=debugoptimized -Db_lundef=false
.PHONY: all demo test web bench asan tsan lto coverage fuzz clean setup setup-test
all: setup
	@scripts/tree $(BUILD)
setup:
	@scripts/setup
setup-test:
	@scripts/setup test
demo: all
	@examples/debian/demo $(BUILD)/karat
test: setup-test all
	@meson test -C $(BUILD) --print-errorlogs
asan: setup
	@CC=clang scripts/tree build-asan $(CLANG_DEBUG) -Db_sanitize=address,undefined -Darena_debug=true
tsan: setup
	@CC=clang scripts/tree build-tsan $(CLANG_DEBUG) -Db_sanitize=thread
lto: setup
	@scripts/tree build-lto -Db_lto=true
coverage: setup
	@scripts/tree build-coverage -Dbuildtype=debug -Db_coverage=true
	@scripts/coverage build-coverage
fuzz: setup
	@CC=clang scripts/tree build-fuzz $(CLANG_DEBUG) -Db_sanitize=address,undefined -Darena_debug=true -Dfuzz=true
	@fuzz/run build-fuzz $(SECONDS_EACH)
web: setup-test
	@cd web && npm run --silent check && npm run --silent build
bench: all
	@bench/run $(BUILD)/karat
clean:
	rm -rf build build-*
